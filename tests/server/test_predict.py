"""The prediction server as other machines reach it: TLS and tokens, or it does not start."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from stackcanvas.errors import NotFound, Refused, Unavailable
from stackcanvas.server.prepare import main as prepare
from stackcanvas.server.rounds import Rounds
from stackcanvas.stack import Stack, asking
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.running import process
from stackcanvas.testing.certificates import self_signed

EVERYWHERE = ("--host", "0.0.0.0", "--port", "0")  # noqa: S104 - the point of the test


def test_other_machines_need_tls_and_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without either it refuses to start; a token is known without a database, and refused soon after it is revoked."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    command = [sys.executable, "-m", "stackcanvas.server.predict", "--folder", ".stackcanvas", *EVERYWHERE]
    certificate, key = self_signed(tmp_path)
    tls = ["--tls-certificate", str(certificate), "--tls-key", str(key)]

    def refused(*words: str) -> str:
        done = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1
        return done.stderr

    assert "--tls-certificate" in refused()
    assert "stackcanvas tokens add NAME --role reader" in refused(*tls)

    with open_stack(tmp_path) as stack:
        text = stack.tokens.add("ada", role="reader")
        assert prepare(["--project", str(tmp_path)]) == 0
        assert text not in (tmp_path / ".stackcanvas/serving/tokens.json").read_text()
        with subprocess.Popen([*command, *tls], cwd=tmp_path) as running:
            try:
                assert ask(tmp_path, "/v2", text) == (200, "stackcanvas")
                assert ask(tmp_path, "/health/ready", None)[0] == 200
                assert ask(tmp_path, "/v2", None)[0] == ask(tmp_path, "/v2", "sc_guess")[0] == 401
                assert ask(tmp_path, "/v1/predict/nothing", text)[0] == 404

                with pytest.raises(Refused, match="Set STACKCANVAS_TOKEN"):
                    asking.ask(stack, "delay", [{}])
                monkeypatch.setenv("STACKCANVAS_TOKEN", text)
                with pytest.raises(NotFound):
                    asking.ask(stack, "delay", [{}])

                stack.tokens.revoke("ada")
                stack.ticks()["tokens"](stack.spine.clock.now())
                last = time.monotonic() + 30
                while ask(tmp_path, "/v2", text)[0] != 401:
                    assert time.monotonic() < last
                    time.sleep(0.05)
            finally:
                running.terminate()


def test_a_model_of_a_workspace_is_deployed_asked_and_watched(tmp_path: Path) -> None:
    """By the processes of its project: the prediction server answers, and the worker's rounds take its log in."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    rows = pl.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    with open_stack(tmp_path) as project:
        project.workspaces.add("churn")
        command = [sys.executable, "-m", "stackcanvas.server.predict", "--folder", ".stackcanvas", "--port", "0"]
        with subprocess.Popen(command, cwd=tmp_path) as running, open_stack(tmp_path, workspace="churn") as stack:
            try:
                version = stack.registry.register("m", LogisticRegression().fit(rows, [0, 0, 1, 1]), sample=rows)
                stack.deployment.deploy("m", version.ref)
                until(lambda: bool(stack.serving.served()) and bool(asked(stack, "m", {"x": 3.0})))
                with pytest.raises(NotFound):
                    asking.ask(project, "m", [{"x": 3.0}])
                rounds = Rounds(project, holder="here")
                rounds.look()
                now = stack.spine.clock.now()
                began = now - timedelta(hours=1)

                def counted() -> int:
                    rounds.once()
                    ends = now + timedelta(hours=1)
                    return stack.serving.counts("m", model=version.ref, start=began, end=ends).predictions

                until(lambda: counted() == 1)
                until(lambda: not rounds.once())
                assert "champion" in stack.registry.get(version.ref).aliases
                rounds.close()
            finally:
                running.terminate()


def asked(stack: Stack, endpoint: str, record: dict[str, object]) -> list[dict[str, Any]]:
    """What the prediction server answers; nothing while it starts."""
    with suppress(Unavailable, NotFound):
        return asking.ask(stack, endpoint, [record])
    return []


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    last = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < last, "it did not happen in time"
        time.sleep(0.05)


def ask(root: Path, path: str, token: str | None) -> tuple[int, object]:
    """Status, and the name or sentence that is answered."""
    last = time.monotonic() + 60
    while (found := process(root / ".stackcanvas", "predict")) is None:
        assert time.monotonic() < last
        time.sleep(0.05)
    assert found.url is not None
    assert found.url.startswith("https://")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(f"{found.url}{path}", data=b"{}" if "predict" in path else None)  # noqa: S310
    if token is not None:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310 - of this machine
            status, told = answer.status, json.loads(answer.read())
    except HTTPError as error:
        with error:
            status, told = error.code, json.loads(error.read())
    return status, told.get("name", told.get("error"))

"""The prediction server as other machines reach it: TLS and tokens, or it does not start."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest

from stackcanvas.errors import NotFound, Refused
from stackcanvas.server.prepare import main as prepare
from stackcanvas.stack import asking
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

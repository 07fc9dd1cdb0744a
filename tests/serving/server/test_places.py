"""Workspaces on the prediction server: each below its own prefix, apart from the project and from each other."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stackcanvas.testing.serving import PredictionProcess, ServedFolder

Start = Callable[..., PredictionProcess]
GOOD: dict[str, Any] = {"wind": 0.0, "month": 0, "carrier": "AA", "night": False}
ASKED = {"records": [GOOD]}


def workspace(folder: ServedFolder, name: str, *, shift: float) -> ServedFolder:
    """A workspace with the delay model."""
    made = ServedFolder(folder.root / "workspaces" / name)
    made.route(delay=made.to(("v1", made.delay(shift), 1.0)))
    return made


def allow(folder: Path, **roles: str) -> None:
    """Let tokens in, as the stack writes them: those named after their holder."""
    told = {hashlib.sha256(name.encode()).hexdigest(): {"name": name, "role": role} for name, role in roles.items()}
    (folder / "serving" / "tokens.json").write_text(json.dumps({"tokens": told}))


def test_one_that_cannot_be_served_stops_no_other(folder: ServedFolder, start: Start) -> None:
    """It is told once, and served when it can be."""
    blocked = workspace(folder, "airports", shift=1.0)
    (blocked.root / "predictions").write_text("no folder")
    workspace(folder, "churn", shift=1.0)
    server = start(folder)

    server.wait(lambda: server.get("/w/churn/v2/models/delay/ready")[0] == 200)
    assert server.get("/w/airports/v2")[0] == 404
    (blocked.root / "predictions").unlink()
    server.wait(lambda: server.get("/w/airports/v2/models/delay/ready")[0] == 200)

    assert server.said().count("workspace airports: it cannot be served") == 1
    assert "Traceback" not in server.said()


def test_each_answers_logs_and_counts_for_itself(folder: ServedFolder, start: Start) -> None:
    """Made while the server runs, they are served; removed, they are not; what is broken in one is its own."""
    server = start(folder)
    first, second = workspace(folder, "churn", shift=1.0), workspace(folder, "fraud", shift=2.0)
    server.wait(lambda: server.get("/w/churn/v2/models/delay/ready")[0] == 200)
    server.wait(lambda: server.get("/w/fraud/v2/models/delay/ready")[0] == 200)
    answers = [server.post(f"/w/{name}/v1/predict/delay", ASKED)[1]["predictions"][0] for name in ("churn", "fraud")]
    tensors = {
        "inputs": [
            {"name": "wind", "datatype": "FP32", "shape": [1], "data": [0.0]},
            {"name": "month", "datatype": "INT64", "shape": [1], "data": [0]},
            {"name": "carrier", "datatype": "BYTES", "shape": [1], "data": ["AA"]},
            {"name": "night", "datatype": "BOOL", "shape": [1], "data": [False]},
        ]
    }

    assert answers[0] != answers[1]
    assert server.post("/w/churn/v2/models/delay/infer", tensors)[0] == 200
    server.wait(lambda: (first.logged().height, second.logged().height) == (2, 1))
    assert folder.logged().height == 0
    assert server.post("/v1/predict/delay", ASKED)[0] == 404
    assert server.metric("stackcanvas_predict_rows_total") == 0
    assert 'endpoint="delay"' in server.ask("GET", "/w/churn/metrics")[2].decode()
    for path in (
        "/w/none/v2",
        "/w/",
        "/w",
        "/w//v2",
        "/w/../v2",
        "/w/%63hurn/v2",
        "/w/churn/w/fraud/v2",
        "/%77/churn/v2",
    ):
        assert server.get(path)[0] == 404, path

    (second.root / "serving" / "routes.json").write_text("{")
    server.wait(lambda: server.get("/w/fraud/health")[1]["status"] == "degraded")
    assert server.get("/w/churn/health")[1]["status"] == "ok"
    assert server.post("/w/fraud/v1/predict/delay", ASKED)[0] == 200
    # As it is removed: out of sight first, so that nothing is written into what is cleared away.
    shutil.rmtree(second.root.replace(second.root.with_name(".gone")))
    server.wait(lambda: server.get("/w/fraud/v2")[0] == 404)
    assert server.post("/w/churn/v1/predict/delay", ASKED)[0] == 200
    assert server.stop() == 0
    assert first.logged().height == 3
    assert "Traceback" not in server.said()


def test_tokens_of_a_workspace_enter_it_and_nothing_else(folder: ServedFolder, start: Start) -> None:
    """The project's administrators enter as well; others are not told which workspaces there are."""
    allow(folder.root, ada="admin", bob="reader")
    allow(workspace(folder, "churn", shift=1.0).root, cleo="reader")
    allow(workspace(folder, "fraud", shift=1.0).root, dan="writer")
    server = start(folder, "--tokens", wait=False)
    server.wait(lambda: server.announced() and server.get("/health")[0] == 200)

    def status(token: str | None, path: str) -> int:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return server.ask("GET", path, headers=headers)[0]

    ready = "/w/churn/v2/models/delay/ready"
    server.wait(lambda: status("cleo", ready) == 200)
    seen = {token: status(token, ready) for token in ("ada", "bob", "dan", "guess", None)}
    assert seen == {"ada": 200, "bob": 401, "dan": 401, "guess": 401, None: 401}
    assert [status("cleo", path) for path in ("/v2", "/w/fraud/v2", "/w/none/v2", "/w/churn/v2")] == [
        401,
        401,
        401,
        200,
    ]
    assert [status("ada", path) for path in ("/v2", "/w/fraud/v2", "/w/none/v2")] == [200, 200, 404]
    assert [status(None, path) for path in ("/health", "/w/churn/health", "/w/none/health")] == [200, 401, 401]
    assert server.post("/w/churn/v2/repository/models/delay/load", {}, {"authorization": "Bearer cleo"})[0] == 403

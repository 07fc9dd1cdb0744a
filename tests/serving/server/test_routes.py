"""Routes change while requests run, and a route that cannot be loaded changes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest

from stackcanvas.testing.serving import PredictionProcess, ServedFolder

Start = Callable[..., PredictionProcess]
GOOD: dict[str, Any] = {"wind": 0.0, "month": 0, "carrier": "AA", "night": False}
BODY = json.dumps({"records": [GOOD]}).encode()


def model(server: PredictionProcess, endpoint: str = "delay") -> str:
    """Which model answers now."""
    status, answer = server.post(f"/v1/predict/{endpoint}", {"records": [GOOD]})
    assert status == 200
    return str(answer["predictions"][0]["variant"])


def said_of(folder: ServedFolder, endpoint: str) -> Any:
    """What the server says of an endpoint to those who share its folder."""
    return json.loads((folder.root / "serving" / "status.json").read_text())["endpoints"].get(endpoint)


def test_no_request_fails_while_versions_change(folder: ServedFolder, start: Start) -> None:
    """Five switches under load from four clients: every request is answered, and the newest version at the end."""
    folder.route(delay=folder.to(("v0", folder.delay(), 1.0)))
    server = start(folder)
    stop = threading.Event()
    statuses: list[int] = []

    def load() -> None:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        while not stop.is_set() and len(statuses) < 50_000:
            connection.request("POST", "/v1/predict/delay", BODY)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()

    clients = [threading.Thread(target=load) for _ in range(4)]
    for client in clients:
        client.start()
    for number in range(1, 6):
        revision = folder.route(delay=folder.to((f"v{number}", folder.delay(number / 10), 1.0)))
        server.wait_revision(revision)
    stop.set()
    for client in clients:
        client.join()

    assert set(statuses) == {200}
    assert len(statuses) > 100
    assert model(server) == "v5"


@pytest.mark.parametrize(
    "damage", ["model.onnx", "bundle.json", "missing", "signature", "lookup", "outputs", "checks", "weights"]
)
def test_a_route_that_cannot_be_loaded_keeps_the_last_good_one(folder: ServedFolder, start: Start, damage: str) -> None:
    """Damaged bytes, a missing bundle, a model that is not what it says: the old one goes on, and it is said why."""
    folder.route(delay=folder.to(("v1", folder.delay(), 1.0)))
    server = start(folder)
    digest = folder.delay(0.5)
    route = folder.to(("v2", digest, 1.0))
    place = folder.root / "serving" / "bundles" / digest
    if damage in {"model.onnx", "bundle.json"}:
        (place / damage).write_bytes((place / damage).read_bytes() + b" ")
    elif damage == "missing":
        route = folder.to(("v2", "ab" * 32, 1.0))
    elif damage == "signature":
        wrong = folder.bundle(b"no model", [{"name": "x", "dtype": "FP32"}], [{"name": "y", "dtype": "FP32"}])
        route = folder.to(("v2", wrong, 1.0))
    elif damage == "lookup":
        route["lookup"] = {"view": "carriers"}
    elif damage == "checks":
        checks = [{"column": "wind", "rule": "not_null", "action": "fallback"}]
        route = folder.to(("v2", folder.delay(0.5, checks=checks), 1.0))
    elif damage == "outputs":
        route = folder.to(("v2", digest, 1.0), ("v3", folder.log(), 1.0))
    else:
        route = folder.to(("v2", digest, 0.0))
    folder.route(delay=route, log=folder.to(("v1", folder.log(), 1.0)))
    server.wait_revision(2)

    assert model(server) == "v1"
    assert server.post("/v1/predict/log", {"records": [{"x": 1}]})[0] == 200
    health = server.get("/health")[1]
    assert health["status"] == "degraded"
    assert list(health["failing"]) == ["delay"]
    assert "route_error" in server.get("/v2/models/delay")[1]["parameters"]
    told = {"state": "ready", "variants": ["v1"], "error": health["failing"]["delay"]}
    server.wait(lambda: said_of(folder, "delay") == told)
    assert server.get("/v2/health/ready")[0] == 200

    server.kill()
    again = start(folder)
    assert model(again) == "v1"


def test_an_unreadable_document_changes_nothing(folder: ServedFolder, start: Start) -> None:
    """Half a document, or none: what is served stays, also over a restart."""
    folder.route(delay=folder.to(("v1", folder.delay(), 1.0)))
    server = start(folder)
    (folder.root / "serving" / "routes.json").write_text('{"revision": 2, "endpoints": {')
    server.wait(lambda: server.get("/health")[1]["status"] == "degraded")
    assert model(server) == "v1"

    server.kill()
    again = start(folder)
    assert model(again) == "v1"
    folder.revision = 2
    folder.route(delay=folder.to(("v3", folder.delay(), 1.0)))
    again.wait_revision(3)
    assert again.get("/health")[1]["status"] == "ok"


def test_a_first_route_that_cannot_be_loaded_is_not_ready(folder: ServedFolder, start: Start) -> None:
    """An endpoint without anything to serve answers 503 with the reason, as does readiness."""
    folder.route(delay=folder.to(("v1", "ab" * 32, 1.0)))
    server = start(folder)

    status, answer = server.post("/v1/predict/delay", {"records": [GOOD]})
    assert status == 503
    assert "the file cannot be read" in answer["error"]
    assert server.get("/v2/health/ready")[0] == 503
    assert server.post("/v2/repository/models/delay/load", {})[0] == 503
    index = server.post("/v2/repository/index", {})[1]
    assert index[0]["state"] == "UNAVAILABLE"
    assert server.post("/v2/repository/index", {"ready": True})[1] == []


def test_a_first_document_that_cannot_be_read_is_not_ready(folder: ServedFolder, start: Start) -> None:
    """Nothing to serve and nobody knows what should be: 503 until the document can be read."""
    (folder.root / "serving" / "routes.json").write_text("{")
    server = start(folder)
    assert server.get("/v2/health/ready")[0] == 503
    assert server.post("/v1/predict/delay", {"records": [GOOD]})[0] == 503

    folder.route(delay=folder.to(("v1", folder.delay(), 1.0)))
    server.wait_revision(1)
    assert model(server) == "v1"
    assert server.get("/v2/health/ready")[0] == 200


def test_endpoints_come_and_go(folder: ServedFolder, start: Start) -> None:
    """A folder without routes is served; endpoints appear with the document and leave with it."""
    server = start(folder)
    assert server.get("/v2/health/ready")[0] == 200
    assert server.post("/v1/predict/delay", {"records": [GOOD]})[0] == 404

    folder.route(delay=folder.to(("v1", folder.delay(), 1.0)))
    server.wait_revision(1)
    assert model(server) == "v1"
    folder.route(**{"a/b é": folder.to(("v1", folder.delay(), 1.0))})
    server.wait_revision(2)
    assert model(server, "a%2Fb%20%C3%A9") == "v1"
    assert server.post("/v1/predict/delay", {"records": [GOOD]})[0] == 404

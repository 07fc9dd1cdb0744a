"""Deployments, routes and predictions over REST."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.server.control import make_app
from stackcanvas.testing.asgi import Client
from stackcanvas.testing.onnx_models import delay_model

ROUTES = "/api/v1/deployments"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """Asks the control server of a project with two versions of the model delay."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    sample = pl.DataFrame(
        {"wind": [1.0], "month": [0], "carrier": ["AA"], "night": [True]}, schema_overrides={"wind": pl.Float32}
    )
    with sc.open(tmp_path) as stack:
        for shift in (0.0, 0.5):
            stack.registry.register("delay", delay_model(shift), sample=sample)
        yield Client(make_app(stack))


def post(client: Client, path: str, content: dict[str, Any]) -> tuple[int, Any]:
    """Status and JSON of a POST."""
    answer = client.post(path, body=json.dumps(content).encode(), headers={"content-type": "application/json"})
    return answer.status, answer.json()


def test_a_release_and_its_way_back(client: Client) -> None:
    """Deployed, looked at, taken back."""
    assert client.get(ROUTES).json()["items"] == []
    status, release = post(client, f"{ROUTES}/delay/releases", {"model": "delay@1", "reason": "the first"})
    assert (status, release["state"], release["model"]) == (201, "live", "model:delay@1")
    _, release = post(client, f"{ROUTES}/delay/releases", {"model": "delay", "strategy": "canary"})
    assert release["strategy"]["kind"] == "canary"
    found = client.get(f"{ROUTES}/delay").json()
    assert (found["state"], found["candidate"], found["share"]) == ("progressing", "model:delay@2", 0.1)

    assert post(client, f"{ROUTES}/delay/rollback", {"reason": "slow"})[1]["state"] == "rolled back"
    states = [one["state"] for one in client.get(f"{ROUTES}/delay/releases").json()["items"]]
    assert states == ["rolled back", "live"]
    (route,) = client.get("/api/v1/serving/routes").json()["items"]
    assert [(one["name"], one["weight"]) for one in route["variants"]] == [("v1", 1.0)]


def test_errors_have_their_status(client: Client) -> None:
    """What does not exist is 404, what clashes 409, what cannot be read 400."""
    assert client.get(f"{ROUTES}/nothing").status == 404
    assert post(client, f"{ROUTES}/delay/releases", {"model": "delay@9"})[0] == 404
    assert post(client, f"{ROUTES}/delay/releases", {"model": "delay", "strategy": "magic"})[0] == 404
    assert 400 <= post(client, f"{ROUTES}/delay/releases", {})[0] < 500
    assert post(client, f"{ROUTES}/delay/releases", {"model": "delay@1"})[0] == 201
    assert post(client, f"{ROUTES}/delay/releases", {"model": "delay@1"})[0] == 409
    assert post(client, f"{ROUTES}/delay/rollback", {})[0] == 409
    assert client.get("/api/v1/serving/predictions/nothing").status == 404


def test_nothing_predicted_nothing_listed(client: Client) -> None:
    """Before the first prediction the lists are empty."""
    assert client.get("/api/v1/serving/predictions?endpoint=delay").json() == {"items": [], "next": None}
    assert client.get("/api/v1/serving/status").json() == {"items": [], "next": None}

"""All routes: documented, guarded, in one schema; and those of canvas, events and metadata."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from fastapi import FastAPI

import stackcanvas as sc
from stackcanvas.rest.api import routes
from stackcanvas.server.control import make_app
from stackcanvas.stack import Stack
from stackcanvas.testing.asgi import Client

PREFIX = "/api/v1"


@pytest.fixture
def stack(project: Path) -> Iterator[Stack]:
    """A project with a data version."""
    with sc.open(project) as opened:
        opened.data.commit("flights", pl.DataFrame({"delay": [5, 7]}))
        yield opened


@pytest.fixture
def client(stack: Stack) -> Client:
    """The control server in process."""
    return Client(make_app(stack))


def test_every_route_is_explained() -> None:
    """A sentence for each, in the schema that clients are made from."""
    app = FastAPI(routes=routes())
    for path, methods in app.openapi()["paths"].items():
        for method, route in methods.items():
            assert route.get("description"), f"{method} {path}"
            assert route["tags"], f"{method} {path}"
            assert path.startswith(PREFIX)


def test_the_schema_is_served(client: Client) -> None:
    """Without a page that loads from elsewhere."""
    assert client.get(f"{PREFIX}/openapi.json").json()["info"]["title"] == "stackcanvas"
    assert client.get("/docs").status == 404


def test_the_server_tells_about_itself(client: Client) -> None:
    """Health as text, version, and counts by route that no client can fill with names."""
    assert client.get("/health").text == "OK"
    assert client.get("/version").text == sc.__version__
    client.get(f"{PREFIX}/metadata/executions/some-client-made-name")
    client.ask("BREW", "/coffee-of-a-client")
    metrics = client.get("/metrics").text

    assert 'route="/health",status="200"} 1' in metrics
    assert "client" not in metrics
    assert 'method="other"' in metrics


def test_the_canvas(client: Client) -> None:
    """Answers, what is open, and the evidence of each block."""
    found = client.get(f"{PREFIX}/canvas").json()
    assert "data.versioning" in found["answered"]
    assert "serving.volume" in found["unanswered"]

    assert client.get(f"{PREFIX}/canvas/evidence").json()["data"]["facts"]


def test_events_are_read_in_order(client: Client) -> None:
    """After a number, by name and by subject; a full answer names where to go on."""
    first = client.get(f"{PREFIX}/events?limit=1").json()
    assert [event["name"] for event in first["items"]] == ["data.committed"]
    assert first["next"] == "1"
    assert client.get(f"{PREFIX}/events?after=1").json() == {"items": [], "next": None}
    assert client.get(f"{PREFIX}/events?name=other").json()["items"] == []
    assert client.get(f"{PREFIX}/events?subject=data:flights@1").json()["items"]
    assert client.get(f"{PREFIX}/events?subject=nonsense").status == 400
    for wrong in ("limit=0", "after=-1", f"after={10**30}", "after=x"):
        assert client.get(f"{PREFIX}/events?{wrong}").status == 422
        if wrong.startswith("after"):
            assert client.get(f"{PREFIX}/events/stream?{wrong}").status == 422


def test_metadata_and_lineage(client: Client) -> None:
    """Executions with their links, artifacts, the way of a version, the audit log."""
    (work,) = client.get(f"{PREFIX}/metadata/executions?kind=data.commit").json()["items"]
    one = client.get(f"{PREFIX}/metadata/executions/{work['id']}").json()
    assert [link["ref"] for link in one["links"] if link["direction"] == "made"] == ["data:flights@1"]
    assert client.get(f"{PREFIX}/metadata/executions/nothing").status == 404
    assert client.get(f"{PREFIX}/metadata/artifacts?kind=data").json()["items"][0]["ref"] == "data:flights@1"
    assert client.get(f"{PREFIX}/metadata/lineage?ref=data:flights").json()["graph"]["root"] == "data:flights@1"
    assert client.get(f"{PREFIX}/metadata/lineage?ref=data:nothing").status == 404
    assert "items" in client.get(f"{PREFIX}/metadata/audit").json()

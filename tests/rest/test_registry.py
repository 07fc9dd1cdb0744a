"""Models over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import stackcanvas as sc
from stackcanvas.stack import Stack

Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(project: Path, asking: Callable[[Stack], Ask]) -> Iterator[Ask]:
    """The routes over a project with a registered model."""
    sample = pl.DataFrame({"calls": np.linspace(-1, 1, 50, dtype=np.float32)})
    with sc.open(project) as stack:
        model = LogisticRegression().fit(sample, sample["calls"].to_numpy() > 0)
        for name in ("churn", "team/churn"):
            stack.registry.register(name, model, sample=sample)
        yield asking(stack)


def test_models_and_versions(ask: Ask) -> None:
    """Listed, and one by any of its names."""
    assert [one["name"] for one in ask("GET", "/models").json()["items"]] == ["churn", "team/churn"]
    assert [one["version"] for one in ask("GET", "/models/churn/versions").json()["items"]] == ["1.0.0"]
    for selector in ("1", "v1.0.0", "latest"):
        assert ask("GET", f"/models/churn/versions/{selector}").json()["ref"] == "model:churn@1"


def test_names_with_a_slash(ask: Ask) -> None:
    """Written as they are or percent-encoded."""
    for name in ("team/churn", "team%2Fchurn"):
        assert ask("GET", f"/models/{name}/versions/1").json()["ref"] == "model:team/churn@1"
        assert len(ask("GET", f"/models/{name}/versions").json()["items"]) == 1
        assert ask("GET", f"/models/{name}/versions/1/files/model.onnx").status_code == 200


def test_aliases(ask: Ask) -> None:
    """Set and taken away."""
    assert ask("PUT", "/models/churn/aliases/champion", json={"version": "1"}).json()["aliases"] == ["champion"]
    assert ask("GET", "/models/churn/versions/champion").json()["number"] == 1
    assert ask("DELETE", "/models/churn/aliases/champion").status_code == 200
    assert ask("DELETE", "/models/churn/aliases/champion").status_code == 404
    assert ask("PUT", "/models/churn/aliases/7", json={"version": "1"}).status_code == 400


def test_files_and_verification(ask: Ask) -> None:
    """Bytes as they were registered."""
    onnx = ask("GET", "/models/churn/versions/1/files/model.onnx")

    assert onnx.headers["content-type"] == "application/octet-stream"
    assert len(onnx.content) > 100
    assert ask("GET", "/models/churn/versions/1/verify").json()["ok"] is True
    assert ask("GET", "/models/churn/versions/1/files/other").status_code == 404


def test_what_is_not_there(ask: Ask) -> None:
    """In the envelope of all errors."""
    answer = ask("GET", "/models/chrun/versions/1")

    assert answer.status_code == 404
    assert "There is no model 'chrun'" in answer.json()["error"]


def test_what_is_said_of_models_changes_and_they_end(ask: Ask) -> None:
    """Descriptions, tags, another name; the champion is deleted by force only."""
    made = ask("POST", "/models", json={"name": "empty", "description": "none yet", "tags": {"team": "risk"}})
    assert (made.status_code, made.json()["tags"], made.json()["latest"]) == (201, {"team": "risk"}, None)
    assert ask("POST", "/models", json={"name": "empty"}).status_code == 409

    version = "/models/churn/versions/1"
    assert ask("PUT", f"{version}/description", json={"text": "why"}).json()["message"] == "why"
    assert ask("PUT", f"{version}/tags/k", json={"value": "v"}).json()["tags"] == {"k": "v"}
    assert ask("DELETE", f"{version}/tags/k").json()["tags"] == {}
    assert ask("PUT", "/models/empty/name", json={"name": "full"}).json()["name"] == "full"

    ask("PUT", "/models/churn/aliases/champion", json={"version": "1"})
    assert ask("DELETE", version).status_code == 403
    assert ask("DELETE", f"{version}?force=true").json()["deleted"] == "model:churn@1"
    assert ask("GET", version).status_code == 404


def test_cards_bills_and_consents(ask: Ask) -> None:
    """Texts that others read; a consent of somebody unknown is refused."""
    card = ask("GET", "/models/churn/versions/1/card")
    assert card.headers["content-type"].startswith("text/markdown")
    assert card.text.startswith("# churn 1.0.0")
    assert ask("GET", "/models/churn/versions/1/bom").json()["bomFormat"] == "CycloneDX"
    consents = "/models/churn/versions/1/consents"
    assert ask("GET", consents).json()["items"] == []
    assert ask("POST", consents, json={"action": "deploy"}).status_code == 403

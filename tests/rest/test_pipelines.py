"""Pipelines and their runs over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import stackcanvas as sc
from stackcanvas.pipelines import run_next
from stackcanvas.stack import Stack

Ask = Callable[..., httpx.Response]
CODE = """
import stackcanvas as sc

@sc.step
def double(number: int):
    return 2 * number

@sc.pipeline
def train(number: int = 1):
    return double(number)
"""


@pytest.fixture
def stack(project: Path) -> Iterator[Stack]:
    """A project with one pipeline."""
    (project / "pipelines.py").write_text(CODE)
    canvas = project / "canvas.yaml"
    canvas.write_text(canvas.read_text().replace("pipelines:\n", 'pipelines:\n  location: {executor: "inline:"}\n'))
    with sc.open(project) as opened:
        yield opened


@pytest.fixture
def ask(stack: Stack, asking: Callable[[Stack], Ask]) -> Ask:
    """The routes over it."""
    return asking(stack)


def test_a_run_is_asked_for_and_followed(ask: Ask, stack: Stack) -> None:
    """A worker executes it."""
    assert [one["name"] for one in ask("GET", "/pipelines").json()["items"]] == ["train"]
    assert [one["node"] for one in ask("GET", "/pipelines/train").json()["items"]] == ["double"]

    asked = ask("POST", "/pipelines/train/runs", json={"parameters": {"number": 3}})
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    run_id = asked.json()["id"]
    assert run_next(stack.pipelines) is not None

    assert ask("GET", f"/pipeline-runs/{run_id}").json()["state"] == "finished"
    (step,) = ask("GET", f"/pipeline-runs/{run_id}/steps").json()["items"]
    assert (step["node"], step["state"]) == ("double", "finished")
    assert [one["id"] for one in ask("GET", "/pipelines/train/runs?state=finished").json()["items"]] == [run_id]
    assert [one["id"] for one in ask("GET", "/pipeline-runs").json()["items"]] == [run_id]
    tracked = ask("GET", f"/runs/{run_id}").json()
    assert (tracked["experiment"], tracked["parameters"]) == ("train", {"number": "3"})


def test_a_queued_run_is_cancelled_once(ask: Ask) -> None:
    """Then it is a conflict."""
    run_id = ask("POST", "/pipelines/train/runs", json={}).json()["id"]

    assert ask("POST", f"/pipeline-runs/{run_id}/cancel").json()["state"] == "cancelled"
    assert ask("POST", f"/pipeline-runs/{run_id}/cancel").status_code == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/pipelines/trian", None, 404),
        ("POST", "/pipelines/trian/runs", {}, 404),
        ("POST", "/pipelines/train/runs", {"parameters": {"numbr": 1}}, 400),
        ("POST", "/pipelines/train/runs", {"concurrency": 0}, 422),
        ("GET", "/pipeline-runs/nothing", None, 404),
        ("GET", "/pipeline-runs/nothing/steps", None, 404),
        ("POST", "/pipeline-runs/nothing/cancel", None, 404),
    ],
)
def test_a_mistake_is_told(ask: Ask, method: str, path: str, body: dict[str, object] | None, status: int) -> None:
    """With a sentence."""
    answered = ask(method, path, **({} if body is None else {"json": body}))

    assert answered.status_code == status
    assert answered.json()["error"]

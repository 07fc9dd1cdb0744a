"""Experiments and tracked runs over REST."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.stack import Stack

Ask = Callable[..., httpx.Response]


@pytest.fixture
def stack(project: Path) -> Iterator[Stack]:
    """A project with three runs."""
    with sc.open(project) as opened:
        for number in range(3):
            with opened.experiments.run("delay", name=f"run {number}", parameters={"depth": number}) as run:
                run.log({"auc": number / 10, "deep/loss": float("inf")})
                run.log_artifact("plots/roc.txt", f"curve {number}")
        yield opened


@pytest.fixture
def ask(stack: Stack, asking: Callable[[Stack], Ask]) -> Ask:
    """The routes over it."""
    return asking(stack)


def names(answered: httpx.Response) -> list[str]:
    """The names in an answer."""
    return [one["name"] for one in answered.json()["items"]]


def test_runs_are_searched_in_pages(ask: Ask) -> None:
    """Ordered and narrowed; the last page has no next."""
    asked = {"experiment": "delay", "order_by": "metric.auc desc", "limit": 2}
    first = ask("GET", "/runs", params=asked)
    second = ask("GET", "/runs", params={**asked, "offset": first.json()["next"]})

    assert (names(first), names(second)) == (["run 2", "run 1"], ["run 0"])
    assert second.json()["next"] is None
    where = ["metric.auc > 0", "parameter.depth != 2"]
    assert names(ask("GET", "/runs", params={"where": where})) == ["run 1"]


def test_a_run_has_metrics_and_files(ask: Ask) -> None:
    """Whatever slashes their names hold."""
    run_id = ask("GET", "/runs").json()["items"][0]["id"]

    assert ask("GET", f"/runs/{run_id}").json()["metrics"]["auc"]["value"] == 0.2
    assert [one["value"] for one in ask("GET", f"/runs/{run_id}/metrics/deep/loss").json()["items"]] == ["Infinity"]
    assert [one["path"] for one in ask("GET", f"/runs/{run_id}/artifacts").json()["items"]] == ["plots"]
    listed = ask("GET", f"/runs/{run_id}/artifacts", params={"folder": "plots"}).json()["items"]
    assert [one["path"] for one in listed] == ["plots/roc.txt"]
    assert ask("GET", f"/runs/{run_id}/artifacts/plots/roc.txt").text == "curve 2"


def test_runs_are_compared_and_come_as_tables(ask: Ask) -> None:
    """What differs, where a run comes from, and all runs as a file of each format."""
    runs = ask("GET", "/runs", params={"order_by": "name"}).json()["items"]
    ids = [run["id"] for run in runs]

    rows = ask("GET", "/runs/compare", params={"run": ids[:2]}).json()["items"]
    assert {row["what"] for row in rows} == {"parameter.depth", "metric.auc"}
    assert ask("GET", f"/runs/run:{ids[0]}/origin").json()["command"] == sys.orig_argv
    assert ask("GET", "/runs/nothing/origin").status_code == 404
    table = ask("GET", "/runs/table", params={"where": "params.depth = '1'"})
    assert table.headers["content-type"].startswith("text/csv")
    assert len(table.text.splitlines()) == 2
    parquet = ask("GET", "/runs/table", params={"format": "parquet", "order_by": "name"})
    assert pl.read_parquet(parquet.content)["id"].to_list() == ids
    assert ask("GET", "/runs/table", params={"format": "xls"}).status_code in {400, 422}
    assert ask("GET", "/runs/table", params={"where": "nonsense"}).status_code == 400


def test_experiments_are_listed(ask: Ask) -> None:
    """And found by name."""
    assert names(ask("GET", "/experiments")) == ["delay"]
    assert ask("GET", "/experiments/delay").json()["id"] == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/experiments/delai", 404),
        ("/runs/nothing", 404),
        ("/runs?experiment=delai", 404),
        ("/runs?where=auc", 400),
        ("/runs?order_by=begun", 400),
        ("/runs?limit=0", 422),
        ("/runs/nothing/artifacts/a/../b", 404),
        ("/runs/nothing/artifacts/a", 404),
    ],
)
def test_a_mistake_is_told(ask: Ask, path: str, status: int) -> None:
    """With a sentence."""
    answered = ask("GET", path)

    assert answered.status_code == status
    assert answered.json()["error"]

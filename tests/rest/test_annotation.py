"""Labelling, reports and splits over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

from stackcanvas.stack import Stack, open  # noqa: A004 - the verb of the package

Ask = Callable[..., httpx.Response]


@pytest.fixture
def stack(project: Path) -> Iterator[Stack]:
    """A project with a queue."""
    with open(project) as opened:
        opened.data.commit("texts", pl.DataFrame({"id": [1, 2, 3, 4], "text": ["a", "b", "c", "d"]}), key="id")
        opened.annotation.create("team/mood", "texts", choices=["good", "bad"], wanted=1)
        yield opened


def test_labelling_by_programs(stack: Stack, asking: Callable[[Stack], Ask]) -> None:
    """Claim, label, skip, give back, decide, and look at all of it."""
    ask = asking(stack)
    queue = "/annotation/team/mood"

    claim = ask("POST", f"{queue}/claims", json={"labeller": "ada"}).json()
    assert claim["item"]["data"] == {"id": 1, "text": "a"}
    said = ask("POST", f"{queue}/items/1/labels", json={"labeller": "ada", "value": "good"})
    assert (said.status_code, said.json()["state"]) == (201, "done")
    assert ask("POST", f"{queue}/items/1/labels", json={"labeller": "bob", "value": "good"}).status_code == 409
    assert ask("POST", f"{queue}/items/2/labels", json={"labeller": "bob", "value": "great"}).status_code == 400
    assert ask("POST", f"{queue}/items/2/skip", json={"labeller": "ada", "note": "no"}).json() == {"skipped": 2}
    assert ask("POST", f"{queue}/items/3/release", json={"labeller": "ada"}).status_code == 200
    assert ask("PUT", f"{queue}/items/2/decision", json={"labeller": "eve", "value": "bad"}).json()["final"] == "bad"

    assert [one["value"] for one in ask("GET", f"{queue}/items").json()["items"]] == ["good", "bad", None, None]
    assert ask("GET", f"{queue}/items/1").json()["labels"][0]["labeller"] == "ada"
    assert ask("GET", f"{queue}/agreement").json()["items"] == 0
    assert ask("GET", queue).json()["progress"]["done"] == 2
    assert ask("GET", "/annotation").json()["items"][0]["queue"] == "team/mood"
    tasks = ask("GET", f"{queue}/label-studio").json()
    assert ask("POST", "/annotation/copy/label-studio", json=tasks).json()["items"] == 4
    assert ask("POST", "/annotation/copy/label-studio", json=[{}]).status_code == 400
    assert ask("GET", "/annotation/none").status_code == 404


def test_reports_and_splits(stack: Stack, asking: Callable[[Stack], Ask]) -> None:
    """What was made is listed; a report's page comes with a policy that lets it load nothing."""
    ask = asking(stack)
    report = stack.analysis.profile("texts")
    split = stack.splits.make("texts", parts={"train": 0.5, "test": 0.5})

    assert [one["ref"] for one in ask("GET", "/reports").json()["items"]] == [report.ref]
    page = ask("GET", "/reports/page", params={"ref": report.ref})
    assert page.text == report.html
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert ask("GET", "/reports/page", params={"ref": "report:none@1"}).status_code == 404
    assert [one["ref"] for one in ask("GET", "/splits").json()["items"]] == [str(split.ref)]
    assert ask("GET", "/splits/of", params={"ref": "texts/train"}).json()["ref"] == str(split.ref)
    assert ask("GET", "/splits/of", params={"ref": "texts"}).json() is None

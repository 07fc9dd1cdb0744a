"""Versions of data sets over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.stack import Stack

Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(project: Path, asking: Callable[[Stack], Ask]) -> Iterator[Ask]:
    """The routes over a project with two versions of a table whose name has a slash."""
    with sc.open(project) as stack:
        stack.data.commit("2013/flights", pl.DataFrame({"id": [1, 2], "delay": [5.0, float("nan")]}), key="id")
        stack.data.commit("2013/flights", pl.DataFrame({"id": [2, 3], "delay": [7.0, None]}), key="id", tags=["new"])
        yield asking(stack)


def test_versions(ask: Ask) -> None:
    """Listed, and one by any of its names."""
    assert [one["ref"] for one in ask("GET", "/data").json()["items"]] == ["data:2013/flights@2"]
    assert [one["number"] for one in ask("GET", "/data/2013/flights/versions").json()["items"]] == [2, 1]
    for selector in ("2", "new", "latest"):
        assert ask("GET", f"/data/2013/flights/versions/{selector}").json()["ref"] == "data:2013/flights@2"


def test_what_is_in_a_version(ask: Ask) -> None:
    """Rows, files, profile and whether it is sound."""
    one = "/data/2013%2Fflights/versions/1"

    assert ask("GET", f"{one}/rows").json()["items"] == [{"id": 1, "delay": 5.0}, {"id": 2, "delay": "NaN"}]
    assert len(ask("GET", f"{one}/rows?limit=1").json()["items"]) == 1
    assert [file["path"] for file in ask("GET", f"{one}/files").json()["items"]] == ["table.parquet"]
    assert ask("GET", f"{one}/profile").json()["rows"] == 2
    assert ask("GET", f"{one}/verify").json() == {"sound": True, "files": 1, "problems": []}


def test_the_bytes_of_a_file(ask: Ask) -> None:
    """As they were committed, to be saved and not shown; what is not there is said."""
    one = "/data/2013%2Fflights/versions/1"
    size = ask("GET", f"{one}/files").json()["items"][0]["size_bytes"]

    for asked in (f"{one}/content", f"{one}/content?path=table.parquet"):
        got = ask("GET", asked)
        assert (len(got.content), got.headers["content-length"]) == (size, str(size))
        assert got.content.startswith(b"PAR1")
        assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''table.parquet"
    assert ask("GET", f"{one}/content?path=other").status_code == 404


def test_diff(ask: Ask) -> None:
    """From one version to another."""
    rows = ask("GET", "/data/2013/flights/diff?before=1").json()["rows"]

    assert (rows["added"], rows["removed"], rows["changed"]) == (1, 1, 1)


def test_tags(ask: Ask) -> None:
    """A tag is set, and moved only when that is asked for."""
    assert ask("PUT", "/data/2013/flights/tags/good", json={"version": "1"}).json()["tags"] == ["good"]
    assert ask("PUT", "/data/2013/flights/tags/good", json={"version": "2"}).status_code == 409
    moved = ask("PUT", "/data/2013/flights/tags/good", json={"version": "2", "move": True})
    assert moved.json()["tags"] == ["good", "new"]


def test_what_is_not_there(ask: Ask) -> None:
    """In the envelope of all errors."""
    answer = ask("GET", "/data/2013/flihgts/versions")

    assert answer.status_code == 404
    assert "Did you mean '2013/flights'" in answer.json()["error"]
    assert ask("GET", "/data/2013/flights/versions/9").status_code == 404
    assert ask("GET", "/data/2013/flights/diff").status_code == 422


def test_a_commit(ask: Ask) -> None:
    """A file as the body becomes a version; the same again is told to be equal, and bad ones leave nothing."""
    made = ask("POST", "/data/fares/versions?file=fares.csv&key=id&message=first", content=b"id,fare\n1,2.5\n")

    assert (made.status_code, made.json()["ref"], made.json()["rows"]) == (201, "data:fares@1", 1)
    again = ask("POST", "/data/fares/versions?file=fares.csv&key=id", content=b"id,fare\n1,2.5\n")
    assert (again.status_code, again.json()["existed"]) == (200, True)
    assert ask("GET", "/data/fares/versions/1/rows").json()["items"] == [{"id": 1, "fare": 2.5}]
    assert ask("POST", "/data/fares/versions?file=fares.csv", content=b"id,fare\n1\n").status_code == 400
    for name in ("..", "a/b", ""):
        assert ask("POST", "/data/fares/versions", params={"file": name}, content=b"x").status_code == 400
    assert len(ask("GET", "/data/fares/versions").json()["items"]) == 1

"""Versions as the database keeps them."""

from __future__ import annotations

import pickle

import polars as pl
import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.errors import NotFound
from stackcanvas.plain import plain


def test_log_and_ls(data: Data, clock: ManualClock) -> None:
    """The log has every version, newest first; the list the latest of each data set, by name."""
    for number in range(3):
        data.commit("b", pl.DataFrame({"x": [number]}), message=f"turn {number}")
        clock.advance(seconds_s=60)
    data.commit("a", pl.DataFrame({"y": [1]}))

    assert [(version.number, version.message) for version in data.log("b")] == [
        (3, "turn 2"),
        (2, "turn 1"),
        (1, "turn 0"),
    ]
    assert [str(version.ref) for version in data.ls()] == ["data:a@1", "data:b@3"]
    assert data.get("b@latest") == data.get("b") == data.log("b")[0]
    assert (data.log("b")[0].created - data.log("b")[2].created).total_seconds() == 120


def test_nothing_yet(data: Data) -> None:
    """An empty workspace lists nothing; a name is unknown."""
    assert data.ls() == []
    with pytest.raises(NotFound, match="no data set 'a'"):
        data.log("a")


def test_names_of_any_letters(data: Data) -> None:
    """Names may have slashes, blanks and other letters."""
    data.commit("flüge/januar 2013", pl.DataFrame({"x": [1]}))

    assert data.get("flüge/januar 2013").number == 1
    assert data.get(data.ls()[0].ref).name == "flüge/januar 2013"


def test_as_json_and_across_processes(data: Data) -> None:
    """A version becomes plain values for JSON, and can be sent to another process with its profile."""
    version = data.commit("a", pl.DataFrame({"x": [1, 2]}), tags=["t"])

    facts = plain(version)
    sent = pickle.loads(pickle.dumps(version))  # noqa: S301

    assert (facts["ref"], facts["rows"], facts["columns"], facts["tags"]) == ("data:a@1", 2, {"x": "Int64"}, ["t"])
    assert "profile" not in facts
    assert sent == version
    assert sent.profile == version.profile

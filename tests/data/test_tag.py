"""Names for versions."""

from __future__ import annotations

import polars as pl
import pytest

from stackcanvas.data import Data
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.metadata import Spine


@pytest.fixture
def two(data: Data) -> Data:
    """Two versions of `a`."""
    data.commit("a", pl.DataFrame({"x": [1]}))
    data.commit("a", pl.DataFrame({"x": [2]}))
    return data


def test_a_tag_names_a_version(two: Data, spine: Spine) -> None:
    """A version may have several tags; they are shown and can be used as its name."""
    two.tag("a@1", "first")
    version = two.tag("a@1", "good")

    assert version.tags == ("first", "good")
    assert two.get("a@good").number == 1
    assert two.log("a")[1].tags == ("first", "good")
    assert two.get("a").tags == ()
    assert spine.audit.entries()[0].action == "data.tag"


def test_a_tag_stands_for_one_version(two: Data) -> None:
    """It is not taken from a version unless that is asked for."""
    two.tag("a@1", "good")
    assert two.tag("a@1", "good").tags == ("good",)

    with pytest.raises(Conflict, match="'good' stands for a@1"):
        two.tag("a@2", "good")
    assert two.tag("a@2", "good", move=True).tags == ("good",)
    assert two.get("a@1").tags == ()


@pytest.mark.parametrize("tag", ["", "3", "3rd", "a b", "a@b", "latest", "x" * 101, "ü"])
def test_what_cannot_be_a_tag(two: Data, tag: str) -> None:
    """Numbers, blanks and the word latest would be read as something else."""
    with pytest.raises(BadInput, match="cannot be a tag"):
        two.tag("a", tag)


def test_a_tag_for_nothing(two: Data) -> None:
    """A version that does not exist cannot be tagged."""
    with pytest.raises(NotFound):
        two.tag("a@9", "good")


def test_a_taken_tag_undoes_the_commit(two: Data) -> None:
    """A commit whose tag is taken makes no version."""
    two.tag("a@1", "good")

    with pytest.raises(Conflict):
        two.commit("a", pl.DataFrame({"x": [3]}), tags=["good"])
    assert len(two.log("a")) == 2

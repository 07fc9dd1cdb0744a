"""Data sheets: what is known, what people answered, and what nobody knows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stackcanvas.data import Data
from stackcanvas.data.sheet import QUESTIONS, blank
from stackcanvas.errors import BadInput, Conflict


@pytest.fixture
def flights(data: Data) -> Data:
    """A data set with a missing value."""
    data.commit("flights", pl.DataFrame({"id": [1, 2], "delay": [5.0, None]}))
    return data


def test_what_the_records_know(flights: Data) -> None:
    """Rows, columns, missing values, source and versions stand there; every other question is open."""
    found = flights.sheet("flights")
    page = found.markdown()

    assert "2 rows, 2 columns" in page
    assert "`delay`: Float64, 1 without a value" in page
    assert "1 versions since 2026-11-23, of which 1 are kept." in page
    assert page.count("*unknown*") == len(found.unanswered) == sum(map(len, QUESTIONS.values()))


def test_what_people_answer(flights: Data, root: Path) -> None:
    """Answers are taken from the project; `unknown` is one."""
    blank(flights.sheet_answers("flights"))
    assert flights.sheet("flights").unanswered == []
    with pytest.raises(Conflict):
        blank(flights.sheet_answers("flights"))
    (root / "other.yaml").write_text("purpose: To know delays.\nfunding: unknown\n")

    found = flights.sheet("flights", root / "other.yaml")

    assert "To know delays." in found.markdown()
    assert "funding" not in found.unanswered


@pytest.mark.parametrize("text", ["purpos: x", "- x", "a: [", "\x00"])
def test_answers_that_cannot_be_read(flights: Data, root: Path, text: str) -> None:
    """What is wrong is named."""
    (root / "x.yaml").write_text(text)

    with pytest.raises(BadInput, match=r"answer|question"):
        flights.sheet("flights", root / "x.yaml")

"""Which row goes to which part: the laws of each method."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcanvas.data.splits import Plan, split
from stackcanvas.data.splits.assign import assign, in_parts
from stackcanvas.errors import BadInput, NotFound, StackCanvasError, Usage

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_SHARES = st.lists(st.integers(1, 9), min_size=2, max_size=4).map(
    lambda parts: {f"p{place}": one / sum(parts) for place, one in enumerate(parts)}
)


@settings(max_examples=40)
@given(st.integers(40, 400), _SHARES, st.integers(0, 2**63))
def test_random_parts_have_their_shares(rows: int, shares: dict[str, float], seed: int) -> None:
    """Every row is in one part, and each part has its share to within a row."""
    frame = pl.DataFrame({"x": range(rows)})
    try:
        found = split(frame, parts=shares, seed=seed)
    except BadInput:
        assert min(shares.values()) * rows < 1
        return

    assert sorted(row for part in found.values() for row in part["x"]) == list(range(rows))
    assert all(abs(found[name].height - share * rows) <= 1 for name, share in shares.items())
    assert all(part["x"].is_sorted() for part in found.values())


@settings(max_examples=40)
@given(st.lists(st.sampled_from([*"abcde", None, ""]), min_size=30, max_size=300), st.integers(0, 99))
def test_strata_keep_their_shares(values: list[str | None], seed: int) -> None:
    """Each value, the missing one too, has its share in each part to within one row; so has the whole."""
    frame = pl.DataFrame({"x": values}, schema={"x": pl.String})
    found = split(frame, parts={"train": 0.7, "test": 0.3}, method="stratified", by="x", seed=seed)

    for value in set(values):
        own = sum(one == value for one in values)
        assert abs(sum(one == value for one in found["test"]["x"]) - 0.3 * own) < 1
    assert abs(found["test"].height - 0.3 * len(values)) < 1


@settings(max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=60, max_size=300), st.integers(0, 99))
def test_an_entity_is_in_one_part(values: list[int], seed: int) -> None:
    """No part shares an entity with another."""
    frame = pl.DataFrame({"user": values, "row": range(len(values))})
    try:
        found = split(frame, method="group", by="user", seed=seed)
    except BadInput:
        return

    assert not set(found["train"]["user"]) & set(found["test"]["user"])
    assert found["train"].height + found["test"].height == len(values)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 40), min_size=20, max_size=200))
def test_time_goes_forward(values: list[int]) -> None:
    """All of an earlier part is before all of a later one; rows of one instant stay together."""
    frame = pl.DataFrame({"when": [_WHEN + timedelta(hours=one) for one in values]})
    try:
        found = split(frame, method="time", by="when", parts={"a": 0.5, "b": 0.3, "c": 0.2})
    except BadInput:
        assert len(set(values)) < len(values)
        return

    assert found["a"]["when"].max() < found["b"]["when"].min()  # type: ignore[operator]
    assert found["b"]["when"].max() < found["c"]["when"].min()  # type: ignore[operator]


def test_the_same_rows_for_ever() -> None:
    """Which rows a seed gives is part of the format: these digests may never change."""
    frame = pl.DataFrame(
        {"k": [f"user {place % 97}" for place in range(1000)], "s": [place % 3 for place in range(1000)]}
    )

    def digest(**options: object) -> str:
        places = assign(frame.lazy(), Plan({"train": 0.6, "valid": 0.2, "test": 0.2}, **options))  # type: ignore[arg-type]
        return hashlib.sha256(places.tobytes()).hexdigest()[:12]

    assert digest() == "0f84cac2eadc"
    assert digest(seed=7) == "f56f466ab501"
    assert digest(method="stratified", by=("s",)) == "fb5f54dff20e"
    assert digest(method="group", by=("k",)) == "0b4df72fb832"
    assert digest(method="group", by=("k", "s")) == "aec223a06c38"


def test_columns_that_hold_separators_are_told_apart() -> None:
    """Two columns are one entity only when both values are equal, whatever is in them."""
    frame = pl.DataFrame({"a": ['x","b":"y', "x", "x", None] * 20, "b": ["z", "y", None, "x"] * 20})
    found = split(frame, method="group", by=["a", "b"], parts={"one": 0.5, "two": 0.5})
    assert sorted(part.unique().height for part in found.values()) == [2, 2]


def test_parts_are_read_when_they_are_needed() -> None:
    """A column of any name stays, the order too."""
    rows = pl.LazyFrame({"__part": [1, 2, 3, 4], "x": [[1], None, [2], []]})
    found = in_parts(rows, np.array([0, 1, 0, 1], np.uint8), {"a": 0.5, "b": 0.5})
    assert found["b"].collect().to_dict(as_series=False) == {"__part": [2, 4], "x": [None, []]}


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"method": "lucky"}, BadInput, "no way to split"),
        ({"parts": {"a": 0.5}}, BadInput, "2 to 20 parts"),
        ({"parts": {"a": 0.5, "b": 0.6}}, BadInput, "do not make a whole"),
        ({"parts": {"a": 1.5, "b": -0.5}}, BadInput, "do not make a whole"),
        ({"parts": {"a": float("nan"), "b": 0.5}}, BadInput, "do not make a whole"),
        ({"by": "x"}, Usage, "takes no column"),
        ({"method": "group"}, Usage, "takes the columns"),
        ({"method": "time", "by": ["x", "y"]}, Usage, "takes one column"),
        ({"method": "group", "by": "z"}, NotFound, "no column 'z'"),
        ({"method": "time", "by": "text"}, BadInput, "in no order of time"),
        ({"method": "time", "by": "holes"}, BadInput, "2 rows do not say when"),
        ({"method": "time", "by": "same"}, BadInput, "would have no row"),
        ({"method": "group", "by": "same"}, BadInput, "would have no row"),
        ({"method": "group", "by": "raw"}, BadInput, "cannot be told apart"),
        ({"parts": {"a": 0.999, "b": 0.001}}, BadInput, "would have no row"),
    ],
)
def test_what_cannot_be_split(options: dict[str, object], kind: type[StackCanvasError], said: str) -> None:
    """The error says what is wrong before anything is made."""
    frame = pl.DataFrame(
        {
            "x": [1, 2, 3],
            "y": [1, 2, 3],
            "text": ["a", "b", "c"],
            "holes": [1.0, None, float("nan")],
            "same": [1, 1, 1],
            "raw": [b"\xff", b"\xfe", b"\xfd"],
        }
    )
    with pytest.raises(kind, match=said):
        split(frame, **options)  # type: ignore[arg-type]


def test_no_rows() -> None:
    """A table without rows has no parts."""
    for method, by in [("random", ()), ("group", "x"), ("stratified", "x"), ("time", "x")]:
        with pytest.raises(BadInput, match="would have no row of 0"):
            split(pl.DataFrame({"x": []}, schema={"x": pl.Int64}), method=method, by=by)  # type: ignore[arg-type]

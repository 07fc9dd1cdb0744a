"""Profiles of tables."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput, Corrupt
from stackcanvas.statistics import (
    CategoricalProfile,
    InstantProfile,
    NumericProfile,
    OpaqueProfile,
    Profile,
)


def table(rows: int, seed: int = 0) -> pa.Table:
    """Every kind of column, with nulls."""
    rng = np.random.default_rng(seed)
    missing = rng.random(rows) < 0.1
    return pa.table(
        {
            "number": pa.array(rng.normal(size=rows), mask=missing),
            "whole": pa.array(rng.integers(0, 1000, rows), mask=missing),
            "word": pa.array(rng.choice(["x", "y", "z"], rows), mask=missing),
            "yes": pa.array(rng.random(rows) < 0.3, mask=missing),
            "when": pa.array(rng.integers(0, 10**15, rows), pa.timestamp("us", "UTC"), mask=missing),
            "tags": pa.array([["a"]] * rows, mask=missing),
        }
    )


def test_each_type_has_its_kind() -> None:
    """Numbers, categories, instants, and everything else is counted."""
    moment = datetime(2013, 5, 1, tzinfo=UTC)
    profile = Profile.of(
        {
            "int8": pa.array([1, 2], pa.int8()),
            "decimal": pa.array([Decimal("1.5"), None]),
            "duration": pa.array([timedelta(seconds=1), timedelta(seconds=3)]),
            "time": pa.array([day_time(1, 0), day_time(2, 0)], pa.time32("s")),
            "half": np.array([1, 2], np.float16),
            "text": pa.array(["a", "b"], pa.string_view()),
            "objects": np.array(["a", None], dtype=object),
            "codes": pa.array([1, 2]).dictionary_encode(),
            "date": pa.array([date(2013, 5, 1), None]),
            "nanoseconds": pa.array([moment, moment], pa.timestamp("ns", "America/New_York")),
            "numpy time": np.array(["2013-05-01", "NaT"], dtype="datetime64[s]"),
            "bytes": pa.array([b"a", b"b"]),
            "record": pa.array([{"a": 1}, None]),
            "nothing": pa.nulls(2),
        }
    )
    kinds = {name: type(column) for name, column in profile.columns.items()}

    assert [name for name, kind in kinds.items() if kind is NumericProfile] == [
        "int8", "decimal", "duration", "time", "half", "codes",
    ]  # fmt: skip
    assert [name for name, kind in kinds.items() if kind is CategoricalProfile] == ["text", "objects"]
    assert [name for name, kind in kinds.items() if kind is InstantProfile] == ["date", "nanoseconds", "numpy time"]
    assert [name for name, kind in kinds.items() if kind is OpaqueProfile] == ["bytes", "record", "nothing"]
    nanoseconds = profile.columns["nanoseconds"]
    assert isinstance(nanoseconds, InstantProfile)
    assert nanoseconds.minimum == moment
    assert [profile.columns[name].nulls for name in ("decimal", "objects", "date", "numpy time")] == [1, 1, 1, 1]


@given(st.integers(0, 2**32), st.lists(st.integers(0, 300), max_size=5))
def test_a_stream_gives_the_profile_of_the_table(seed: int, cuts: list[int]) -> None:
    """Wherever the table is cut, counts and histograms are the same; empty batches do no harm."""
    whole = table(300, seed)
    edges = sorted([0, *cuts, 300])
    parts = [whole.slice(start, end - start) for start, end in itertools.pairwise(edges)]
    streamed, direct = Profile.of_batches(parts), Profile.of_arrow(whole)

    assert streamed.rows == 300
    for name, column in direct.columns.items():
        other = streamed.columns[name]
        if isinstance(column, NumericProfile):
            assert isinstance(other, NumericProfile)
            assert (other.bins, other.nulls, other.minimum) == (column.bins, column.nulls, column.minimum)
            assert other.mean == pytest.approx(column.mean)
        else:
            assert other == column


def test_json_is_exact() -> None:
    """What is written is what is read, to the last bit, awkward numbers and names too."""
    awkward = Profile.of(
        {"ü\n": np.array([0.1 + 0.2, 1e308, -1e308, np.inf, np.nan]), "": np.array(["\x00", "é", "", "a", "b"])}
    )
    for profile in (awkward, Profile.of_arrow(table(5000)), Profile.of_arrow(table(0))):
        text = profile.to_json()

        assert Profile.from_json(text) == profile
        assert Profile.from_json(text.encode()).to_json() == text


def test_polars_frames_are_read_as_they_are() -> None:
    """Anything with the Arrow stream interface will do."""
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": pl.Series(["u", "v"], dtype=pl.Categorical)})
    profile = Profile.of_arrow(frame)

    assert profile.rows == 2
    assert profile.columns["a"].nulls == 1
    assert isinstance(profile.columns["c"], CategoricalProfile)
    assert profile.columns["c"].counts == {"u": 1, "v": 1}


def test_a_column_of_nulls_takes_the_kind_of_the_other() -> None:
    """A batch in which a column is empty does not fix its kind."""
    merged = Profile.of({"a": pa.nulls(2)}).merge(Profile.of({"a": np.array([1.0])}))

    assert (merged.columns["a"].kind, merged.columns["a"].rows, merged.columns["a"].nulls) == ("numeric", 3, 2)


def test_tables_that_do_not_fit_are_refused() -> None:
    """Different columns, kinds and lengths, each with a sentence of its own."""
    one = Profile.of({"a": np.array([1.0]), "b": np.array([1.0])})

    with pytest.raises(BadInput, match="different columns: b, c"):
        one.merge(Profile.of({"a": np.array([1.0]), "c": np.array([1.0])}))
    with pytest.raises(BadInput, match="'b' is numeric in one profile and categorical"):
        one.merge(Profile.of({"a": np.array([1.0]), "b": np.array(["x"])}))
    with pytest.raises(BadInput, match="differ in length"):
        Profile.of({"a": np.array([1.0]), "b": np.array([1.0, 2.0])})
    with pytest.raises(BadInput, match="'a' cannot be read"):
        Profile.of({"a": np.array(["x", 1, object()], dtype=object)})
    with pytest.raises(BadInput, match="no batch"):
        Profile.of_batches([])
    with pytest.raises(BadInput, match="same name"):
        Profile.of_arrow(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version":2,"rows":1,"columns":{}}',
        '{"version":1,"rows":1,"columns":{"a":{"kind":"other"}}}',
        '{"version":1,"rows":1,"columns":{"a":{"kind":"numeric","rows":1}}}',
        '{"version":1,"rows":1,"columns":[]}',
        '{"version":1,"rows":"x","columns":{}}',
    ],
)
def test_garbage_is_named_corrupt(text: str) -> None:
    """A profile that cannot be read is never half read."""
    with pytest.raises(Corrupt):
        Profile.from_json(text)


def test_fifty_columns_are_profiled_quickly() -> None:
    """A guard against a slip by an order of magnitude, not a measurement."""
    rng = np.random.default_rng(0)
    columns = {f"n{place}": rng.normal(size=100_000) for place in range(40)}
    words = {f"c{place}": pa.array(rng.choice(["a", "b", "c"], 100_000)) for place in range(10)}
    start = time.perf_counter()
    profile = Profile.of({**columns, **words})

    assert time.perf_counter() - start < 5
    assert len(profile.to_json()) < 400_000


def test_text_as_views() -> None:
    """Text in the newer layout of Arrow, as Polars gives it by default, counts as text."""
    words = pa.array(["x", "y", "x", None])
    plain = Profile.of_arrow(pa.table({"word": words}))

    assert Profile.of_arrow(pa.table({"word": words.cast(pa.string_view())})) == plain
    assert Profile.of_arrow(pl.DataFrame({"word": ["x", "y", "x", None]})) == plain

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput
from stackcanvas.pipelines.encoding import NUMPY, PARTS, PICKLE, PLAIN, POLARS, assemble, decode, encode, members


@dataclass
class Model:
    """An object of a user."""

    weights: list[float]


def back(value: Any) -> Any:
    """The value after its way through bytes."""
    return _back(encode(value))


def _back(encoded: Any) -> Any:
    if encoded.kind == PARTS:
        container, keys, _ = members(encoded.data)
        return assemble(container, keys, [_back(part) for part in encoded.parts])
    return decode(encoded.kind, encoded.data, rename=str)


hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.decimals(allow_nan=False),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
plain = st.recursive(
    hashable | st.datetimes(timezones=st.none() | st.just(UTC)) | st.times() | st.timedeltas(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.tuples(inner)
        | st.sets(hashable, max_size=3)
    ),
    max_leaves=12,
)


@given(plain)
def test_plain_data_come_back_equal_and_of_the_same_type(value: object) -> None:
    """A tuple stays a tuple, a set a set, a whole number of any size itself."""
    again = back(value)

    assert again == value
    assert repr(type(again)) == repr(type(value))
    assert encode(again).digest == encode(value).digest


def test_values_that_python_calls_equal_but_are_not_have_other_digests() -> None:
    """One, one point zero and true; a list and a tuple; text and bytes."""
    values: list[object] = [1, 1.0, True, [1], (1,), {1}, frozenset({1}), "1", b"1", Decimal(1), {"1": 1}, {1: 1}]

    assert len({encode(value).digest for value in values}) == len(values)


def test_not_a_number_is_kept() -> None:
    """And the infinities."""
    assert math.isnan(back([math.nan])[0])
    assert back(-math.inf) == -math.inf


@pytest.mark.parametrize(
    "value",
    [
        datetime(2013, 5, 1, 12, tzinfo=timezone(timedelta(hours=-5))),
        datetime(2013, 5, 1, 12, tzinfo=ZoneInfo("America/New_York")),
        time(3, 4, tzinfo=UTC),
        date(2013, 5, 1),
        10**40,
        Model([1.0]),
        "half \ud800 of a pair",
    ],
)
def test_single_values_come_back(value: object) -> None:
    """Zones by name and objects as pickles."""
    assert back(value) == value


def test_frames_and_arrays_come_back() -> None:
    """With their types."""
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [date(2013, 1, 1), None]})
    frame = frame.with_columns(pl.col("b").cast(pl.Categorical))

    assert encode(frame).kind == POLARS
    assert back(frame).equals(frame)
    assert back(frame).schema == frame.schema
    assert back(frame["a"]).equals(frame["a"])
    assert back(pa.table({"a": [1, 2]})).equals(pa.table({"a": [1, 2]}))
    assert np.array_equal(back(np.arange(6).reshape(2, 3)), np.arange(6).reshape(2, 3))
    assert back(np.float32(0.5)) == np.float32(0.5)
    assert type(back(np.float32(0.5))) is np.float32
    assert encode(np.array([Model([1.0])], dtype=object)).kind == PICKLE


def test_equal_frames_have_equal_digests_however_they_were_put_together() -> None:
    """Chunks are no difference."""
    whole = pl.DataFrame({"a": [1, 2, 3]})
    pieces = pl.concat([whole[:1], whole[1:]], rechunk=False)

    assert encode(pieces).digest == encode(whole).digest
    assert encode(whole).digest != encode(whole.reverse()).digest


def test_a_tuple_of_frames_is_kept_in_parts() -> None:
    """Each under its own digest; plain tuples are one value."""
    train, test = pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})
    encoded = encode((train, test))

    assert encoded.kind == PARTS
    assert [part.digest for part in encoded.parts] == [encode(train).digest, encode(test).digest]
    assert [frame.to_dicts() for frame in back((train, test))] == [[{"a": 1}], [{"a": 2}]]
    assert back({"model": Model([2.0]), "auc": 0.7}) == {"model": Model([2.0]), "auc": 0.7}
    assert encode((1, 2)).kind == PLAIN
    assert encode([np.int64(1)] * 100).kind == PICKLE
    assert encode(np.int64(1)).kind == NUMPY


def test_what_cannot_be_kept_is_refused() -> None:
    """A generator, a lambda, and a plan that has not been computed."""
    with pytest.raises(BadInput, match="generator"):
        encode(number for number in [1])
    with pytest.raises(BadInput, match="function"):
        encode(lambda: 1)
    with pytest.raises(BadInput, match=r"\.collect\(\)"):
        encode(pl.LazyFrame({"a": [1]}))

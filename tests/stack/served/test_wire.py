"""What travels comes back as it was, and nothing else is made of bytes from outside."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from stackcanvas.canvas.blocks.value import Payoff
from stackcanvas.errors import BadInput, StackCanvasError
from stackcanvas.experiments.metrics import Point
from stackcanvas.experiments.search import Condition
from stackcanvas.metadata import Actor, CodeState, Ref
from stackcanvas.stack.served.wire import Unknown, pack, unpack

plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.datetimes(timezones=st.just(UTC))
)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
        | st.frozensets(st.integers() | st.text(max_size=3), max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_any_value_comes_back(value: object) -> None:
    """Of every type, at any depth; for a client and for a server."""
    try:
        sent = pack(value)
    except BadInput:
        assert "\\ud" in ascii(value)  # half a letter is no text
        return
    assert unpack(sent) == value
    assert unpack(sent, trusted=True) == value
    assert type(unpack(sent)) is type(value)


@pytest.mark.parametrize(
    "record",
    [
        Ref("data", "flights", "3"),
        CodeState("c0ffee", dirty=True),
        Condition("metric", "auc", ">", 0.7),
        Point("auc", 3, datetime(2026, 11, 24, tzinfo=UTC), 0.5),
        {"$": "a key of ours", "v": [1]},
        {Ref("run", "a"): time(1), 3: date(2026, 1, 1), (1, 2): timedelta(days=-1, microseconds=1)},
    ],
)
def test_records_come_back(record: object) -> None:
    """As the same class with the same fields, and a map that looks like a record stays a map."""
    assert unpack(pack(record)) == record


def test_not_a_number_comes_back() -> None:
    """NaN and both infinities."""
    nan, up, down = unpack(pack([float("nan"), float("inf"), float("-inf")]))
    assert nan != nan  # noqa: PLR0124 - only NaN differs from itself
    assert (up, down) == (float("inf"), float("-inf"))


def test_tables_come_back() -> None:
    """With types, nulls and zones; a lazy one as what it gives."""
    rows = pl.DataFrame(
        {"at": [datetime(2026, 1, 1, tzinfo=UTC), None], "how": ["a", "b"], "money": [Decimal("1.10"), None]},
        schema_overrides={"how": pl.Categorical},
    )
    assert_frame_equal(unpack(pack(rows)), rows)
    assert_frame_equal(unpack(pack({"rows": rows.lazy()}))["rows"], rows)
    assert_frame_equal(unpack(pack(rows.to_arrow())), pl.DataFrame(rows.to_arrow()))


def test_answers_of_the_canvas_come_back() -> None:
    """They are models of pydantic, with units."""
    payoff = Payoff.model_validate({"outcomes": ({"predicted": True, "actual": True, "worth": Decimal("12.50")},)})
    assert unpack(pack(payoff)) == payoff


@pytest.mark.parametrize("value", [lambda: 1, object(), open, {"a": {"b": print}}, type])
def test_what_cannot_travel_is_said(value: object) -> None:
    """Functions and what else belongs to one process."""
    with pytest.raises(BadInput, match="cannot be sent"):
        pack(value)


def test_a_value_without_end_is_refused() -> None:
    """A list that holds itself."""
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(BadInput, match="too deep"):
        pack(endless)


def test_what_a_newer_release_adds_is_left_out() -> None:
    """A field that this release does not know; one that it lacks and needs is said."""
    newer = {"$": "record", "of": "metadata.actors:Actor", "v": {"name": "ada", "verified": True, "team": "x"}}
    assert unpack(msgspec.msgpack.encode(newer)) == Actor("ada", verified=True)
    assert unpack(msgspec.msgpack.encode(newer), trusted=True) == Actor("ada", verified=True)
    older = msgspec.msgpack.encode({"$": "record", "of": "metadata.actors:Actor", "v": {}})
    with pytest.raises(Unknown, match="without name"):
        unpack(older, trusted=True)
    with pytest.raises(Unknown, match="kind"):
        unpack(msgspec.msgpack.encode({"$": "tensor", "v": 1}))
    for trusted in (True, False):
        with pytest.raises(Unknown, match="no record"):
            unpack(msgspec.msgpack.encode({"$": "record", "of": "metadata.actors:Robot", "v": {}}), trusted=trusted)


@pytest.mark.parametrize(
    "of",
    [
        "errors:BadInput",
        "metadata.spine:Spine",
        "stack.stack:Stack",
        "metadata.actors:acting",
        "metadata.actors:dataclass",
        "..os:system",
        "os:system",
        "examples.flights.pipelines:train",
        "",
        ":",
        "metadata.actors:Actor.name",
    ],
)
def test_only_records_are_made(of: str) -> None:
    """No class that does something, no function, no module that is not loaded."""
    with pytest.raises(StackCanvasError):
        unpack(msgspec.msgpack.encode({"$": "record", "of": of, "v": {"name": "x"}}))


@pytest.mark.parametrize(
    "fields", [{"name": 3}, {"name": {"$": "tuple", "v": []}}, {"name": "x", "verified": "perhaps"}, {"name": None}]
)
def test_fields_are_held_against_their_types(fields: dict[str, object]) -> None:
    """A record from a client never holds what its class does not expect."""
    with pytest.raises(BadInput):
        unpack(msgspec.msgpack.encode({"$": "record", "of": "metadata.actors:Actor", "v": fields}))


@given(st.binary(max_size=200))
def test_garbage_is_a_sentence(data: bytes) -> None:
    """Whatever bytes come, they are a value or an error of ours."""
    with suppress(StackCanvasError):
        unpack(data)


marked = st.fixed_dictionaries(
    {"$": st.sampled_from(["record", "model", "enum", "map", "tuple", "set", "frame", "datetime", "duration", "int"])},
    optional={"v": values.filter(lambda value: not isinstance(value, frozenset | Decimal)), "of": st.text(max_size=20)},
)


@given(marked)
def test_garbage_that_looks_like_ours_is_a_sentence(value: dict[str, object]) -> None:
    """Marks with anything behind them."""
    try:
        data = msgspec.msgpack.encode(value)
    except (UnicodeEncodeError, OverflowError, TypeError, msgspec.MsgspecError):
        return
    with suppress(StackCanvasError):
        unpack(data)


@given(st.integers(0, 5000), st.integers(0, 255))
def test_a_table_with_a_wrong_byte_harms_nobody(place: int, byte: int) -> None:
    """It is another table, or a sentence."""
    frame = pl.DataFrame({"a": ["x", "yy", None] * 20, "b": [1, 2, None] * 20, "c": [[1], [], None] * 20})
    data = bytearray(pack(frame))
    data[place % len(data)] = byte
    with suppress(StackCanvasError):
        unpack(bytes(data))

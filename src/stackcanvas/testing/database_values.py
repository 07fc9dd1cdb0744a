"""What every database must do with values: keep them, sort them and find them in the same way."""

# ruff: noqa: PT012  (a transaction is a block of several statements)

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select

from stackcanvas.backends.database import Database, ascending, descending
from stackcanvas.errors import BadInput
from stackcanvas.testing.database_tables import KINDS, count, ordered, replace

_surrogates = st.characters(categories=["Cs"])
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_integers = st.integers(-(2**63), 2**63 - 1)
_instants = st.datetimes(
    timezones=st.just(UTC) | st.builds(lambda h: timezone(timedelta(hours=h)), st.integers(-12, 12))
)
_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_rows = st.fixed_dictionaries(
    {
        "text": st.none() | _texts,
        "integer": st.none() | _integers | st.sampled_from([-(2**63), 2**63 - 1]),
        "real": st.none() | st.floats(),
        "boolean": st.none() | st.booleans(),
        "bytes": st.none() | st.binary(),
        "instant": st.none() | _instants.filter(lambda instant: 1 < instant.year < 9999),
        "json": st.none() | _documents,
    }
)
# The fixture is emptied in each example, and each adapter runs the same method as a class of its own.
_SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
_many = settings(max_examples=60, deadline=None, suppress_health_check=_SHARED)


class _Colour(StrEnum):
    RED = "red"


class ValuesSuite:
    """The promises of the column types, for the fixture `database` of `DatabaseSuite`."""

    @_many
    @given(rows=st.lists(_rows, min_size=1, max_size=5), in_bulk=st.booleans())
    def test_values_round_trip(self, database: Database, rows: list[dict[str, Any]], in_bulk: bool) -> None:
        """What goes into a column comes out of it, row by row and in bulk."""
        with database.write() as tx:
            tx.execute(delete(KINDS))
            if in_bulk:
                database.bulk(tx, KINDS, [{"id": number, **row} for number, row in enumerate(rows)])
            else:
                tx.execute(insert(KINDS), [{"id": number, **row} for number, row in enumerate(rows)])

        with database.read() as connection:
            stored = connection.execute(select(KINDS).order_by(KINDS.c.id)).mappings().all()

        assert len(stored) == len(rows)
        for given_row, stored_row in zip(rows, stored, strict=True):
            for name, value in given_row.items():
                assert _same(stored_row[name], value), name
            assert stored_row["instant"] is None or stored_row["instant"].tzinfo is UTC

    @pytest.mark.parametrize("in_bulk", [False, True])
    def test_values_like_plain_ones_are_taken_as_such(self, database: Database, in_bulk: bool) -> None:
        """Numbers of NumPy, members of enumerations, views of bytes and tuples are stored as the plain value."""
        row = {
            "text": _Colour.RED,
            "integer": np.int64(3),
            "real": np.float32(0.5),
            "boolean": True,
            "bytes": memoryview(b"ab"),
            "instant": datetime(2013, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            "json": {"pair": (1, 2)},
        }
        with database.write() as tx:
            if in_bulk:
                database.bulk(tx, KINDS, [row])
            else:
                tx.execute(insert(KINDS), row)

        with database.read() as connection:
            stored = connection.execute(select(KINDS)).mappings().one()

        plain = {**row, "text": "red", "bytes": b"ab", "json": {"pair": [1, 2]}}
        assert {name: stored[name] for name in plain} == plain
        assert type(stored["text"]) is str

    @pytest.mark.parametrize("in_bulk", [False, True])
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("text", "a\0b"),
            ("text", "\ud800"),
            ("text", 3),
            ("text", b"bytes"),
            ("integer", 2**63),
            ("integer", -(2**63) - 1),
            ("integer", 1.0),
            ("integer", "1"),
            ("real", "1.5"),
            ("real", 10**400),
            ("real", 1j),
            ("boolean", 1),
            ("boolean", "yes"),
            ("bytes", "text"),
            ("instant", datetime(2013, 1, 1)),  # noqa: DTZ001
            ("instant", "2013-01-01"),
            ("json", {1: "a"}),
            ("json", [{"deep": {None: 1}}]),
            ("json", {"set": {1}}),
            ("json", datetime(2013, 1, 1, tzinfo=UTC)),
        ],
    )
    def test_a_value_that_would_not_come_back_is_refused(
        self, database: Database, name: str, value: object, in_bulk: bool
    ) -> None:
        """A value that one of the databases would change or refuse is refused by all, and nothing is stored."""
        with pytest.raises(BadInput), database.write() as tx:
            if in_bulk:
                database.bulk(tx, KINDS, [{name: None}, {name: value}])
            else:
                tx.execute(insert(KINDS), [{name: None}, {name: value}])

        assert count(database, KINDS) == 0

    def test_a_document_that_holds_itself_is_refused(self, database: Database) -> None:
        """A circle has no text."""
        circle: list[object] = []
        circle.append(circle)

        with pytest.raises(BadInput, match="JSON"), database.write() as tx:
            tx.execute(insert(KINDS), {"json": circle})

    @_many
    @given(texts=st.lists(_texts | st.text("aAbBzZäÄ _-", max_size=4), max_size=20))
    def test_text_sorts_by_code_point(self, database: Database, texts: list[str]) -> None:
        """The order of text is Python's, whatever the locale of the server."""
        replace(database, "text", texts)

        assert ordered(database, ascending(KINDS.c.text), "text") == sorted(texts)

    @_many
    @given(numbers=st.lists(st.none() | st.floats(), max_size=20))
    def test_nan_sorts_above_every_number_and_nulls_last(self, database: Database, numbers: list[float | None]) -> None:
        """Ascending or descending: nulls come last, and NaN is the largest number."""
        replace(database, "real", numbers)
        known = sorted((number for number in numbers if number is not None), key=_rank)
        nulls = [None] * (len(numbers) - len(known))

        assert _same(ordered(database, ascending(KINDS.c.real), "real"), known + nulls)
        assert _same(ordered(database, descending(KINDS.c.real), "real"), known[::-1] + nulls)

    def test_nan_compares_as_the_largest_number(self, database: Database) -> None:
        """Comparison, equality, minimum and maximum agree with the order."""
        replace(database, "real", [1.0, math.inf, math.nan, None])
        column, nan = KINDS.c.real, math.nan

        with database.read() as connection:
            above = connection.scalars(select(column).where(column > 5).order_by(column)).all()
            equal = connection.scalars(select(column).where(column == nan)).all()
            other = connection.scalars(select(column).where(column != nan).order_by(column)).all()
            bounds = tuple(connection.execute(select(func.min(column), func.max(column))).one())

        assert _same(list(above), [math.inf, math.nan])
        assert _same(list(equal), [math.nan])
        assert other == [1.0, math.inf]
        assert _same(bounds, (1.0, math.nan))

    @_many
    @given(
        texts=st.lists(st.text("aAéÉ%_\\", max_size=3), min_size=1, max_size=8),
        pattern=st.text("aAéÉ%_\\", max_size=3),
        escape=st.sampled_from([None, "\\", "/"]),
    )
    @example(texts=["a", "A", "é", "É"], pattern="a", escape=None)
    @example(texts=["a", "A", "é", "É"], pattern="É", escape=None)
    @example(texts=["a%", "a\\%", "a\\b"], pattern="a\\%", escape=None)
    @example(texts=["a%", "a\\%", "a\\b"], pattern="a\\%", escape="\\")
    def test_like_means_the_same_everywhere(
        self, database: Database, texts: list[str], pattern: str, escape: str | None
    ) -> None:
        """LIKE tells upper from lower case, ILIKE does not for ASCII; a backslash is plain unless it is the escape."""
        if escape is not None and pattern.endswith(escape):
            pattern += "a"  # an escape with nothing behind it means nothing
        replace(database, "text", texts)
        column = KINDS.c.text

        with database.read() as connection:
            exact = connection.scalars(select(column).where(column.like(pattern, escape=escape))).all()
            loose = connection.scalars(select(column).where(column.ilike(pattern, escape=escape))).all()
            unlike = connection.scalars(select(column).where(column.not_like(pattern, escape=escape))).all()

        wanted = [text for text in texts if _matches(text, pattern, escape)]
        assert sorted(exact) == sorted(wanted)
        assert sorted(loose) == sorted(text for text in texts if _matches(_small(text), _small(pattern), escape))
        assert sorted([*exact, *unlike]) == sorted(texts)

    def test_a_prefix_with_wildcards_is_taken_literally(self, database: Database) -> None:
        """The escaped forms of SQLAlchemy work: a prefix may hold any character."""
        replace(database, "text", ["50%_off", "50 off", "x/y", "x_y"])
        column = KINDS.c.text

        with database.read() as connection:
            found = connection.scalars(select(column).where(column.startswith("50%_", autoescape=True))).all()
            inside = connection.scalars(select(column).where(column.contains("_y", autoescape=True))).all()

        assert (found, inside) == (["50%_off"], ["x_y"])


def _rank(number: float) -> tuple[bool, float]:
    return (True, 0.0) if math.isnan(number) else (False, number)


def _same(one: Any, other: Any) -> bool:
    """Equal, where NaN equals itself and numbers and booleans differ."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


def _small(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _matches(text: str, pattern: str, escape: str | None) -> bool:
    """What LIKE means, written out."""
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if first == escape:
        return bool(text) and text[0] == rest[0] and _matches(text[1:], rest[1:], escape)
    if first == "%":
        return any(_matches(text[skip:], rest, escape) for skip in range(len(text) + 1))
    return bool(text) and first in {"_", text[0]} and _matches(text[1:], rest, escape)

"""Instants and microseconds are two ways of writing the same thing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.clock import ManualClock, SystemClock, from_us, to_us

INSTANTS = st.datetimes(timezones=st.just(UTC))


@given(INSTANTS)
def test_an_instant_survives_the_way_through_microseconds(instant: datetime) -> None:
    """Exactly, for every year that a datetime can hold."""
    assert from_us(to_us(instant)) == instant


@given(INSTANTS, INSTANTS)
def test_microseconds_sort_as_instants_do(one: datetime, other: datetime) -> None:
    """So that a database may sort them."""
    assert (to_us(one) < to_us(other)) == (one < other)


def test_an_instant_without_a_zone_is_refused() -> None:
    """Nobody can say when that was."""
    with pytest.raises(ValueError, match="no time zone"):
        to_us(datetime(2013, 5, 1))  # noqa: DTZ001 - on purpose


def test_a_manual_clock_moves_only_when_it_is_moved() -> None:
    """And shows UTC whatever zone it was given."""
    clock = ManualClock(datetime(2013, 5, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == clock.now() == datetime(2013, 5, 1, tzinfo=UTC)

    clock.advance(seconds_s=1.5)

    assert clock.now() == datetime(2013, 5, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_the_system_clock_has_a_zone() -> None:
    """And does not run backwards between two looks."""
    clock = SystemClock()

    first, second = clock.now(), clock.now()

    assert first.tzinfo is UTC
    assert first <= second

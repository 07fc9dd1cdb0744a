"""Conditions: one episode, however the value swings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.metadata import Spine
from stackcanvas.monitoring.conditions import BEGAN, ENDED, OK, Condition, Conditions, step

START, HOUR = datetime(2026, 11, 23, tzinfo=UTC), timedelta(hours=1)
LOOKS = st.lists(st.booleans(), max_size=40)


def play(looks: list[bool], *, lasting: int, calm: int) -> list[str | None]:
    """What happens when one looks each hour."""
    condition, happened = Condition("e", "drift", OK, START), []
    for place, holds in enumerate(looks):
        condition, what = step(
            condition,
            holds=holds,
            now=START + place * HOUR,
            lasting=lasting * HOUR,
            calm=calm * HOUR,
            episode=f"e{place}",
        )
        happened.append(what)
    return happened


@given(LOOKS, st.integers(0, 4), st.integers(0, 4))
def test_episodes_begin_and_end_in_turn(looks: list[bool], lasting: int, calm: int) -> None:
    """Never two beginnings without an end between them, never an end without a beginning."""
    told = [what for what in play(looks, lasting=lasting, calm=calm) if what]

    assert told == [BEGAN, ENDED] * (len(told) // 2) + [BEGAN] * (len(told) % 2)


@given(LOOKS, st.integers(0, 4), st.integers(0, 4))
def test_an_episode_takes_as_long_as_it_must(looks: list[bool], lasting: int, calm: int) -> None:
    """Before a beginning it held for `lasting`, before an end it did not for `calm`."""
    for place, what in enumerate(play(looks, lasting=lasting, calm=calm)):
        if what == BEGAN:
            assert all(looks[place - lasting : place + 1])
        if what == ENDED:
            assert not any(looks[place - calm : place + 1])


@given(LOOKS)
def test_swinging_about_the_bound_is_one_episode(looks: list[bool]) -> None:
    """With a calm of two looks, no single good look ends an episode."""
    swinging = [holds or place % 2 == 0 for place, holds in enumerate(looks)]

    assert play(swinging, lasting=0, calm=1).count(BEGAN) <= 1
    assert ENDED not in play(swinging, lasting=0, calm=1)


def test_conditions_are_kept(spine: Spine) -> None:
    """What is written is what the next worker reads; one never seen is ok."""
    conditions = Conditions(spine.database)
    seen = Condition("delay", "drift", "firing", START, "e1", "model:delay@3", 0.4)
    with spine.write() as tx:
        assert conditions.get(tx, "delay", "drift", now=START).state == OK
        conditions.put(tx, Condition("delay", "drift", OK, START), now=START)
        conditions.put(tx, seen, now=START)

    assert Conditions(spine.database).ls("delay") == [seen]
    assert conditions.ls("other") == []

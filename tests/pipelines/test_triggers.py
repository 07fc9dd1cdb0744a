from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput
from stackcanvas.metadata import Event, Ref
from stackcanvas.pipelines import Trigger

MAY = datetime(2013, 5, 1, tzinfo=UTC)


def event(name: str, subject: str) -> Event:
    """Something that happened."""
    return Event(1, name, Ref.parse(subject), MAY, {}, "ada")


@pytest.mark.parametrize(
    ("on", "name", "subject", "fires"),
    [
        ("data.committed", "data.committed", "data:flights@3", True),
        ("data.committed data:flights", "data.committed", "data:flights@3", True),
        ("data.committed data:flights@3", "data.committed", "data:flights@3", True),
        ("data.committed data:flights@3", "data.committed", "data:flights@4", False),
        ("data.committed data:fl*", "data.committed", "data:flights@4", True),
        ("data.committed data:*", "data.committed", "data:planes@1", True),
        ("data.committed data:pl*", "data.committed", "data:flights@1", False),
        ("data.committed data:flight", "data.committed", "data:flights@1", False),
        ("drift.found deployment:delay", "drift.found", "deployment:delay", True),
        ("drift.found deployment:delay", "decay.found", "deployment:delay", False),
        ("external.price", "external.price", "data:prices", True),
        ("external.price", "external.prices", "data:prices", False),
    ],
)
def test_a_pattern_names_an_event_and_its_subject(on: str, name: str, subject: str, fires: bool) -> None:
    """Every version of it, unless a version is named; with wildcards."""
    assert Trigger("train", on=on).matches(event(name, subject)) is fires
    assert not Trigger("train", cron="* * * * *").matches(event(name, subject))


def test_a_slot_is_found_once_and_missed_ones_are_one() -> None:
    """Later than the last look, not later than now."""
    nightly = Trigger("train", cron="0 3 * * *")

    assert nightly.slot(MAY, MAY + timedelta(hours=2)) is None
    assert nightly.slot(MAY, MAY + timedelta(hours=3)) == MAY + timedelta(hours=3)
    assert nightly.slot(MAY + timedelta(hours=3), MAY + timedelta(hours=26)) is None
    assert nightly.slot(MAY, MAY + timedelta(days=100, hours=12)) == MAY + timedelta(days=100, hours=3)
    assert nightly.slot(MAY + timedelta(days=1), MAY) is None


@pytest.mark.parametrize(
    ("cron", "day"),
    [("30 2 * * *", datetime(2013, 3, 10, tzinfo=UTC)), ("30 1 * * *", datetime(2013, 11, 3, tzinfo=UTC))],
)
def test_a_day_on_which_the_clocks_change_has_one_slot(cron: str, day: datetime) -> None:
    """The hour that is skipped, and the one that comes twice."""
    nightly = Trigger("train", cron=cron, timezone="America/New_York")
    slots = set()
    seen = day
    while seen < day + timedelta(days=1, hours=4):
        slot = nightly.slot(seen, seen + timedelta(minutes=10))
        seen += timedelta(minutes=10)
        slots |= {slot} if slot else set()

    assert len(slots) == 1


crons = st.tuples(
    st.sampled_from(["*", "*/7", "0", "30", "5-9"]),
    st.sampled_from(["*", "*/5", "2", "23"]),
    st.sampled_from(["*", "1", "31", "L"]),
    st.sampled_from(["*", "2", "6-7"]),
    st.sampled_from(["*", "1", "SUN"]),
).map(" ".join)


@given(crons, st.integers(0, 500_000), st.integers(0, 30_000), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_the_last_slot_is_what_walking_all_slots_finds(cron: str, start: int, length: int, zone: str) -> None:
    """However long nobody looked."""
    try:
        trigger = Trigger("train", cron=cron, timezone=zone)
    except BadInput:  # a date that never comes
        assume(False)
    after = MAY + timedelta(minutes=start)
    until = after + timedelta(minutes=length)
    last = None
    try:
        for slot in CronSim(cron, after.astimezone(ZoneInfo(zone))):
            if slot > until:
                break
            last = slot.astimezone(UTC)
    except StopIteration:
        pass

    assert trigger.slot(after, until) == last


def test_the_same_words_are_the_same_trigger() -> None:
    """And others are another."""
    triggers = [
        Trigger("train", cron="0 3 * * *"),
        Trigger("train", cron="0 4 * * *"),
        Trigger("train", cron="0 3 * * *", timezone="Europe/Berlin"),
        Trigger("train", cron="0 3 * * *", parameters={"depth": 3}),
        Trigger("other", cron="0 3 * * *"),
        Trigger("train", on="drift.found"),
    ]

    assert len({trigger.id for trigger in triggers}) == len(triggers)
    assert Trigger("train", cron="0 3 * * *").id == triggers[0].id


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "exactly one"),
        ({"cron": "0 3 * * *", "on": "drift.found"}, "exactly one"),
        ({"cron": "0 3 * *"}, "minute, hour"),
        ({"cron": "0 25 * * *"}, "Bad hour"),
        ({"cron": "0 0 30 2 *"}, "Bad day-of-month"),
        ({"cron": "0 3 * * *", "timezone": "Mars/Olympus"}, "time zone"),
        ({"cron": "0 3 * * *", "timezone": "/etc/passwd"}, "time zone"),
        ({"on": "drift.fund"}, "drift.found"),
        ({"on": "drift.found delay"}, "subject"),
        ({"on": "drift.found", "concurrency": 0}, "lets nothing run"),
    ],
)
def test_a_trigger_that_cannot_fire_is_refused(given: dict[str, object], said: str) -> None:
    """When it is made, not when it should fire."""
    with pytest.raises(BadInput, match=said):
        Trigger("train", **given)  # type: ignore[arg-type]

"""Ids are UUIDs of version 7, unique, and sort in the order in which they were made."""

from __future__ import annotations

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.ids import Ids

START = datetime(2013, 5, 1, tzinfo=UTC)


@given(st.lists(st.integers(-5_000, 5_000), min_size=2, max_size=50))
def test_ids_of_one_maker_sort_even_when_the_clock_jumps_back(jumps_ms: list[int]) -> None:
    """A clock that is set back does not make a later id sort before an earlier one."""
    times = iter([START + timedelta(milliseconds=jump) for jump in jumps_ms])
    ids = Ids(lambda: next(times), random.Random(7).getrandbits)

    made = [ids.new() for _ in jumps_ms]

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    """As RFC 9562 says: 48 bits of milliseconds, version, variant."""
    read = uuid.UUID(Ids(lambda: START).new())

    assert (read.version, read.variant) == (7, uuid.RFC_4122)
    assert read.int >> 80 == int(START.timestamp() * 1000)


def test_threads_never_share_an_id() -> None:
    """Four threads, one maker, no id twice."""
    ids = Ids(lambda: START)
    with ThreadPoolExecutor(4) as pool:
        made = [made for batch in pool.map(lambda _: [ids.new() for _ in range(500)], range(4)) for made in batch]

    assert len(set(made)) == len(made)

"""Prediction ids."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.ids import Ids
from stackcanvas.serving.server.numbering import PredictionIds


@given(steps=st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 40)), max_size=40))
def test_ids_sort_and_never_repeat(steps: list[tuple[int, int]]) -> None:
    """Also when the machine's clock stands still or steps back."""
    ids = PredictionIds()
    now_us, found = 1_700_000_000_000_000, []
    for step, count in steps:
        now_us += step * 500
        found += ids.take(count, now_us=now_us)

    assert found == sorted(set(found))
    assert all(len(one) == 32 and one[12] == "7" and one[16] in "89ab" for one in found)


def test_they_sort_among_the_other_ids() -> None:
    """They carry the time where all our ids carry it."""
    instant = datetime(2026, 5, 1, tzinfo=UTC)
    (mine,) = PredictionIds().take(1, now_us=int(instant.timestamp() * 1e6))

    assert mine[:12] == Ids(lambda: instant).new()[:12]

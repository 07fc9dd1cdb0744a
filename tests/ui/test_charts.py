"""Histories as lines."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.ui.charts import over_steps, over_time
from stackcanvas.ui.context import Chart

START = datetime(2013, 5, 1, tzinfo=UTC)


def places(chart: Chart) -> list[tuple[float, float]]:
    """Every point of every line."""
    return [
        (float(x), float(y)) for line in chart.lines for x, _, y in (one.partition(",") for one in line.points.split())
    ]


@given(st.lists(st.tuples(st.integers(0, 10**9), st.floats(-1e12, 1e12)), max_size=700))
def test_every_point_lies_in_the_box(points: list[tuple[int, float]]) -> None:
    """Whatever is drawn, and never more points than a screen can show."""
    chart = over_steps("loss", sorted(points))

    if chart is not None:
        found = places(chart)
        assert all(0 <= x <= 600 and 8 <= y <= 152 for x, y in found)
        assert len(found) <= 310


def test_a_spike_among_thousands_stays_visible() -> None:
    """Thinning keeps the highest and the lowest of each stretch."""
    points = [(step, 0.0) for step in range(50_000)]
    points[31_415] = (31_415, 1.0)
    chart = over_steps("loss", points)

    assert chart is not None
    assert min(y for _, y in places(chart)) == 8.0


def test_what_is_not_a_number_is_left_out() -> None:
    """NaN and infinities are in the table, not in the line; nothing finite is no line."""
    chart = over_steps("loss", [(0, 1.0), (1, math.nan), (2, math.inf), (3, 2.0)])

    assert chart is not None
    assert len(places(chart)) == 2
    assert over_steps("loss", [(0, math.nan), (1, math.nan)]) is None
    assert over_steps("loss", [(0, 1.0)]) is None
    assert over_steps("loss", []) is None
    assert over_time("auc", {}) is None


def test_lines_share_time_and_range() -> None:
    """A version that came later begins where it came."""
    old = [(START + timedelta(days=day), 0.7) for day in range(11)]
    new = [(START + timedelta(days=day), 0.8) for day in range(5, 11)]
    chart = over_time("auc", {"delay@1": old, "delay@2": new})

    assert chart is not None
    assert [line.points.split()[0] for line in chart.lines] == ["0.0,152.0", "300.0,8.0"]
    assert (chart.first, chart.last) == ("2013-05-01", "2013-05-11")

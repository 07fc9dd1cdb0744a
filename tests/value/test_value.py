"""What was earned is counted once and kept, and always the same as counting everything anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import loads
from stackcanvas.canvas.blocks.value import Payoff
from stackcanvas.errors import NotFound
from stackcanvas.metadata import Spine
from stackcanvas.value import Value, by_day

START = datetime(2013, 5, 1, tzinfo=UTC)
SCHEMA = pl.Schema(
    {"model": pl.String(), "time": pl.Datetime("us", "UTC"), "output": pl.Float64(), "actual": pl.Boolean()}
)
CASES = st.tuples(
    st.sampled_from(["model:delay@1", "model:delay@2"]),
    st.integers(0, 70 * 24).map(lambda hours: START + timedelta(hours=hours)),
    st.floats(0, 1),
    st.booleans(),
)
STEPS = st.lists(st.one_of(CASES, st.sampled_from(["settle", "payoff"])), max_size=40)


def payoff_of(worth: str) -> Payoff:
    """A payoff in which only a right warning earns."""
    stated = f"{{threshold: 50%, outcomes: [{{predicted: true, actual: true, worth: {worth}}}]}}"
    answer = loads(f"{{stackcanvas: 1, project: {{name: flights}}, value: {{payoff: {stated}}}}}").get("value.payoff")
    assert isinstance(answer, Payoff)
    return answer


class World:
    """Judged predictions that grow, under a payoff that may change."""

    def __init__(self, spine: Spine) -> None:
        self.spine = spine
        self.rows: list[tuple[str, datetime, float, bool]] = []
        self.payoff: Payoff | None = payoff_of("4.10")
        self.reads = 0
        self.value = Value(spine, currency="USD", payoff=lambda _: self.payoff, judged=self.judged)

    def judged(self, _endpoint: str, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        """The rows within a stretch of time."""
        self.reads += 1
        kept = [row for row in self.rows if (start is None or row[1] >= start) and (end is None or row[1] < end)]
        return pl.LazyFrame(kept, schema=SCHEMA, orient="row")

    def learn(self, row: tuple[str, datetime, float, bool]) -> None:
        """An outcome becomes known."""
        with self.spine.write() as tx:
            self.rows.append(row)
            self.value.learned(tx, "delay", {row[1]})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(steps=STEPS)
def test_the_ledger_is_what_counting_everything_gives(spine: Spine, steps: list[object]) -> None:
    """Whatever the order of outcomes, counts and changes of the payoff."""
    with spine.write() as tx:
        tx.exec_driver_sql("delete from value_day")
        tx.exec_driver_sql("delete from value_stale")
    world = World(spine)
    for step in steps:
        if step == "settle":
            world.value.tick(START)
        elif step == "payoff":
            world.payoff = payoff_of("1.25")
        else:
            assert isinstance(step, tuple)
            world.learn(step)

    assert world.payoff is not None
    assert world.value.earned("delay") == by_day(world.judged("delay", None, None), world.payoff)


def test_reading_counts_nothing(spine: Spine) -> None:
    """What a page reads is as of the last count; the predictions are not looked at."""
    world = World(spine)
    world.learn(("model:delay@1", START, 0.9, True))

    assert world.value.totals("delay", fresh=False) == []
    assert world.value.tick(START) == 1
    before = world.reads
    assert [one.worth for one in world.value.totals("delay", fresh=False)] == [Decimal("4.10")]
    assert world.value.tick(START) == 0
    assert world.reads == before


def test_an_outcome_that_comes_while_a_day_is_counted_is_not_lost(spine: Spine) -> None:
    """The count that did not see it is not kept, and the next one has it."""
    world = World(spine)
    late = ("model:delay@1", START + timedelta(hours=3), 0.8, True)

    def judged(endpoint: str, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        seen = world.judged(endpoint, start, end)
        if late not in world.rows:
            world.learn(late)
        return seen

    counting = Value(spine, currency="USD", payoff=lambda _: world.payoff, judged=judged)
    world.learn(("model:delay@1", START, 0.9, True))
    counting.settle("delay")

    assert counting.totals("delay", fresh=False) == []
    assert [one.decisions for one in counting.totals("delay")] == [2]


def test_days_within_a_stretch_of_time(spine: Spine) -> None:
    """The first day is in, the last one is not."""
    world = World(spine)
    for day in range(4):
        world.learn(("model:delay@1", START + timedelta(days=day, hours=23), 0.9, True))
    first = START.date()

    days = world.value.earned("delay", start=first + timedelta(days=1), end=first + timedelta(days=3))

    assert [one.day.day for one in days] == [2, 3]
    assert world.value.balance("delay", cost_per_day=Decimal(1))[-1].so_far == Decimal("12.40")


def test_nothing_without_a_payoff(spine: Spine) -> None:
    """Outcomes are remembered all the same, and counted once the canvas says what they are worth."""
    world = World(spine)
    world.payoff = None
    world.learn(("model:delay@1", START, 0.9, True))

    assert world.value.tick(START) == 0
    with pytest.raises(NotFound):
        world.value.totals("delay")
    world.payoff = payoff_of("2")
    assert world.value.tick(START) == 1

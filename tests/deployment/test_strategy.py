"""Strategies: the plan of weights, and what survives a record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.deployment import Analysis, BlueGreen, Canary, Recreate, Shadow, Strategy
from stackcanvas.deployment.strategy import from_json, stages, to_json

SHARES = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=6, unique=True).map(lambda s: (*sorted(s), 1.0))
SPANS = st.timedeltas(timedelta(seconds=1), timedelta(days=30))
ANALYSES = st.builds(
    Analysis,
    min_predictions=st.integers(0, 10_000),
    max_error_rate=st.floats(0, 1),
    max_fallback_rate=st.none() | st.floats(0, 1),
)
STRATEGIES = st.one_of(
    st.just(Recreate()),
    st.builds(Canary, steps=SHARES, every=SPANS, analysis=ANALYSES),
    st.builds(BlueGreen, keep=SPANS, analysis=ANALYSES),
    st.builds(Shadow, lasts=SPANS, then_live=st.booleans(), analysis=ANALYSES),
)


@given(STRATEGIES)
def test_a_strategy_reads_back_from_its_record(strategy: Strategy) -> None:
    """A worker that takes over a release follows the same plan."""
    assert from_json(to_json(strategy)) == strategy


@given(STRATEGIES)
def test_a_plan_never_takes_traffic_back_and_ends(strategy: Strategy) -> None:
    """Shares only rise, every stage but the last has a length, and the last is all or, for a shadow, nothing."""
    plan = stages(strategy)

    assert [stage.share for stage in plan] == sorted(stage.share for stage in plan)
    assert all(stage.lasts is not None for stage in plan[:-1])
    assert plan[-1].lasts is None
    assert plan[-1].share == (0.0 if isinstance(strategy, Shadow) and not strategy.then_live else 1.0)


@pytest.mark.parametrize(
    ("strategy", "shares"),
    [
        (Recreate(), [1.0]),
        (Canary(steps=(0.1, 0.5, 1.0)), [0.1, 0.5, 1.0]),
        (BlueGreen(), [1.0, 1.0]),
        (Shadow(), [0.0, 0.0]),
        (Shadow(then_live=True), [0.0, 1.0]),
    ],
)
def test_each_kind_has_its_plan(strategy: Strategy, shares: list[float]) -> None:
    """The shares of the new version, stage by stage."""
    assert [stage.share for stage in stages(strategy)] == shares

"""Whatever is deployed, taken back and ticked, in whatever order: the records agree with each other and the routes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.deployment import Analysis, BlueGreen, Canary, Health, Recreate, Shadow, Strategy
from stackcanvas.errors import StackCanvasError
from stackcanvas.metadata import Ref

ANALYSIS = Analysis(min_predictions=10)
STRATEGIES: st.SearchStrategy[Strategy] = st.sampled_from(
    [
        Recreate(),
        Canary(steps=(0.2, 1.0), every=timedelta(minutes=10), analysis=ANALYSIS),
        Canary(steps=(0.1, 0.3, 0.6, 1.0), every=timedelta(minutes=5), analysis=ANALYSIS),
        BlueGreen(keep=timedelta(minutes=10), analysis=ANALYSIS),
        Shadow(lasts=timedelta(minutes=10), analysis=ANALYSIS),
        Shadow(lasts=timedelta(minutes=10), then_live=True, analysis=ANALYSIS),
    ]
)
ACTIONS = st.one_of(
    st.tuples(st.just("deploy"), st.integers(0, 2), STRATEGIES),
    st.tuples(st.just("rollback"), st.none(), st.none()),
    st.tuples(st.just("tick"), st.integers(0, 12), st.sampled_from([Health(), Health(50), Health(50, errors=40)])),
)
_NUMBER = iter(range(1_000_000))


@pytest.fixture
def versions(make_world: Callable[[str], Any]) -> tuple[Any, list[Ref]]:
    """A project with three versions of a model."""
    world = make_world("state")
    return world, world.register(3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(ACTIONS, max_size=12))
def test_records_and_routes_always_agree(versions: tuple[Any, list[Ref]], actions: list[Any]) -> None:
    """One version is live, shares add up to 1, each change is one revision with one event, and nobody waits forever."""
    world, models = versions
    name = f"e{next(_NUMBER)}"
    first = world.spine.events.head()
    for verb, given_, more in actions:
        before = world.deployment.ls()
        try:
            if verb == "deploy":
                world.deployment.deploy(name, models[given_], strategy=more)
            elif verb == "rollback":
                world.deployment.rollback(name)
            else:
                world.health = dict.fromkeys(map(str, models), more)
                world.deployment.tick(world.later(minutes=given_))
        except StackCanvasError:
            assert world.deployment.ls() == before
        _agree(world, name, first)


def _agree(world: Any, name: str, first: int) -> None:
    status = next((one for one in world.deployment.ls() if one.endpoint == name), None)
    if status is None:
        return
    weights = {key: value for key, value in world.routes()[name].items() if not key.endswith("copied")}
    assert sum(weights.values()) == pytest.approx(1.0)
    events = world.spine.events.after(first, subject=Ref("deployment", name))
    assert len(events) == status.revision
    running = [release for release in world.deployment.history(name) if release.state == "progressing"]
    assert len(running) == (status.candidate is not None)
    if status.candidate is None:
        assert weights == {f"v{status.live.selector}": 1.0}
    else:
        assert weights.get(f"v{status.candidate.selector}", 0.0) == pytest.approx(status.share)

"""A version goes live in steps, comes back when it must, and the records say so."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from stackcanvas.deployment import Analysis, BlueGreen, Canary, Health, Shadow
from stackcanvas.errors import Conflict, NotFound, Refused, Unavailable
from stackcanvas.metadata import Ref

CANARY = Canary(steps=(0.1, 0.5, 1.0), every=timedelta(minutes=30))
HERE = Ref("deployment", "delay")


def test_the_first_version_is_live_at_once(world: Any) -> None:
    """There is no traffic to move: whatever the strategy, it answers."""
    (one,) = world.register(1)
    release = world.deployment.deploy("delay", one, strategy=CANARY)

    assert release.state == "live"
    assert world.routes() == {"revision": 1, "delay": {"v1": 1.0}}
    status = world.deployment.status("delay")
    assert (status.state, status.live, status.candidate, status.share) == ("live", one, None, 0.0)
    assert [status.endpoint for status in world.deployment.ls()] == ["delay"]


def test_a_version_that_the_gate_refuses_does_not_go_live(world: Any) -> None:
    """Nothing is recorded as changed, and nothing changes."""
    one, two = world.register(2)
    world.deployment.deploy("delay", one)
    world.refused.add(str(two))
    before = (world.routes(), world.spine.events.head(), len(world.deployment.history("delay")))

    with pytest.raises(Refused):
        world.deployment.deploy("delay", two)
    assert (world.routes(), world.spine.events.head(), len(world.deployment.history("delay"))) == before


def test_a_canary_takes_its_steps(world: Any) -> None:
    """The share rises when its time has come, and not before; at the end the new version is live."""
    one, two = world.register(2)
    world.deployment.deploy("delay", one)
    world.deployment.deploy("delay", two, strategy=CANARY)
    assert world.routes()["delay"] == {"v1": 0.9, "v2": 0.1}
    assert world.deployment.tick(world.later(minutes=29)) == []

    seen = []
    for _ in range(4):
        world.deployment.tick(world.later(minutes=30))
        seen.append(world.routes()["delay"])
    assert seen == [{"v1": 0.5, "v2": 0.5}, {"v2": 1.0}, {"v2": 1.0}, {"v2": 1.0}]
    status = world.deployment.status("delay")
    assert (status.state, status.live, status.live_since) == ("live", two, world.deployment.history("delay")[0].ended)


def test_a_step_waits_for_enough_predictions(world: Any) -> None:
    """Time alone proves nothing."""
    one, two = world.register(2)
    world.deployment.deploy("delay", one)
    world.deployment.deploy("delay", two, strategy=CANARY)
    world.health[str(two)] = Health(predictions=99)
    assert world.deployment.tick(world.later(hours=5)) == []
    world.health[str(two)] = Health(predictions=100)

    assert [moved.step for moved in world.deployment.tick(world.clock.now())] == [1]


LIMITS = Analysis(max_error_rate=0.05, max_fallback_rate=0.1, max_p99=timedelta(milliseconds=50))


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (Health(1000, errors=51), "5.1 % of 1000 predictions failed, at most 5.0 % may"),
        (Health(1000, fallbacks=101), "10.1 % of 1000 predictions fell back, at most 10.0 % may"),
        (
            Health(1000, p99=timedelta(milliseconds=60)),
            "1 of 100 predictions took longer than 60 ms, at most 50 ms may pass",
        ),
        (Health(1000, objection="its answers are worse by 0.03"), "its answers are worse by 0.03"),
    ],
)
def test_a_canary_that_does_badly_is_taken_back(world: Any, health: Health, said: str) -> None:
    """Failures, fallbacks, slowness, or a comparison of answers: all traffic goes back at once, with the reason."""
    one, two = world.register(2)
    world.deployment.deploy("delay", one)
    world.deployment.deploy("delay", two, strategy=Canary(steps=(0.5, 1.0), analysis=LIMITS))
    world.health[str(two)] = health
    (moved,) = world.deployment.tick(world.later(minutes=1))

    assert (moved.state, moved.reason) == ("rolled back", said)
    assert world.routes()["delay"] == {"v1": 1.0}
    assert world.deployment.status("delay").live == one
    assert world.deployment.tick(world.later(hours=9)) == []


def test_blue_and_green_change_places(world: Any) -> None:
    """All traffic at once; while the old version is kept a bad one goes back by itself."""
    one, two, three = world.register(3)
    world.deployment.deploy("delay", one)
    strategy = BlueGreen(keep=timedelta(hours=1))
    world.deployment.deploy("delay", two, strategy=strategy)
    assert world.routes()["delay"] == {"v2": 1.0}
    world.deployment.tick(world.later(hours=1))
    assert world.deployment.status("delay").live == two

    world.deployment.deploy("delay", three, strategy=strategy)
    world.health[str(three)] = Health(1000, errors=1000)
    world.deployment.tick(world.later(minutes=1))
    assert world.routes()["delay"] == {"v2": 1.0}


@pytest.mark.parametrize(("then_live", "after"), [(True, {"v2": 1.0}), (False, {"v1": 1.0})])
def test_a_shadow_watches_first(world: Any, then_live: bool, after: dict[str, float]) -> None:
    """It sees its share of copies, then takes over or leaves."""
    one, two = world.register(2)
    world.deployment.deploy("delay", one)
    shadow = Shadow(sample=0.25, lasts=timedelta(hours=2), then_live=then_live)
    world.deployment.deploy("delay", two, strategy=shadow)
    assert world.routes()["delay"] == {"v1": 1.0, "v2 copied": 0.25}
    (moved,) = world.deployment.tick(world.later(hours=2))

    assert moved.state == ("live" if then_live else "ended")
    assert world.routes()["delay"] == after


def test_a_roll_back_by_hand(world: Any) -> None:
    """Out of a release on its way, then from what is live to what was live before it."""
    one, two, three = world.register(3)
    world.deployment.deploy("delay", one)
    with pytest.raises(Conflict, match="has had no other version"):
        world.deployment.rollback("delay")
    world.deployment.deploy("delay", two)
    world.deployment.deploy("delay", three, strategy=CANARY)

    assert world.deployment.rollback("delay", reason="a bad feeling").reason == "a bad feeling"
    assert world.deployment.status("delay").live == two
    world.deployment.rollback("delay")
    assert world.deployment.status("delay").live == one
    assert world.routes()["delay"] == {"v1": 1.0}
    with pytest.raises(Conflict):
        world.deployment.rollback("delay")
    assert [release.state for release in world.deployment.history("delay")] == ["rolled back", "rolled back", "live"]


def test_what_clashes_is_refused(world: Any) -> None:
    """One release at a time, and not the version that is live already; unknown endpoints are named."""
    one, two, three = world.register(3)
    world.deployment.deploy("delay", one)
    with pytest.raises(Conflict, match="is live at the endpoint 'delay' already"):
        world.deployment.deploy("delay", one)
    world.deployment.deploy("delay", two, strategy=CANARY)
    with pytest.raises(Conflict, match="a release is on its way"):
        world.deployment.deploy("delay", three)
    with pytest.raises(NotFound, match="Did you mean 'delay'"):
        world.deployment.status("delays")
    with pytest.raises(NotFound):
        world.deployment.deploy("other", Ref("model", "delay", "9"))


def test_every_change_is_recorded(world: Any) -> None:
    """An execution, an event, an audit entry and an artifact each, and lineage from the model to the deployment."""
    one, two = world.register(2)
    world.deployment.deploy("delay", one, reason="the first")
    world.deployment.deploy("delay", two, strategy=Canary(steps=(0.5, 1.0), every=timedelta(minutes=1)))
    world.deployment.tick(world.later(minutes=1))
    world.deployment.rollback("delay")

    events = world.spine.events.after(0, names=["deployment.changed"])
    assert {event.subject for event in events} == {HERE}
    assert [event.payload["live"] for event in events] == [str(one), str(one), str(two), str(one)]
    assert [event.payload["weights"] for event in events][1] == {str(one): 0.5, str(two): 0.5}
    kinds = [execution.kind for execution in reversed(world.spine.executions.search(subject=HERE))]
    assert kinds == ["deployment.deploy", "deployment.deploy", "deployment.advance", "deployment.rollback"]
    assert {execution.state for execution in world.spine.executions.search(subject=HERE)} == {"done"}
    assert len(world.spine.audit.entries(subject=HERE.at(3))) == 1
    assert world.spine.audit.verify() == []
    below = world.spine.lineage.downstream(one)
    assert {HERE.at(1), HERE.at(4)} <= set(below.refs)
    facts = world.spine.artifacts.get(HERE.at(4)).facts
    assert facts["live"] == str(one)


def test_two_workers_move_a_release_once(world: Any) -> None:
    """However many tick at the same time."""
    one, two = world.register(2)
    world.deployment.deploy("delay", one)
    world.deployment.deploy("delay", two, strategy=CANARY)
    now = world.later(minutes=31)
    moved: list[Any] = []
    workers = [threading.Thread(target=lambda: moved.extend(world.another().tick(now))) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(moved) == 1
    assert world.routes() == {"revision": 3, "delay": {"v1": 0.5, "v2": 0.5}}


def test_a_change_that_could_not_be_published_is_published_later(world: Any) -> None:
    """Killed, or out of disk, between the record and the routes: the next tick makes the routes."""
    one, two = world.register(2)
    world.deployment.deploy("delay", one)
    place = world.folder / "serving" / "routes.json"
    place.unlink()
    place.mkdir()
    with pytest.raises(Unavailable):
        world.deployment.deploy("delay", two)
    place.rmdir()
    world.deployment.tick(world.clock.now())

    assert world.routes() == {"revision": 2, "delay": {"v2": 1.0}}
    assert world.deployment.status("delay").live == two

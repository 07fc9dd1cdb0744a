"""Incidents: opened and closed by people, roll backs and new versions."""

from __future__ import annotations

import threading

import pytest

from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.metadata import Ref
from stackcanvas.monitoring import Incidents
from stackcanvas.testing.monitoring import WatchedEndpoint

SUBJECT = Ref("deployment", "delay")


def change(world: WatchedEndpoint, revision: int, state: str, model: str, reason: str = "") -> None:
    """A deployment changes, as the deployment block writes it."""
    facts = {"state": state, "model": model, "live": model, "reason": reason}
    with world.spine.write() as tx:
        world.spine.artifacts.add(tx, SUBJECT.at(revision), facts=facts)
        world.spine.events.emit(tx, "deployment.changed", SUBJECT, facts)
    world.clock.advance(seconds_s=60)


def test_a_person_opens_and_closes(world: WatchedEndpoint) -> None:
    """With a reason, tied to the deployment as it was, and how long it took."""
    change(world, 1, "live", "model:delay@1")
    incidents = Incidents(world.spine)
    opened = incidents.open("delay", "the desk sees nonsense")
    world.clock.advance(seconds_s=90)
    closed = incidents.close(opened.id, note="restarted the feed")

    assert (opened.opened_by, opened.cause, opened.closed) == ("ada", SUBJECT.at(1), None)
    assert (closed.closed_by, closed.note, closed.duration_s) == ("fix", "restarted the feed", 90.0)
    assert world.events("incident.opened", "incident.closed") == ["incident.opened", "incident.closed"]


def test_a_roll_back_is_an_incident_of_its_release(world: WatchedEndpoint) -> None:
    """Nobody had noticed before: it is opened and closed at once, tied to the state that failed."""
    change(world, 1, "live", "model:delay@1")
    change(world, 2, "progressing", "model:delay@2")
    change(world, 3, "rolled_back", "model:delay@2", "8 % of predictions failed")
    incidents = Incidents(world.spine)
    incidents.follow()
    found = incidents.ls("delay")

    assert [(one.opened_by, one.closed_by, one.cause) for one in found] == [("rollback", "rollback", SUBJECT.at(2))]
    assert "8 % of predictions failed" in found[0].reason
    incidents.follow()
    assert len(incidents.ls("delay")) == 1


def test_what_ends_open_incidents(world: WatchedEndpoint) -> None:
    """A roll back or a new live version closes what is open at that endpoint, and only there."""
    incidents = Incidents(world.spine)
    first, elsewhere = incidents.open("delay", "late"), incidents.open("other", "late, too")
    change(world, 1, "rolled_back", "model:delay@2", "by hand")
    incidents.follow()
    second = incidents.open("delay", "late again")
    change(world, 2, "progressing", "model:delay@3")
    incidents.follow()
    assert incidents.get(second.id).closed is None
    change(world, 3, "live", "model:delay@3")
    incidents.follow()

    assert incidents.get(first.id).closed_by == "rollback"
    assert (incidents.get(second.id).closed_by, incidents.get(second.id).note) == (
        "retraining",
        "model:delay@3 went live",
    )
    assert incidents.get(elsewhere.id).closed is None


def test_what_cannot_be_done_is_refused(world: WatchedEndpoint) -> None:
    """No reason, no such incident, closed twice, a way that is none."""
    incidents = Incidents(world.spine)
    opened = incidents.open("delay", "late")
    with pytest.raises(BadInput):
        incidents.open("delay", "  ")
    with pytest.raises(BadInput, match="rollback, retraining or fix"):
        incidents.close(opened.id, by="prayer")
    with pytest.raises(NotFound):
        incidents.close("0" * 32)
    incidents.close(opened.id)
    with pytest.raises(Conflict):
        incidents.close(opened.id)


def test_several_workers_follow_once(world: WatchedEndpoint) -> None:
    """Four read the same roll back: one incident."""
    change(world, 1, "live", "model:delay@1")
    change(world, 2, "rolled_back", "model:delay@2", "by hand")
    threads = [threading.Thread(target=Incidents(world.spine).follow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(Incidents(world.spine).ls("delay")) == 1

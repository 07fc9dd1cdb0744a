"""Eight processes write to one workspace at once, and none of them loses anything."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import select

from stackcanvas.metadata import Event, Ref, Spine
from stackcanvas.metadata.counters import take
from stackcanvas.metadata.tables import counter

_WRITERS = 8
_TIMES = 12
# Every third piece of work is taken back.
_KEPT = _TIMES - _TIMES // 3

Start = Callable[..., "subprocess.Popen[str]"]


def test_nothing_is_lost_and_a_reader_misses_nothing(shared_spine: Spine, start_worker: Start) -> None:
    """Work, links, artifacts, events and audit of all are there; the reader saw each event once, without a gap."""
    writers = start_worker("work", processes=_WRITERS, times=_TIMES)
    seen: list[Event] = []
    while writers.poll() is None:
        seen += _next(shared_spine)
        with suppress(subprocess.TimeoutExpired):
            writers.wait(0.01)
    while new := _next(shared_spine):
        seen += new

    assert writers.returncode == 0
    assert [event.sequence for event in seen] == list(range(1, _WRITERS * _KEPT + 1))
    for number in range(_WRITERS):
        _check_writer(shared_spine, f"worker{number}", seen)
    assert shared_spine.audit.verify() == []
    assert shared_spine.audit.head()[0] == _WRITERS * _KEPT
    assert shared_spine.events.cursor("reader") == shared_spine.events.head() == _WRITERS * _KEPT


def test_a_lease_keeps_eight_processes_apart(shared_spine: Spine, start_worker: Start) -> None:
    """A number that is read and written in two transactions loses no step while only the holder does it."""
    with shared_spine.write() as tx:
        take(shared_spine.database, tx, "shared")

    assert start_worker("count", processes=_WRITERS, times=10).wait() == 0

    with shared_spine.read() as connection:
        values = {row.name: row.value for row in connection.execute(select(counter))}
    assert values["shared"] == 1 + _WRITERS * 10


def _next(spine: Spine) -> list[Event]:
    """What a reader does: take the next events, and move the cursor with what it did about them."""
    new = spine.events.after(spine.events.cursor("reader"), limit=7)
    if new:
        with spine.write() as tx:
            spine.events.advance(tx, "reader", new[-1].sequence)
    return new


def _check_writer(spine: Spine, name: str, seen: list[Event]) -> None:
    numbers = [number for number in range(1, _TIMES + 1) if number % 3]
    assert [event.payload["number"] for event in seen if event.subject.name == name] == numbers
    made = {found.ref.number: found for found in spine.artifacts.search(kind="data", name=name)}
    assert sorted(made, key=int) == numbers  # type: ignore[arg-type]
    for number in range(1, _TIMES + 1):
        ref = Ref("data", name, str(number))
        (execution,) = spine.executions.search(subject=ref)
        assert execution.state == ("done" if number % 3 else "failed")
        assert len(spine.lineage.upstream(ref, depth=1).executions) == (1 if number % 3 else 0)
        assert number % 3 == 0 or made[number].execution == execution.id

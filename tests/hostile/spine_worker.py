"""Processes that work over a shared workspace; started by the tests, several at once, and killed by some.

    python spine_worker.py work URL PROCESSES TIMES     records work, TIMES pieces each or without end (0)
    python spine_worker.py count URL PROCESSES TIMES    raises a number under a lease, with a gap after reading it

Each line on the standard output is a piece of work that was committed: the worker's name and the piece's number.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from itertools import count

from sqlalchemy import select, update

from stackcanvas.backends.database import open_database
from stackcanvas.clock import SystemClock
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Ref, Spine
from stackcanvas.metadata.tables import counter


def open_spine(url: str, name: str) -> Spine:
    """A spine of one actor over a workspace whose tables exist."""
    clock = SystemClock()
    return Spine(open_database(url), clock=clock, ids=Ids(clock.now), actor=Actor(name, verified=True))


def work(spine: Spine, name: str, times: int) -> None:
    """Each piece of work is one commit of everything; every third fails after it has written all."""
    for number in range(1, times + 1) if times else count(1):
        ref = Ref("data", name, str(number))
        with suppress(RuntimeError), spine.record("data.commit", subject=ref) as recording:
            recording.used(Ref("data", name, str(number - 1)))
            recording.made(ref)
            with spine.write() as tx:
                spine.artifacts.add(tx, ref, execution=recording.id)
                spine.events.emit(tx, "data.committed", ref, {"number": number})
                spine.audit.add(tx, "data.commit", ref, {"number": number})
                if number % 3 == 0:
                    raise RuntimeError("as planned")
                recording.finish(tx)
        sys.stdout.write(f"{name} {number}\n")
        sys.stdout.flush()


def count_up(spine: Spine, name: str, times: int) -> None:
    """Read, wait a moment and write: only a lease keeps two processes from reading the same."""
    done = 0
    while done < times:
        with spine.leases.hold("counting", name, ttl_s=60) as held:
            if held is None:
                time.sleep(0.002)
                continue
            with spine.read() as connection:
                before = connection.execute(select(counter.c.value).where(counter.c.name == "shared")).scalar_one()
            time.sleep(0.001)
            with spine.write() as tx:
                tx.execute(update(counter).where(counter.c.name == "shared").values(value=before + 1))
            done += 1


def main(verb: str, url: str, processes: str, times: str) -> None:
    """One of the verbs above, in so many children that share this process's imports and nothing else."""
    children = []
    for number in range(int(processes)):
        child = os.fork()
        if child == 0:
            spine = open_spine(url, f"worker{number}")
            (work if verb == "work" else count_up)(spine, f"worker{number}", int(times))
            spine.database.close()
            return
        children.append(child)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))


if __name__ == "__main__":
    main(*sys.argv[1:])

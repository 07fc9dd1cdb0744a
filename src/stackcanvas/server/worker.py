"""The worker: does the stack's recurring work, each kind in a thread of its own and by lease."""

from __future__ import annotations

import argparse
import logging
import os
import resource
import secrets
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from stackcanvas.cli.faults import to_exit_code
from stackcanvas.server.child import leave_with_parent, log_to_stderr, on_stop, only_one, wait_for
from stackcanvas.server.keeper import Keeper
from stackcanvas.server.pulse import Pulse, dead_man
from stackcanvas.server.rounds import OF_THIS_MACHINE, THREADS, Rounds, always
from stackcanvas.server.said import Said
from stackcanvas.server.ticker import Ticker
from stackcanvas.serving.server.files import replace
from stackcanvas.stack import Stack, find_root, open  # noqa: A004 - the verb of the package
from stackcanvas.stack.root import FOLDER
from stackcanvas.stack.running import announce, beat, withdraw

_log = logging.getLogger("stackcanvas.worker")
_FILES = 65_536
_MOST_FAILING = 64


def work(
    stack: Stack, stop: threading.Event, *, holder: str, before: str | None = None, patience_s: float = 10.0
) -> bool:
    """Do all recurring work until told to stop.

    Args:
        holder: who this worker is, for the leases; no other worker is called so.
        before: the worker of this folder that ended last. What it left behind need not be waited for.
        patience_s: how long running ticks may take to end after the stop.

    Returns:
        Whether every tick had ended.
    """
    said, sending = Said(_log), Said(_log)
    keeper = Keeper(stack.spine.leases, holder=holder, said=said)
    pulse = Pulse(stack, "worker", said=said, facts=lambda: {"failing": _some(said.failing())})
    alarm = dead_man(stack, is_well=lambda: not (said.failing() or pulse.is_late), said=sending)
    if alarm is not None:
        # Not waited for at the end: it may be in the middle of asking somebody who is slow.
        threading.Thread(target=alarm.run, args=(stop,), name="dead man", daemon=True).start()
    if before is not None:
        stack.spine.leases.release_all(before)
    rounds = Rounds(stack, holder=holder, before=before, said=said)
    threads = [
        threading.Thread(target=run, args=(stop,), name=name, daemon=True)
        for name, run in (
            ("leases", keeper.run),
            ("pulse", pulse.run),
            ("workspaces", rounds.watch),
            *((f"round {number}", rounds.run) for number in range(THREADS)),
        )
    ]
    for name, tick in stack.ticks().items():
        turn = always if name in OF_THIS_MACHINE else partial(keeper.turn, f"tick:{name}")
        ticker = Ticker(name, tick, clock=stack.spine.clock, turn=turn, said=said)
        threads.append(threading.Thread(target=ticker.run, args=(stop,), name=f"tick {name}", daemon=True))
    for thread in threads:
        thread.start()
    announce(stack.folder, "worker", started=stack.spine.clock.now())
    wait_for(stop, meanwhile=partial(beat, stack.folder, "worker"))
    last = time.monotonic() + patience_s
    for thread in threads:
        thread.join(max(0.0, last - time.monotonic()))
    ended = not any(thread.is_alive() for thread in threads)
    rounds.close()
    return ended


def _some(failing: Mapping[str, str]) -> dict[str, str]:
    """As much as a heartbeat carries: with a hundred broken workspaces it would be a book."""
    return dict(islice(failing.items(), _MOST_FAILING))


def _open_many_files() -> None:
    """Let this process open as many files as it may: each workspace that is open takes about fifteen."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def names(root: Path) -> tuple[str | None, str]:
    """What the last worker of a folder called itself, and what this one does, which holds the folder's lock.

    Folder and machine tell people where it is. They do not tell two containers apart, whose names may be the same.
    """
    place = root / FOLDER / "run" / "worker.name"
    before = place.read_text(encoding="utf-8") if place.is_file() else None
    own = f"worker of {root} on {socket.gethostname()}, process {os.getpid()} {secrets.token_hex(4)}"
    replace(place, own.encode())
    return before, own


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one project's recurring work: schedules, releases, monitors."""
    parser = argparse.ArgumentParser("stackcanvas.server.worker", description=main.__doc__)
    parser.add_argument("--project", type=Path, default=None, help="the project's folder")
    given = parser.parse_args(arguments)

    def run() -> int:
        leave_with_parent()
        log_to_stderr("worker")
        _open_many_files()
        stop = threading.Event()
        on_stop(stop.set)
        root = find_root(given.project or Path.cwd())
        with only_one(root / FOLDER, "worker"), open(root) as stack:
            try:
                before, holder = names(root)
                if not work(stack, stop, holder=holder, before=before):
                    _log.warning("stopped while work was going on; it is taken up again by the next worker")
            finally:
                withdraw(stack.folder, "worker")
        return 0

    return to_exit_code(run)


if __name__ == "__main__":
    sys.exit(main())

"""The rounds of a worker: the recurring work of a project's workspaces, each piece in its turn.

A few threads do what is due first, whosever it is, so a workspace that is slow, broken or many others beside it delay
it by a round and no more. However many workspaces there are, the threads rest a multiple of the time that they work.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from stackcanvas.server.keeper import Keeper
from stackcanvas.server.said import Said
from stackcanvas.server.ticker import Ticker
from stackcanvas.stack import Stack

_log = logging.getLogger("stackcanvas.worker")
# Work on what lies on this machine: its queue of processes, its files, its records. Every worker does its own.
OF_THIS_MACHINE = frozenset({"runs", "predictions", "kept predictions", "executions", "pushed", "tokens"})
THREADS = 4
_AT_ONCE = 2
_PERIOD_S = 2.0
_TTL_S = 60.0
_AGAIN_S = 30.0
_REST = 7.0
_LONGEST_REST_S = 1.0
_NOTHING_DUE_S = 0.1


@dataclass(slots=True, eq=False)
class _Place:
    """A workspace that is served.

    Args:
        stack: open.
        mark: what differs once it is another one, or its canvas.
        keeper: of its lease; None where its records are files, which only the worker of their folder reaches.
        parts: what its ticks are called when they fail.
        busy: how many threads work at it.
        gone: whether it is served no longer.
        removed: whether its records are gone, too.
    """

    stack: Stack
    mark: tuple[int, ...]
    keeper: Keeper | None
    parts: tuple[str, ...] = ()
    busy: int = 0
    gone: bool = False
    removed: bool = False


class Rounds:
    """Serves the workspaces of a project; those that are made, changed or removed meanwhile are noticed.

    Args:
        project: its stack; the caller closes it.
        holder: who this worker is, for the leases.
        before: the worker whose place it takes, if any.
        said: what this worker has complained of.
        runs: how many runs of pipelines the workspaces may have at once, one each; by default as many as the machine
            has cores, but for one that is the project's.
        now_s: seconds of a clock that only goes forward.
    """

    def __init__(
        self,
        project: Stack,
        *,
        holder: str,
        before: str | None = None,
        said: Said | None = None,
        runs: int | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspaces = project.workspaces
        self._holder = holder
        self._before = before
        self._said = said or Said(_log)
        self._slots = threading.Semaphore(runs or max(1, (os.cpu_count() or 1) - 1))
        self._now_s = now_s
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._refused: dict[str, tuple[tuple[int, ...], float]] = {}
        self._due: list[tuple[float, int, _Place, Ticker]] = []
        self._order = itertools.count()

    def look(self) -> None:
        """Open what is new, and let go of what is gone or changed; one that does not open is told and left aside."""
        names = set(self._workspaces.names())
        for name in sorted(names | set(self._places)):
            mark = tuple(self._workspaces.mark(name)) if name in names else ()
            place = self._places.get(name)
            if place is not None and place.mark != mark:
                if not self._is_same(place, mark):
                    self._let_go(name, place, removed=True)
                elif place.stack.worker.is_busy:
                    place.stack.worker.rest()  # with the new canvas once the runs have ended
                else:
                    self._let_go(name, place)
            if mark and name not in self._places and not self._is_refused(name, mark):
                self._open(name, mark)
        for name in self._refused.keys() - names:
            del self._refused[name]
            self._said.forget(_of(name))

    def once(self) -> bool:
        """Do the one piece of work that is due first; False when none is."""
        taken = self._take()
        if taken is None:
            return False
        place, ticker = taken
        pause_s = ticker.once()
        with self._lock:
            place.busy -= 1
            if not place.gone:
                self._plan(place, ticker, pause_s)
            last = place.gone and place.busy == 0
        if last:
            self._close(place)
        return True

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; called by several threads."""
        while not stop.is_set():
            began_s = self._now_s()
            did = self.once()
            rest_s = min(_REST * (self._now_s() - began_s), _LONGEST_REST_S)
            stop.wait(rest_s if did else _NOTHING_DUE_S)

    def watch(self, stop: threading.Event) -> None:
        """Look for workspaces again and again and prolong the leases of those that are open, until told to stop."""
        renewed_s = self._now_s()
        while not stop.is_set():
            try:
                self.look()
                if self._now_s() - renewed_s > _TTL_S / 4:
                    renewed_s = self._now_s()
                    self._renew()
            except Exception as error:  # noqa: BLE001 - the database may be away; without it nobody else works either
                self._said.wrong("workspaces", error)
            else:
                self._said.right("workspaces")
            stop.wait(_PERIOD_S)

    def close(self) -> None:
        """Close what is open; nobody may work any more."""
        for name, place in list(self._places.items()):
            self._let_go(name, place)

    def _open(self, name: str, mark: tuple[int, ...]) -> None:
        try:
            stack: Stack = self._workspaces.open(name)
        except Exception as error:  # noqa: BLE001 - the others go on
            self._refuse(name, mark, error)
            return
        keeper = None
        if not self._workspaces.are_files:
            keeper = Keeper(stack.spine.leases, holder=self._holder, ttl_s=_TTL_S, said=self._said)
        place = _Place(stack, mark, keeper)
        try:
            if keeper is not None and self._before is not None:
                stack.spine.leases.release_all(self._before)
            stack.worker.share(self._slots)
            tickers = [
                Ticker(
                    f"{tick} of {_of(name)}",
                    work,
                    clock=stack.spine.clock,
                    turn=partial(_turn, keeper, tick),
                    said=self._said,
                    period_s=_PERIOD_S,
                )
                for tick, work in stack.ticks().items()
            ]
        except Exception as error:  # noqa: BLE001 - its canvas may ask for what this machine has not
            stack.close()
            self._refuse(name, mark, error)
            return
        place.parts = tuple(ticker.name for ticker in tickers)
        self._refused.pop(name, None)
        self._said.right(_of(name))
        with self._lock:
            self._places[name] = place
            for ticker in tickers:
                self._plan(place, ticker, 0.0)

    def _refuse(self, name: str, mark: tuple[int, ...], error: Exception) -> None:
        self._refused[name] = mark, self._now_s()
        self._said.wrong(_of(name), error)

    def _is_refused(self, name: str, mark: tuple[int, ...]) -> bool:
        known, since_s = self._refused.get(name, ((), 0.0))
        return known == mark and self._now_s() - since_s < _AGAIN_S

    def _is_same(self, place: _Place, mark: tuple[int, ...]) -> bool:
        """Whether a changed mark is one of the same records, and only the canvas is another."""
        own = 2 if self._workspaces.are_files else 1
        return bool(mark) and mark[:own] == place.mark[:own]

    def _let_go(self, name: str, place: _Place, *, removed: bool = False) -> None:
        """Close a place once nobody works at it."""
        with self._lock:
            place.gone, place.removed = True, removed
            del self._places[name]
            self._due = [planned for planned in self._due if planned[2] is not place]
            heapq.heapify(self._due)
            idle = place.busy == 0
        if idle:
            self._close(place)

    def _close(self, place: _Place) -> None:
        for part in place.parts:
            self._said.forget(part)
        try:
            if place.removed:
                place.stack.worker.abandon()
            elif place.keeper is not None:
                place.keeper.release()
            place.stack.close()
        except Exception:  # noqa: BLE001 - nobody waits for it who could be told
            _log.exception("the workspace %s did not close well", place.stack.workspace)

    def _plan(self, place: _Place, ticker: Ticker, pause_s: float) -> None:
        heapq.heappush(self._due, (self._now_s() + pause_s, next(self._order), place, ticker))

    def _take(self) -> tuple[_Place, Ticker] | None:
        """What is due first, but for what belongs to a place that has its share of the threads."""
        aside = []
        taken = None
        with self._lock:
            while taken is None and self._due and self._due[0][0] <= self._now_s():
                planned = heapq.heappop(self._due)
                if planned[2].busy < _AT_ONCE:
                    taken = planned[2], planned[3]
                    planned[2].busy += 1
                else:
                    aside.append(planned)
            for planned in aside:
                heapq.heappush(self._due, planned)
        return taken

    def _renew(self) -> None:
        with self._lock:
            keepers = [place.keeper for place in self._places.values() if place.keeper is not None]
        for keeper in keepers:
            keeper.renew()


def _of(name: str) -> str:
    return f"the workspace {name}"


def _turn(keeper: Keeper | None, tick: str) -> AbstractContextManager[bool]:
    """One lease for all of a workspace: so many would be prolonged for nothing."""
    return always() if keeper is None or tick in OF_THIS_MACHINE else keeper.turn("ticks")


@contextmanager
def always() -> Iterator[bool]:
    """A turn that is always this worker's."""
    yield True

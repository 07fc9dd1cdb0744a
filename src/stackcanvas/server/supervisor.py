"""Keeps child processes running: starts them, starts again what died, replaces what hangs, stops all of them."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stackcanvas.errors import StackCanvasError, Unavailable
from stackcanvas.server.child import PARENT
from stackcanvas.stack.running import Process, answers, process, pulse

_log = logging.getLogger("stackcanvas.up")
_LOOK_S = 0.1
_STEADY_S = 30.0
_LONGEST_PAUSE_S = 30.0
_ASK_EVERY_S = 5.0
_SILENT_ASKS = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """How one child is started.

    Args:
        command: gives the command line; it is told the port of its first start, so that a restart keeps it.
        health: the path that answers 200 when the child is ready; None for one that listens nowhere and beats.
    """

    name: str
    command: Callable[[int | None], Sequence[str]]
    health: str | None = "/health"


class ChildEnded(StackCanvasError):
    """A child ended before it was ready; it has said why, and the exit code is the one it gave."""

    def __init__(self, name: str, code: int) -> None:
        self.exit_code = code if 0 < code < 128 else 70
        super().__init__(f"Not started: {name} ended with code {code}; its own message stands above")


@dataclass(slots=True)
class _Child:
    plan: Plan
    running: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    deaths: int = 0
    due: float = 0.0
    port: int | None = None
    ready: bool = field(default=False)
    asked: float = 0.0
    silent: int = 0
    pulse: int | None = None


def pause_s(deaths: int) -> float:
    """How long to wait before a child that died so many times in a row is started again.

    Example:
        >>> [pause_s(deaths) for deaths in (1, 2, 3, 10)]
        [0.5, 1.0, 2.0, 30.0]
    """
    return float(min(0.5 * 2 ** (deaths - 1), _LONGEST_PAUSE_S))


class Supervisor:
    """Runs a set of children until it is told to stop.

    Args:
        folder: where children announce themselves.
        plans: the children; they are stopped in this order.
        environ: the environment that children get, the name of their parent added.
        ask_every_s: how often a child is asked whether it goes on.
        silent_asks: so many times in a row without an answer, and it hangs.
    """

    def __init__(
        self,
        folder: Path,
        plans: Sequence[Plan],
        *,
        environ: Mapping[str, str],
        ask_every_s: float = _ASK_EVERY_S,
        silent_asks: int = _SILENT_ASKS,
    ) -> None:
        self._folder = folder
        self._ask_every_s = ask_every_s
        self._silent_asks = silent_asks
        self._children = [_Child(plan) for plan in plans]
        self._environ = {**environ, PARENT: str(os.getpid())}

    def start(self, stop: threading.Event, *, patience_s: float = 90.0) -> list[Process]:
        """Start all children and wait until each is ready; gives what they announced.

        Raises:
            ChildEnded: one ended at its start; the others are stopped.
            Unavailable: one was not ready in time; all are stopped.
        """
        for child in self._children:
            self._spawn(child)
        last = time.monotonic() + patience_s
        try:
            while not stop.is_set():
                waiting = [child for child in self._children if not self._look_ready(child)]
                if not waiting:
                    break
                self._check_start(waiting, overdue=time.monotonic() > last)
                stop.wait(_LOOK_S)
        except BaseException:
            self.stop()
            raise
        return [found for child in self._children if (found := process(self._folder, child.plan.name))]

    def watch(self, stop: threading.Event) -> None:
        """Start again what dies, later each time it dies early, and end what hangs, until told to stop."""
        while not stop.wait(_LOOK_S):
            now = time.monotonic()
            for child in self._children:
                if child.running is None:
                    if now >= child.due:
                        self._spawn(child)
                elif child.running.poll() is not None:
                    self._mourn(child, now)
                elif not child.ready:
                    if self._look_ready(child):
                        _log.info("%s runs again", child.plan.name)
                elif now - child.asked >= self._ask_every_s:
                    self._ask(child)

    def stop(self, *, patience_s: float = 15.0) -> None:
        """End all children: asked first, forced when they do not go."""
        running = [child.running for child in self._children if child.running is not None]
        for one in running:
            _signal(one, signal.SIGTERM)
        last = time.monotonic() + patience_s
        for one in running:
            try:
                one.wait(max(0.0, last - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(one, signal.SIGKILL)
                one.wait()
        for child in self._children:
            child.running = None

    def _spawn(self, child: _Child) -> None:
        # A group of its own: Ctrl-C reaches the supervisor alone, which then stops the children in order.
        child.running = subprocess.Popen(
            list(child.plan.command(child.port)), env=self._environ, stdin=subprocess.DEVNULL, process_group=0
        )
        child.begun = time.monotonic()
        child.ready = False

    def _mourn(self, child: _Child, now: float) -> None:
        assert child.running is not None
        code = child.running.returncode
        child.running = None
        child.deaths = 1 if now - child.begun > _STEADY_S else child.deaths + 1
        wait_s = pause_s(child.deaths)
        child.due = now + wait_s
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        _log.warning("%s %s; it is started again in %.1f s", child.plan.name, how, wait_s)

    def _look_ready(self, child: _Child) -> bool:
        if not child.ready and child.running is not None:
            found = process(self._folder, child.plan.name)
            if found is not None and found.pid == child.running.pid and _is_ready(found, child.plan.health):
                child.ready, child.port = True, found.port
                child.asked, child.silent = time.monotonic(), 0
        return child.ready

    def _ask(self, child: _Child) -> None:
        """Ask a child whether it goes on, and end one that has been silent for too long.

        Times without an answer are counted, not seconds: a machine that slept has not been asking.
        """
        assert child.running is not None
        child.silent = 0 if self._goes_on(child) else child.silent + 1
        child.asked = time.monotonic()
        if child.silent >= self._silent_asks:
            _log.warning("%s lives but has not answered for long; it is ended", child.plan.name)
            _signal(child.running, signal.SIGKILL)

    def _goes_on(self, child: _Child) -> bool:
        if child.plan.health is not None:
            found = process(self._folder, child.plan.name)
            return found is not None and answers(found, child.plan.health)
        before, child.pulse = child.pulse, pulse(self._folder, child.plan.name)
        return child.pulse is None or child.pulse != before

    @staticmethod
    def _check_start(waiting: Sequence[_Child], *, overdue: bool) -> None:
        for child in waiting:
            code = child.running.poll() if child.running else None
            if code is not None:
                raise ChildEnded(child.plan.name, code)
        if overdue:
            names = ", ".join(child.plan.name for child in waiting)
            raise Unavailable(f"Not started: {names} did not answer in time", fix="Look at what it said above")


def _signal(running: subprocess.Popen[bytes], number: int) -> None:
    if running.poll() is None:
        running.send_signal(number)


def _is_ready(found: Process, health: str | None) -> bool:
    return health is None or found.url is None or answers(found, health)

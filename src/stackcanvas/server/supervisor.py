"""Keeps child processes running: starts them, starts again what died, stops all of them."""

from __future__ import annotations

import logging
import os
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from stackcanvas.errors import StackCanvasError, Unavailable
from stackcanvas.server.child import PARENT
from stackcanvas.stack.running import Process, process

_log = logging.getLogger("stackcanvas.up")
_LOOK_S = 0.1
_STEADY_S = 30.0
_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How one child is started.

    Args:
        command: gives the command line; it is told the port of its first start, so that a restart keeps it.
        health: the path that answers 200 when the child is ready; None when it listens nowhere.
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
    """

    def __init__(self, folder: Path, plans: Sequence[Plan], *, environ: Mapping[str, str]) -> None:
        self._folder = folder
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
        """Start again what dies, later each time it dies early, until told to stop."""
        while not stop.wait(_LOOK_S):
            now = time.monotonic()
            for child in self._children:
                if child.running is None:
                    if now >= child.due:
                        self._spawn(child)
                elif child.running.poll() is not None:
                    self._mourn(child, now)
                elif not child.ready and self._look_ready(child):
                    _log.info("%s runs again", child.plan.name)

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
            if found is not None and found.pid == child.running.pid and _answers(found, child.plan.health):
                child.ready, child.port = True, found.port
        return child.ready

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


def _answers(found: Process, health: str | None) -> bool:
    if health is None or found.url is None:
        return True
    place = urlsplit(found.url)
    connection = _connection(place.scheme, place.hostname or "", place.port)
    try:
        connection.request("GET", health)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int | None) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(host, port, timeout=2)
    # It is our own child on this machine, asked by its number: the name in its certificate is another one.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(host, port, timeout=2, context=context)

"""The pulse of a process: its heartbeat in the database, and the dead man's address that hears while all is well."""

from __future__ import annotations

import base64
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from stackcanvas.errors import StackCanvasError, Unavailable
from stackcanvas.metadata import processes
from stackcanvas.metadata.heartbeats import EVERY_S
from stackcanvas.server.said import Said
from stackcanvas.stack.running import Process, answers, process

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_PATIENCE_S = 10.0
_WHERE = "monitoring.alerting.dead_man"
_BEHIND = 3


class Pulse:
    """Says again and again that a process lives.

    Args:
        stack: whose database hears it.
        kind: of process: `control` or `worker`.
        said: what this process has complained of.
        facts: what there is to know of it now.
    """

    def __init__(
        self, stack: Stack, kind: str, *, said: Said, facts: Callable[[], Mapping[str, object]] = dict
    ) -> None:
        self._heartbeats = stack.spine.heartbeats
        self._folder = stack.folder
        self._kind = kind
        self._said = said
        self._facts = facts
        self._started: datetime = stack.spine.clock.now()
        self._tidied = False
        self._beat_s: float | None = None

    @property
    def is_late(self) -> bool:
        """Whether the database has not heard of this process for too long."""
        return self._beat_s is None or time.monotonic() - self._beat_s > _BEHIND * EVERY_S

    def run(self, stop: threading.Event) -> None:
        """Beat until told to stop, then say that it ends."""
        while not stop.is_set():
            self.once()
            stop.wait(EVERY_S)
        try:
            self._heartbeats.end()
        except Exception as error:  # noqa: BLE001 - it becomes overdue by itself
            self._said.wrong("heartbeat", error)

    def once(self) -> None:
        """Beat once; for the prediction server too, which knows no database, when it answers this worker."""
        try:
            if not self._tidied:
                for kind in {self._kind, *(["predict"] if self._kind == "worker" else [])}:
                    self._heartbeats.tidy(kind)
                self._tidied = True
            self._heartbeats.beat(self._kind, started=self._started, facts=self._facts())
            self._beat_s = time.monotonic()
            if self._kind == "worker":
                self._beat_for(process(self._folder, "predict"))
        except Exception as error:  # noqa: BLE001 - the database may be away; the process goes on
            self._said.wrong("heartbeat", error)
        else:
            self._said.right("heartbeat")

    def _beat_for(self, other: Process | None) -> None:
        if other is not None and other.alive and answers(other, "/health"):
            mark = processes.mark(other.pid)
            self._heartbeats.beat(other.name, started=other.started, facts={"url": other.url}, process=mark)


class DeadMan:
    """Asks an address as long as all is well; whoever keeps that address raises the alarm when it stops.

    In a thread of its own: an address that is slow, refuses or is gone holds nothing up.

    Args:
        address: whole, secrets included; it is never said.
        every: how often it is asked.
        is_well: whether all is well now.
        said: what this process has complained of.
    """

    def __init__(self, address: str, *, every: timedelta, is_well: Callable[[], bool], said: Said) -> None:
        self._address = address
        self._every_s = max(1.0, every.total_seconds())
        self._is_well = is_well
        self._said = said

    def run(self, stop: threading.Event) -> None:
        """Ask until told to stop."""
        while not stop.wait(self._every_s if self.once() else 1.0):
            pass

    def once(self) -> bool:
        """Ask once if all is well; gives whether it was."""
        if not self._is_well():
            return False
        try:
            _ask(self._address)
        except StackCanvasError as error:
            self._said.wrong("dead man's address", error)
        else:
            self._said.right("dead man's address")
        return True


def dead_man(stack: Stack, *, is_well: Callable[[], bool], said: Said) -> DeadMan | None:
    """The dead man's address that the canvas names; None without one.

    Raises:
        BadInput: the environment lacks a name that the address needs.
    """
    answers_here = stack.answers()
    alerting = answers_here.get("monitoring.alerting")
    wanted = None if alerting is None else alerting.dead_man
    if wanted is None:
        return None
    where = answers_here.origin("monitoring.alerting").where
    return DeadMan(wanted.url.resolve(os.environ, where=where), every=wanted.every, is_well=is_well, said=said)


def _ask(address: str) -> None:
    parts = urlsplit(address)
    headers = {"User-Agent": "stackcanvas"}
    if parts.username is not None:
        known = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(known.encode()).decode()}"
    plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    request = urllib.request.Request(plain, headers=headers)  # noqa: S310 - http or https, as the canvas checks
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S):  # noqa: S310 - see above
            pass
    except urllib.error.HTTPError as error:
        with error:
            raise Unavailable(f"it answered {error.code}", where=_WHERE) from None
    except (OSError, ValueError, HTTPException) as error:
        # What `urllib` says may repeat the address; the kind of the reason does not.
        reason = getattr(error, "reason", error)
        raise Unavailable(f"it cannot be reached ({type(reason).__name__})", where=_WHERE) from None

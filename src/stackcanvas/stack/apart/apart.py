"""Queries and reports that a request asks for: another process computes them, and is ended when it takes too much.

The web process only waits. The other one opens the stack for itself, answers once, and leaves when nobody waits.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from stackcanvas.data.analysis import Answered, CompareReport, ProfileReport
from stackcanvas.errors import BadInput, StackCanvasError, Unavailable
from stackcanvas.stack.served.link import error_of
from stackcanvas.stack.served.wire import pack, unpack

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

LENGTH = struct.Struct("<Q")
"""What stands before a question: how many bytes it has."""

MOST_ROWS = 10_000
"""No answer to a request has more."""

_CHILD = "stackcanvas.stack.apart.child"
_LOOK_S = 0.05
_WAIT_S = 5.0
_AT_ONCE = 2
_ROOM = threading.BoundedSemaphore(_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may take.

    Args:
        time_s: from its start to its answer.
        memory_bytes: of its process.
        answer_bytes: of what it answers.
    """

    time_s: float = 300.0
    memory_bytes: int = 4 << 30
    answer_bytes: int = 32 << 20


class Apart:
    """Answers questions to versions of data in other processes, two at once for the whole web process.

    Args:
        stack: whose data are asked.
        limits: of each question.
    """

    def __init__(self, stack: Stack, limits: Limits | None = None) -> None:
        self._stack = stack
        self._limits = limits or Limits()
        self._closing = threading.Event()

    def query(self, sql: str, *, limit: int = 1000) -> Answered:
        """The first rows that a statement of SQL gives.

        Args:
            limit: no more rows than these, `MOST_ROWS` at most.

        Raises:
            BadInput: the statement is wrong, or it takes more than a request may.
            NotFound: there is no such data set or version.
            Unavailable: others ask just now.
        """
        found: Answered = self._ask("first", sql, min(limit, MOST_ROWS))
        return found

    def profile(self, ref: str) -> ProfileReport:
        """What the values of a version are like; the report is kept.

        Raises:
            NotFound: there is no such version.
            BadInput: it is no table, or it takes more than a request may.
            Unavailable: others ask just now.
        """
        found: ProfileReport = self._ask("profile", ref)
        return found

    def compare(self, before: str, after: str) -> CompareReport:
        """How the values of one version differ from those of another; the report is kept.

        Raises:
            NotFound: there is no such version.
            BadInput: one of them is no table, or it takes more than a request may.
            Unavailable: others ask just now.
        """
        found: CompareReport = self._ask("compare", before, after)
        return found

    def close(self) -> None:
        """End what is being answered: whoever waits is told so, and the web process need not stay for it."""
        self._closing.set()

    def _ask(self, method: str, *given: object) -> Any:
        stack = self._stack
        question = pack([str(stack.root), stack.workspace, stack.environment, stack.spine.actor, method, *given])
        with _room(), tempfile.TemporaryFile() as answer:
            # What it says on stderr is of the log; what it answers is not.
            words = [sys.executable, "-m", _CHILD]
            with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=answer) as process:
                try:
                    # The pipe stays open: its end tells the process that nobody waits any more.
                    assert process.stdin is not None
                    with suppress(BrokenPipeError):
                        process.stdin.write(LENGTH.pack(len(question)) + question)
                        process.stdin.flush()
                    self._wait(process)
                finally:
                    process.kill()
            answer.seek(0)
            told = answer.read(self._limits.answer_bytes + 1)
        if len(told) > self._limits.answer_bytes:
            raise _too_much(f"its answer is larger than {self._limits.answer_bytes >> 20} MB")
        if not told:
            raise StackCanvasError("the process that was to answer ended; the log says why")
        failed, value = unpack(told, trusted=True)
        if failed:
            raise error_of(unpack(value, trusted=True))
        return value

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Let a process end.

        Raises:
            BadInput: it takes more time or memory than it may.
            Unavailable: the stack is being closed.
        """
        until_s = time.monotonic() + self._limits.time_s
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
                return
            if self._closing.is_set():
                raise Unavailable("the server ends", fix="Ask again when it is back")
            if time.monotonic() > until_s:
                raise _too_much(f"it takes longer than {self._limits.time_s:g} s")
            if _memory_bytes(process.pid) > self._limits.memory_bytes:
                raise _too_much(f"it takes more than {self._limits.memory_bytes / (1 << 30):.3g} GB of memory")


@contextmanager
def _room() -> Iterator[None]:
    if not _ROOM.acquire(timeout=_WAIT_S):
        raise Unavailable(f"{_AT_ONCE} other questions are being answered", fix="Ask again in a moment")
    try:
        yield
    finally:
        _ROOM.release()


def _memory_bytes(pid: int) -> int:
    """What a process holds for itself; files that it has mapped are given back when others need the room."""
    try:
        held = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(held.rss - getattr(held, "shared", 0))


def _too_much(why: str) -> BadInput:
    return BadInput(
        f"this is too much for a request: {why}",
        fix="Ask for less, or ask where the stack is: stackcanvas data query, profile and compare have no limits",
    )

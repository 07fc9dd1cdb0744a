"""Calling a user's function: arguments read, output kept, time limited, errors told in the user's terms.

The same function does it in this process and in a worker process of the executor.
"""

from __future__ import annotations

import contextvars
import ctypes
import io
import os
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any, TextIO

from stackcanvas.errors import BadInput, Refused, StackCanvasError, Usage
from stackcanvas.metadata import CodeState, Recording, Ref, Spine, within
from stackcanvas.pipelines.bench import Bench
from stackcanvas.pipelines.context import Context
from stackcanvas.pipelines.definition import Definition
from stackcanvas.pipelines.encoding import encode
from stackcanvas.pipelines.frames import said, user_stack, user_traceback
from stackcanvas.pipelines.handles import Lazy, replace
from stackcanvas.pipelines.values import Stored

_LOG_CHARACTERS = 64 << 10
_GRACE_S = 1.0
_TIMED_OUT = 124


@dataclass(frozen=True, slots=True, eq=False)
class Kept(Lazy):
    """An argument that is the result of a step."""

    stored: Stored


@dataclass(frozen=True, slots=True, eq=False)
class Read(Lazy):
    """An argument that is a version of data.

    Args:
        stored: the rows, where they were kept when the run started.
    """

    ref: Ref
    columns: tuple[str, ...] | None
    stored: Stored | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at a step, as it is sent to whoever executes it.

    Args:
        node: the place in the run, with the item of a mapped step.
        call: the place in the graph, from which another process finds the function.
        definition: the step itself; None when it is sent to another process.
        digest: of the step's code.
        arguments: by parameter; `Kept` and `Read` stand where values are read.
        execution: the id of its record.
    """

    run: str
    pipeline: str
    parameters: Mapping[str, object]
    node: str
    call: str
    definition: Definition | None
    digest: str
    arguments: Mapping[str, object]
    seed: int
    execution: str
    trigger: str
    code: CodeState


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt.

    Args:
        kept: what it returned, with its parts; empty when it failed.
        error: the sentence of the error.
        frames: the user's part of the traceback.
        final: whether trying again cannot help.
        log: what it printed.
        links: what it used and made beside its inputs.
    """

    kept: tuple[Stored, ...] = ()
    error: str | None = None
    frames: str | None = None
    final: bool = False
    log: str | None = None
    links: tuple[tuple[str, Ref, str], ...] = ()


class StepTimedOut(StackCanvasError):
    """A step took longer than it may."""

    exit_code = 1

    def __init__(self, step: str, timeout_s: float, frames: str = "") -> None:
        self.frames = frames
        super().__init__(f"the step {step} took longer than {timeout_s:g} s")


def perform(bench: Bench, task: Task, echo: TextIO | None = None) -> Outcome:
    """Execute one attempt; what the user's code raises comes back in the outcome.

    Args:
        echo: what the step prints is passed on to here; None keeps it in the log only.
    """
    root = bench.definitions.root
    recording = _Gathering(bench.spine, task)
    log = _Log(echo)
    try:
        definition = _definition(bench, task)
        with ExitStack() as stack:
            stack.enter_context(within(recording))
            stack.enter_context(redirect_stdout(log))
            stack.enter_context(redirect_stderr(log))
            value = _limited(definition, lambda: _call(bench, task, definition), elsewhere=task.definition is None)
        kept = bench.values.keep(encode(value))
        bench.values.remember(kept[0], value)
    except StepTimedOut as error:
        return Outcome(error=error.sentence(), frames=error.frames or None, log=log.text(), links=recording.links())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the user's code raises fails its step
        final = isinstance(error, BadInput | Usage | Refused)
        frames = user_traceback(error, root=root)
        return Outcome(error=said(error), frames=frames, final=final, log=log.text(), links=recording.links())
    return Outcome(kept=tuple(kept), log=log.text(), links=recording.links())


def _definition(bench: Bench, task: Task) -> Definition:
    if task.definition is not None:
        return task.definition
    found = bench.definition(task.pipeline, task.parameters, task.call)
    bench.check_code(found, task.digest)
    return found


def _call(bench: Bench, task: Task, definition: Definition) -> Any:
    def read(leaf: Lazy) -> object:
        if isinstance(leaf, Kept):
            return bench.values.load(leaf.stored)
        return rows_of(bench, leaf) if isinstance(leaf, Read) else leaf

    arguments = {name: replace(given, read) for name, given in task.arguments.items()}
    if definition.context is None:
        return definition.call(arguments, None)
    run = bench.experiments.attach(task.run)
    context = Context(
        run=run, clock=bench.spine.clock, seed=task.seed, step=task.node, trigger=task.trigger, opened=bench.opened
    )
    try:
        return definition.call(arguments, context)
    finally:
        run.flush()


def rows_of(bench: Bench, given: Read) -> Any:
    """The rows that a declared input stands for."""
    if given.stored is None:
        return bench.source.read(given.ref, columns=given.columns)
    rows = bench.values.load(given.stored)
    return rows if given.columns is None else rows.select(given.columns)


def _limited(definition: Definition, work: Callable[[], Any], *, elsewhere: bool) -> Any:
    """Call within the step's time; a thread that does not stop is left behind, or ends with its worker process."""
    if definition.timeout_s is None:
        return work()
    box: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            box.append((True, work()))
        except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
            box.append((False, error))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    thread.join(definition.timeout_s)
    if thread.is_alive():
        frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the documented way to a thread's frames
        frames = user_stack(traceback.extract_stack(frame)) if frame is not None else ""
        # Python code notices the exception at its next line; code that waits in C does not.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_StopError))
        thread.join(_GRACE_S)
        if thread.is_alive() and elsewhere:
            os._exit(_TIMED_OUT)
        raise StepTimedOut(definition.name, definition.timeout_s, frames)
    done, value = box[0]
    if not done:
        raise value
    return value


class _StopError(BaseException):
    """Raised inside a step that took too long."""


class _Gathering(Recording):
    """Keeps what a step says that it used and made, for the process that writes the record."""

    def __init__(self, spine: Spine, task: Task) -> None:
        super().__init__(spine.executions, task.execution, trigger=task.trigger, code=task.code)
        self._gathered: list[tuple[str, Ref, str]] = []

    def used(self, ref: Ref, role: str = "") -> None:
        """It read this."""
        self._gathered.append(("used", ref, role))

    def made(self, ref: Ref, role: str = "") -> None:
        """It produced this."""
        self._gathered.append(("made", ref, role))

    def links(self) -> tuple[tuple[str, Ref, str], ...]:
        """What was said, in order."""
        return tuple(self._gathered)


class _Log(io.TextIOBase):
    """What a step prints: the end of it is kept, all of it passed on."""

    def __init__(self, echo: TextIO | None) -> None:
        self._echo = echo
        self._chunks: deque[str] = deque()
        self._size = 0

    def write(self, text: str, /) -> int:
        """Keep and pass on."""
        self._chunks.append(text)
        self._size += len(text)
        while self._size - len(self._chunks[0]) > _LOG_CHARACTERS:
            self._size -= len(self._chunks.popleft())
        if self._echo is not None:
            self._echo.write(text)
        return len(text)

    def flush(self) -> None:
        """Pass on what the other side holds back."""
        if self._echo is not None:
            self._echo.flush()

    def text(self) -> str | None:
        """The end of what was printed, None when that was nothing."""
        if not self._chunks:
            return None
        return "".join(self._chunks)

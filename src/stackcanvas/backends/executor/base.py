"""The port of the executor: run a named function somewhere, get a future."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from stackcanvas.errors import StackCanvasError


class Executor(Protocol):
    """Runs functions that are named by `module:qualname`, so that any process that can import them can run them.

    What every adapter promises:

    - The future gives what the function returned. Arguments and result must be picklable; an executor that runs in
      this process passes the objects themselves.
    - What the function raises comes back: one of our own errors as itself, anything else as `TaskFailed` with the
      traceback of the user's frames as text. A function that cannot be found is `BadInput`.
    - A worker that is killed fails only the task that it ran, with `Unavailable`; the next task finds a new worker.
    - Nothing is run twice by the executor itself, and nothing is ordered: tasks may start and end in any order.
    - `Future.cancel` removes a task that has not started; one that runs is not stopped by it.
    - Thread safe. When the process that opened it ends in any way, kill -9 too, its workers end as well.
    """

    url: str

    def submit(self, function: str, /, *args: object) -> Future[object]:
        """Run `module:qualname` with the arguments; `BadInput` when they cannot be sent, `Unavailable` after close."""
        ...

    def close(self) -> None:
        """Cancel what has not started, stop what runs, end the workers; a second time is fine."""
        ...


class TaskFailed(StackCanvasError):
    """The function itself raised.

    Args:
        function: its `module:qualname`.
        kind: the class of what it raised, such as `ValueError` or `sqlite3.OperationalError`.
        said: the message of what it raised.
        traceback: the traceback as text, beginning with the function's own frame.

    Example:
        >>> print(TaskFailed("steps:fit", kind="ValueError", said="no rows", traceback="..."))
        'steps:fit' raised ValueError: no rows.
    """

    exit_code = 1

    def __init__(self, function: str, *, kind: str, said: str, traceback: str) -> None:
        self.function = function
        self.kind = kind
        self.said = said
        self.traceback = traceback
        super().__init__(f"{function!r} raised {kind}{': ' if said else ''}{said}".rstrip("."))

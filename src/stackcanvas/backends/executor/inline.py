"""Work in this process, one task at a time, done before `submit` returns."""

from __future__ import annotations

from concurrent.futures import Future

from stackcanvas.backends.executor.call import call, check_name
from stackcanvas.errors import StackCanvasError, Unavailable


class InlineExecutor:
    """Runs each task at once, in the caller's thread.

    Example:
        >>> InlineExecutor().submit("operator:add", 1, 2).result()
        3
    """

    url = "inline:"

    def __init__(self) -> None:
        self._closed = False

    def submit(self, function: str, /, *args: object) -> Future[object]:
        """Run the function now."""
        check_name(function)
        if self._closed:
            raise Unavailable("the executor is closed")
        future: Future[object] = Future()
        future.set_running_or_notify_cancel()
        try:
            result = call(function, args)
        except StackCanvasError as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        return future

    def close(self) -> None:
        """Take no more tasks."""
        self._closed = True

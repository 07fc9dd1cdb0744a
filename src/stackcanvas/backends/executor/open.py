"""From a URL to an executor."""

from __future__ import annotations

from collections.abc import Callable

from stackcanvas.backends.executor.base import Executor
from stackcanvas.backends.executor.inline import InlineExecutor
from stackcanvas.backends.executor.processes import ProcessExecutor
from stackcanvas.errors import BadInput


def open_executor(url: str) -> Executor:
    """The executor of a URL: `inline:`, `processes:` (one a core) or `processes:4`.

    Raises:
        BadInput: no executor has this scheme, or the number of processes is none.

    Example:
        >>> open_executor("inline:").submit("math:sqrt", 9).result()
        3.0
    """
    scheme, separator, rest = url.partition(":")
    if not separator or scheme not in _SCHEMES:
        known = ", ".join(f"{name}:" for name in _SCHEMES)
        raise BadInput(f"the executor {url!r} has an unknown scheme", expected=f"one of {known}")
    return _SCHEMES[scheme](rest)


def _inline(rest: str) -> Executor:
    if rest:
        raise BadInput(f"the executor 'inline:{rest}' takes nothing after the colon", expected="inline:")
    return InlineExecutor()


def _processes(rest: str) -> Executor:
    if not rest:
        return ProcessExecutor()
    if not rest.isdecimal() or not 1 <= int(rest) <= 1024:
        raise BadInput(f"{rest!r} is no number of processes", expected="processes: or processes:4")
    return ProcessExecutor(int(rest))


_SCHEMES: dict[str, Callable[[str], Executor]] = {"inline": _inline, "processes": _processes}

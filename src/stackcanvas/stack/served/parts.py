"""Parts of a served stack that need nothing of this machine: every method is asked of the server."""

from __future__ import annotations

from functools import partial
from typing import Any

from stackcanvas.errors import Refused
from stackcanvas.stack.served.allowed import call, parts_below
from stackcanvas.stack.served.link import Link


class Part:
    """A part of the server's stack, with the methods that may be called from afar.

    Args:
        link: to the server.
        name: of the part, such as `registry.changes`.
    """

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if call(self._name, name) is not None:
            return partial(self._link.call, self._name, name)
        below = f"{self._name}.{name}"
        if call(self._name, name) is None and (below in parts_below(self._name)):
            return Part(self._link, below)
        raise refused(below, self._link)


def asked(part: str, method: str) -> Any:
    """A method that asks the server, for a class that has a `_link`."""

    def ask(self: Any, *args: Any, **named: Any) -> Any:
        # What tells of progress counts on this machine only.
        return self._link.call(part, method, *args, **{key: one for key, one in named.items() if not callable(one)})

    return ask


def refused(what: str, link: Link, *, fix: str = "Run it there, in the folder of the project") -> Refused:
    """The error for what makes no sense from afar."""
    return Refused(f"{what} does not work on a stack of another machine", where=str(link.address), fix=fix)

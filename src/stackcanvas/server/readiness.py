"""Whether the control server can do its work now: does the database answer, does the object store."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

from stackcanvas.errors import StackCanvasError

if TYPE_CHECKING:
    from stackcanvas.stack import Stack

_log = logging.getLogger("stackcanvas.control")
_HOLDS_S = 1.0
_PATIENCE_S = 3.0
_SILENT = "it does not answer"


class Readiness:
    """Asks the parts that the server cannot work without.

    Each part is asked by one thread at a time, however many want to know: a part that hangs holds up that thread and
    nobody else. What is told names the part and no address, because everybody may ask; the log has the rest.

    Args:
        parts: what to call for each part; it raises when the part cannot be used.
        patience_s: a part that takes longer does not answer.
        holds_s: for how long an answer is given again.
    """

    def __init__(
        self, parts: Mapping[str, Callable[[], object]], *, patience_s: float = _PATIENCE_S, holds_s: float = _HOLDS_S
    ) -> None:
        self._parts = parts
        self._patience_s = patience_s
        self._holds_s = holds_s
        self._asking: dict[str, Future[str | None]] = {}
        self._said: dict[str, set[str]] = {name: set() for name in parts}
        self._known: tuple[float, dict[str, str | None]] | None = None
        self._turn = asyncio.Lock()

    async def look(self) -> dict[str, str | None]:
        """What is wrong with each part in a few words, None for those that answer."""
        async with self._turn:
            if self._known is None or time.monotonic() - self._known[0] > self._holds_s:
                found = dict(zip(self._parts, await asyncio.gather(*map(self._ask, self._parts)), strict=True))
                self._known = time.monotonic(), found
            return self._known[1]

    async def _ask(self, name: str) -> str | None:
        asking = self._asking.get(name)
        if asking is None or asking.done():
            asking = self._asking[name] = Future()
            # Not a pool: its threads would be waited for at the end of the process, and this one may hang.
            threading.Thread(target=self._try, args=(name, asking), name=f"ready {name}", daemon=True).start()
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(asking)), self._patience_s)
        except TimeoutError:
            self._note(name, _SILENT)
            return _SILENT

    def _try(self, name: str, asking: Future[str | None]) -> None:
        try:
            self._parts[name]()
        except StackCanvasError as error:
            self._note(name, error.sentence())
        except Exception as error:  # noqa: BLE001 - whatever it is, the part cannot be used, and the page says so
            self._note(name, f"{type(error).__name__}: {error}")
        else:
            self._note(name, None)
            asking.set_result(None)
            return
        asking.set_result("it cannot be used")

    def _note(self, name: str, said: str | None) -> None:
        """Log what is new: each fault is said once until the part answers again."""
        known = self._said[name]
        if said is None and known:
            _log.info("the %s answers again", name)
            known.clear()
        elif said is not None and said not in known:
            _log.warning("not ready, the %s: %s", name, said)
            known.add(said)


def parts_of(stack: Stack) -> Mapping[str, Callable[[], object]]:
    """What a control server needs of a stack."""
    return {
        "database": stack.spine.events.head,
        # Any key does: an answer is wanted, not an object.
        "object store": lambda: stack.objects.size("health/ready"),
    }

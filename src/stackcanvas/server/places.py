"""The stacks that a server has open: the project's own, and those of its workspaces that were asked for last."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from stackcanvas.errors import NotFound, Unavailable
from stackcanvas.server.feed import Feed
from stackcanvas.server.keys import Keys
from stackcanvas.stack import Stack

T = TypeVar("T")

_log = logging.getLogger("stackcanvas.control")
_MOST = 64
_OPENERS = 4
_LOOK_S = 2.0
_TRIES = 5


class Place:
    """A stack that requests are answered from.

    Args:
        stack: open.
        mark: what differs once the workspace is another one, or its canvas.
    """

    def __init__(self, stack: Stack, mark: tuple[int, ...] = ()) -> None:
        self.stack = stack
        self.keys = Keys(stack.tokens)
        self.feed = Feed(after=stack.spine.events.after, head=stack.spine.events.head)
        self.mark = mark
        self.looked = (time.monotonic(), 0)
        self.users = 0
        self.retired = False
        self._watching: asyncio.Task[None] | None = None

    def watch(self) -> Feed:
        """The feed of the events, watched from now on; only for who listens in the loop of the server."""
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self.feed.run())
        return self.feed

    def close(self) -> None:
        """End the streams and close the stack; may be called in any thread."""
        if self._watching is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and all who listened with it
                self._watching.get_loop().call_soon_threadsafe(self.feed.close)
        self.stack.close()


class Places:
    """Gives the stack of each request; opens workspaces when they are asked for, and closes those asked for least.

    Args:
        project: the project's own stack; the caller closes it.
        most: how many workspaces are open at once.
    """

    def __init__(self, project: Stack, *, most: int = _MOST) -> None:
        self.project = Place(project)
        self.workspaces = project.workspaces
        self._most = most
        self._open: OrderedDict[str, Place] = OrderedDict()
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}
        self._pool = ThreadPoolExecutor(_OPENERS, thread_name_prefix="workspaces")

    @contextlib.asynccontextmanager
    async def using(self, name: str | None, *, make: bool) -> AsyncIterator[Place | None]:
        """The place of a workspace for the time of a request, or the project's own; None where there is none.

        Args:
            make: make the workspace when it is missing.

        Raises:
            Unavailable: too many workspaces are in use at once.
            StackCanvasError: it cannot be opened.
        """
        if name is None:
            yield self.project
            return
        place = None
        for _ in range(_TRIES):
            place = await self._taken(name)
            if place is not None or not await self._in_thread(lambda: self._enter(name, make=make)):
                break
        if place is None:
            yield None
            return
        try:
            yield place
        finally:
            self._leave(place)

    def knows(self, name: str | None, text: str) -> bool:
        """Whether a text was a token of a place, or of the project, a moment ago."""
        place = None if name is None else self._open.get(name)
        return self.project.keys.knows(text) or (place is not None and place.keys.knows(text))

    def close_streams(self) -> None:
        """End every stream of events; listeners come back to whoever answers then."""
        with self._lock:
            places = [self.project, *self._open.values()]
        for place in places:
            place.feed.close()

    def close(self) -> None:
        """Close what was opened here."""
        with self._lock:
            places, self._open = list(self._open.values()), OrderedDict()
        for place in places:
            _close(place)
        self._pool.shutdown()

    async def _taken(self, name: str) -> Place | None:
        """The open place of a workspace, held for a request; None when it is not open, or not the same any more."""
        with self._lock:
            place = self._open.get(name)
            if place is None:
                return None
            place.users += 1
            self._open.move_to_end(name)
        try:
            if await self._is_same(place, name):
                return place
        except BaseException:
            self._leave(place)
            raise
        with self._lock:
            place.retired = True
            if self._open.get(name) is place:
                del self._open[name]
        self._leave(place)
        return None

    async def _is_same(self, place: Place, name: str) -> bool:
        if self.workspaces.are_files:
            return tuple(self.workspaces.mark(name)) == place.mark
        looked = time.monotonic(), self.workspaces.removals
        if looked[0] - place.looked[0] < _LOOK_S and looked[1] == place.looked[1]:
            return True
        same = tuple(await self._in_thread(lambda: self.workspaces.mark(name))) == place.mark
        place.looked = looked
        return same

    def _leave(self, place: Place) -> None:
        with self._lock:
            place.users -= 1
            done = place.retired and place.users == 0
        if done:
            self._pool.submit(_close, place)

    def _enter(self, name: str, *, make: bool) -> bool:
        """Open a workspace; False when there is none."""
        with self._lock:
            turn = self._opening.setdefault(name, threading.Lock())
        with turn:
            with self._lock:
                if name in self._open:
                    return True
                self._make_room()
            try:
                place = self._opened(name, make=make)
            finally:
                with self._lock:
                    self._opening.pop(name, None)
            if place is None:
                return False
            with self._lock:
                if self._open.setdefault(name, place) is not place:
                    self._pool.submit(_close, place)  # who came after the lock was given up was quicker
        return True

    def _opened(self, name: str, *, make: bool) -> Place | None:
        mark = self.workspaces.mark(name)
        if not mark:
            if not make:
                return None
            self.workspaces.make(name)
            mark = self.workspaces.mark(name)
        try:
            return Place(self.workspaces.open(name), mark)
        except NotFound:
            return None  # removed meanwhile

    def _make_room(self) -> None:
        while len(self._open) >= self._most:
            idle = next((name for name, place in self._open.items() if place.users == 0), None)
            if idle is None:
                raise Unavailable(f"all {self._most} workspaces that may be open at once are in use", fix="Try again")
            self._pool.submit(_close, self._open.pop(idle))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)


def _close(place: Place) -> None:
    try:
        place.close()
    except Exception:  # noqa: BLE001 - nobody waits for it who could be told
        _log.exception("the workspace %s did not close well", place.stack.workspace)

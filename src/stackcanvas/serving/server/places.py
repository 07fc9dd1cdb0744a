"""The folders that a process serves: the project's, and at `/w/NAME` those of its workspaces that have something."""

from __future__ import annotations

import asyncio
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from stackcanvas.clock import Clock
from stackcanvas.errors import NotFound, StackCanvasError
from stackcanvas.serving.server.features import FILE as FEATURES
from stackcanvas.serving.server.gate import Gate
from stackcanvas.serving.server.http import Answer, Receive, Scope, Send, answer_error, send_answer
from stackcanvas.serving.server.place import Place
from stackcanvas.serving.server.talk import say

_BEFORE = b"/w/"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
_LOOK_S = 0.5
_DOCUMENTS = ("routes.json", FEATURES)


class Places:
    """The ASGI application of the process: finds whose request it is.

    Args:
        project: serves the project's own folder.
        workspaces: the folder of the workspaces.
        make: makes what serves a workspace, given its folder and name.
        gate: of the project; None asks nobody.
        clock: what time it is, for tokens that expire.
    """

    def __init__(
        self,
        project: Place,
        workspaces: Path,
        *,
        make: Callable[[Path, str], Place],
        gate: Gate | None,
        clock: Clock,
    ) -> None:
        self._project = project
        self._folder = workspaces
        self._make = make
        self._nobody = None if gate is None else Gate(workspaces / ".nobody", clock=clock, above=gate)
        self._open: dict[str, tuple[tuple[int, int], Place]] = {}
        self._told: set[str] = set()
        self._watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the prefix is compared as it was sent, so that it cannot come in disguise."""
        raw: bytes = scope.get("raw_path", b"")
        if scope["type"] != "http" or not raw.startswith(_BEFORE):
            await self._project.app(scope, receive, send)
            return
        sent, _, rest = raw.removeprefix(_BEFORE).partition(b"/")
        name = sent.decode("latin-1")
        found = self._open.get(name)
        if found is not None:
            await found[1].app({**scope, "raw_path": b"/" + rest}, receive, send)
        else:
            await send_answer(send, self._is_none(name, scope))

    def start(self) -> None:
        """Serve the project and what workspaces there are, and watch for others; inside the event loop."""
        self._project.start()
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def rest(self) -> None:
        """Watch nothing any more."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for served in self._all():
            await served.rest()

    def close(self) -> None:
        """Let go of everything; no model runs any more."""
        for served in self._all():
            served.close()

    def _all(self) -> list[Place]:
        return [self._project, *(served for _, served in self._open.values())]

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:  # noqa: BLE001 - what is served stays; the next look is a new chance
                traceback.print_exc(file=sys.stderr)
            await asyncio.sleep(_LOOK_S)

    async def _look(self) -> None:
        """Serve workspaces that have something by now, and leave those that are gone or others by their name."""
        there = self._there()
        for name, (mark, served) in list(self._open.items()):
            if there.get(name) != mark:
                del self._open[name]
                await served.rest()
                await asyncio.to_thread(served.close)
        for name, mark in there.items():
            if name not in self._open:
                self._serve(name, mark)
        self._told &= there.keys()

    def _serve(self, name: str, mark: tuple[int, int]) -> None:
        try:
            served = self._make(self._folder / name, name)
            served.start()
        except Exception as error:  # noqa: BLE001 - the others go on; the next look tries again
            if name not in self._told:
                self._told.add(name)
                say(f"workspace {name}: it cannot be served: {error}")
            return
        self._told.discard(name)
        self._open[name] = mark, served

    def _there(self) -> dict[str, tuple[int, int]]:
        found = {}
        for folder in self._folder.glob("*"):
            if _NAME.fullmatch(folder.name) and any((folder / "serving" / one).exists() for one in _DOCUMENTS):
                known = folder.stat()
                found[folder.name] = (known.st_dev, known.st_ino)
        return found

    def _is_none(self, name: str, scope: Scope) -> Answer:
        """Who may not enter is not told which workspaces there are."""
        try:
            if self._nobody is not None:
                self._nobody.admit([name], dict(scope["headers"]), (scope.get("client") or ("",))[0])
        except StackCanvasError as error:
            return answer_error(error)
        fix = "Deploy a model there: stackcanvas --workspace NAME deploy MODEL"
        return answer_error(NotFound("workspace that has models or features", name[:60], fix=fix))

"""The server from its first line to its last: bind, serve, watch the routes, drain."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sized
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from stackcanvas.clock import Clock, SystemClock
from stackcanvas.errors import NotFound
from stackcanvas.serving.server.files import replace
from stackcanvas.serving.server.gate import Gate
from stackcanvas.serving.server.patience import Patient
from stackcanvas.serving.server.place import Means, Place
from stackcanvas.serving.server.places import Places
from stackcanvas.serving.server.talk import say

_DRAIN_S = 10
_BACKLOG = 2048
_POOLS = (("model", 2), ("shadow", 1), ("routes", 1), ("features", 4))
_SWITCH_S = 0.0002
"""How long the log's thread may keep the event loop waiting; the usual 5 ms would be seen in every latency."""


def serve(
    folder: Path,
    listening: socket.socket,
    *,
    replay: bool = False,
    version: str = "0",
    clock: Clock | None = None,
    gate: Gate | None = None,
    tls: tuple[Path, Path] | None = None,
) -> None:
    """Serve a folder until SIGTERM or SIGINT; requests that are under way are answered first.

    Args:
        folder: the project's `.stackcanvas`; its routes and bundles are read, its prediction log is written.
        listening: the socket to answer at; its address stands in `run/predict.json`.
        replay: take the time of each request from the request.
        version: of the package, told to clients.
        clock: tells the time of requests that bring none.
        gate: lets those in who have a token; None asks nobody.
        tls: the files of the certificate chain and its key; None for plain HTTP.

    Raises:
        NotFound: the folder does not exist.
    """
    if not folder.is_dir():
        raise NotFound("folder", str(folder))
    listening.setblocking(False)
    sys.setswitchinterval(_SWITCH_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        process = _Process(
            folder, listening, replay=replay, version=version, clock=clock or SystemClock(), gate=gate, tls=tls
        )
        runner.run(process.run())


class _Process:
    """Everything that lives as long as the process."""

    def __init__(
        self,
        folder: Path,
        listening: socket.socket,
        *,
        replay: bool,
        version: str,
        clock: Clock,
        gate: Gate | None,
        tls: tuple[Path, Path] | None,
    ) -> None:
        self._folder = folder
        self._tls = tls
        self._listening = listening
        self._clock = clock
        self._pools: list[Executor] = []
        rng = random.Random()  # noqa: S311 - shares of traffic, not a secret

        def means() -> Means:
            # What is slow in a workspace must not be in the way of the project.
            pools = [ThreadPoolExecutor(count, thread_name_prefix=name) for name, count in _POOLS]
            self._pools += pools
            return Means(clock, rng, replay, version, self._alone, *pools)

        shared = means()

        def workspace(inside: Path, name: str) -> Place:
            own = None if gate is None else Gate(inside / "serving", clock=clock, above=gate)
            return Place(inside, shared, gate=own, workspace=name)

        project = Place(folder, means(), gate=gate)
        self._places = Places(project, folder / "workspaces", make=workspace, gate=gate, clock=clock)
        self._under_way: Sized = ()

    async def run(self) -> None:
        """Serve until told to stop."""
        server = _Server(self._config(), started=self._announce)
        self._under_way = server.server_state.tasks
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        self._places.start()
        try:
            await server.serve(sockets=[self._listening])
        finally:
            await self._places.rest()
            for pool in self._pools:
                pool.shutdown(wait=True)
            self._places.close()
            self._address().unlink(missing_ok=True)

    def _alone(self) -> bool:
        return len(self._under_way) == 1

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._places,
            loop="none",
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_DRAIN_S,
            ssl_certfile=self._tls[0] if self._tls else None,
            ssl_keyfile=self._tls[1] if self._tls else None,
        )

    def _address(self) -> Path:
        return self._folder / "run" / "predict.json"

    def _announce(self) -> None:
        host, port = self._listening.getsockname()[:2]
        told = {"host": host, "port": port, "pid": os.getpid(), "started": self._clock.now().isoformat()}
        replace(self._address(), json.dumps({**told, "tls": self._tls is not None}).encode())
        say(f"listening at {'https' if self._tls else 'http'}://{host}:{port}")


class _Server(uvicorn.Server):
    """Leaves signals to us and tells when it listens."""

    def __init__(self, config: uvicorn.Config, *, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = started

    def stop(self) -> None:
        """Take no more connections, answer what is under way, end."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets=sockets)
        self._when_started()


class _Protocol(Patient):
    """What is not even HTTP is answered in the same shape as every other error."""

    def send_400_response(self, msg: str) -> None:
        """Answer and close."""
        body = json.dumps({"error": msg}).encode()
        head: Any = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()

"""The server from its first line to its last: bind, serve, watch the routes, drain."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stackcanvas.clock import Clock, SystemClock
from stackcanvas.errors import Corrupt, NotFound, StackCanvasError
from stackcanvas.ids import Ids
from stackcanvas.serving.server.app import App
from stackcanvas.serving.server.bundle import Bundle
from stackcanvas.serving.server.documents import EndpointSpec, VariantSpec
from stackcanvas.serving.server.fallback import make_fallback
from stackcanvas.serving.server.feast import Feast
from stackcanvas.serving.server.features import FeatureStore
from stackcanvas.serving.server.files import replace
from stackcanvas.serving.server.gate import Gate
from stackcanvas.serving.server.log import PredictionLog
from stackcanvas.serving.server.logplan import LogPlan
from stackcanvas.serving.server.lookup import Lookup, LookupSpec
from stackcanvas.serving.server.metrics import Metrics
from stackcanvas.serving.server.predictor import Predictor
from stackcanvas.serving.server.routes import Routes
from stackcanvas.serving.server.signature import NUMPY_TYPES
from stackcanvas.serving.server.talk import say
from stackcanvas.serving.server.variant import Variant

_WATCH_S = 0.1
_RETRY_S = 5.0
_DRAIN_S = 10
_BACKLOG = 2048
_BLANKS = {"f": None, "O": "", "b": False, "i": 0, "u": 0}
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
        self._gate = gate
        self._tls = tls
        self._listening = listening
        self._clock = clock
        self._metrics = Metrics()
        self._metrics.started.set(clock.now().timestamp())
        self._models = ThreadPoolExecutor(2, thread_name_prefix="model")
        self._shadows = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._loads = ThreadPoolExecutor(1, thread_name_prefix="routes")
        self._reads = ThreadPoolExecutor(4, thread_name_prefix="features")
        rng = random.Random()  # noqa: S311 - shares of traffic, not a secret
        self._log = PredictionLog(
            folder / "predictions" / "segments", process=Ids(clock.now).new(), metrics=self._metrics, rng=rng
        )
        self._features = FeatureStore(folder / "serving", metrics=self._metrics, pool=self._reads)
        self._routes = Routes(folder / "serving", make=self._variants, clock=clock)
        predictor = Predictor(
            self._routes, metrics=self._metrics, clock=clock, rng=rng, shadow_pool=self._shadows, replay=replay
        )
        feast = Feast(self._features, folder, clock=clock)
        self._app = App(predictor, metrics=self._metrics, reload=self._reload, feast=feast, version=version, gate=gate)
        self._reloading = asyncio.Lock()
        self._under_way: Sized = ()

    async def run(self) -> None:
        """Serve until told to stop."""
        self._log.start()
        server = _Server(self._config(), started=self._announce)
        self._under_way = server.server_state.tasks
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        watching = asyncio.create_task(self._watch())
        try:
            await server.serve(sockets=[self._listening])
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            for pool in (self._models, self._shadows, self._loads, self._reads):
                pool.shutdown(wait=True)
            self._log.stop()
            self._features.close()
            self._address().unlink(missing_ok=True)

    def _alone(self) -> bool:
        return len(self._under_way) == 1

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._app,
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

    async def _watch(self) -> None:
        """Take each new route document into service; try again from time to time what could not be loaded."""
        waited_s = 0.0
        while True:
            if self._gate is not None:
                self._gate.refresh()
            if self._features.changed():
                await self._load_features()
            failing = bool(self._routes.table.failures) and waited_s >= _RETRY_S
            if failing or self._routes.changed():
                waited_s = 0.0
                try:
                    await self._reload()
                except Exception:  # noqa: BLE001 - what is served stays; the next document is a new chance
                    traceback.print_exc(file=sys.stderr)
                    await asyncio.sleep(1)
            await asyncio.sleep(_WATCH_S)
            waited_s += _WATCH_S

    async def _load_features(self) -> None:
        """Take a new document of features into service; one that cannot be read leaves the last one."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._loads, self._features.load)
        except StackCanvasError as error:
            say(f"features: {error.sentence()}")
        except Exception:  # noqa: BLE001 - predictions that bring their features need none of this
            traceback.print_exc(file=sys.stderr)

    async def _reload(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._reloading:
            before = self._routes.table
            table = await loop.run_in_executor(self._loads, self._routes.load)
            first = not self._routes.loaded
            self._routes.put_in_service(table)
            self._metrics.revision.set(table.revision)
            self._metrics.failing.set(len(table.failures))
            if table != before or first:
                self._metrics.swaps.add()
                for name, reason in table.failures.items():
                    if before.failures.get(name) != reason:
                        say(f"{name or 'routes.json'}: {reason}")
                await loop.run_in_executor(self._loads, self._routes.keep, table)
            if first:
                gc.freeze()  # what was loaded at the start lives as long as the process

    def _variants(
        self, name: str, spec: EndpointSpec, load: Callable[[str], Bundle]
    ) -> tuple[list[Variant], list[Variant]]:
        return (
            [self._variant(name, spec, one, load, shadow=False) for one in spec.variants],
            [self._variant(name, spec, one, load, shadow=True) for one in spec.shadow],
        )

    def _variant(
        self, name: str, spec: EndpointSpec, one: VariantSpec, load: Callable[[str], Bundle], *, shadow: bool
    ) -> Variant:
        bundle = load(one.bundle)
        where = f"endpoint {name!r}, variant {one.name!r}"
        return Variant(
            name,
            one,
            bundle,
            fallback=make_fallback(spec.fallback, bundle.signature, load, where=where),
            plan=LogPlan(name, bundle.signature, spec.log),
            log=self._log,
            metrics=self._metrics,
            pool=self._models,
            alone=self._alone,
            where=where,
            shadow=shadow,
            lookup=self._lookup(name, bundle, where),
        )

    def _lookup(self, name: str, bundle: Bundle, where: str) -> Lookup | None:
        if bundle.spec.lookup is None:
            return None
        try:
            spec = msgspec.convert(bundle.spec.lookup, LookupSpec)
        except msgspec.ValidationError as error:
            raise Corrupt(f"its look-up cannot be read: {error}", where=where) from None
        blanks = {column.name: _BLANKS[NUMPY_TYPES[column.dtype].kind] for column in bundle.signature.columns.values()}
        return Lookup(spec, self._features, blanks=blanks, endpoint=name, metrics=self._metrics)


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


class _Protocol(HttpToolsProtocol):
    """What is not even HTTP is answered in the same shape as every other error."""

    def send_400_response(self, msg: str) -> None:
        """Answer and close."""
        body = json.dumps({"error": msg}).encode()
        head: Any = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()

"""The control server: REST, pages and the event stream of one project."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.telemetry import TelemetryConfig

from stackcanvas.cli.faults import to_exit_code
from stackcanvas.errors import NotFound, Unavailable
from stackcanvas.metadata.tokens import ADMIN
from stackcanvas.rest.answers import gives
from stackcanvas.rest.api import routes
from stackcanvas.rest.errors import DEFINED, install_errors
from stackcanvas.rest.events import LARGEST
from stackcanvas.rest.mlflow.api import Api
from stackcanvas.rest.mlflow.artifacts import ROOTS
from stackcanvas.rest.mlflow.every import table
from stackcanvas.server.access import Access
from stackcanvas.server.child import leave_with_parent, listen, log_to_stderr
from stackcanvas.server.door import OPEN, Door, add_door_options, door_of
from stackcanvas.server.guard import Guard
from stackcanvas.server.metrics import Metrics, Observer
from stackcanvas.server.places import Place, Places
from stackcanvas.server.prefix import Prefix
from stackcanvas.server.pulse import Pulse
from stackcanvas.server.readiness import Readiness, parts_of
from stackcanvas.server.said import Said
from stackcanvas.serving.server.patience import Patient
from stackcanvas.stack import Stack, find_root, open  # noqa: A004 - the verb of the package
from stackcanvas.stack.running import announce, withdraw
from stackcanvas.stack.served.link import REMOTE
from stackcanvas.ui.site import pages

_log = logging.getLogger("stackcanvas.control")
_LAST_BEAT_S = 2.0
_NEW_OBJECTS = 20_000
# `Observer` counts; what is not sent anywhere need not be asked for at every request.
_UNASKED: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def make_app(
    stack: Stack,
    *,
    door: Door = OPEN,
    on_ready: Callable[[], None] | None = None,
    parts: Mapping[str, Callable[[], object]] | None = None,
) -> FastAPI:
    """The application over an open stack.

    Args:
        stack: what it shows; the caller closes it.
        door: how it is reached.
        on_ready: called when requests are about to be answered.
        parts: what must work beside database and object store for the server to be ready; each raises when it does not.
    """
    places = Places(stack)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if on_ready is not None:
            on_ready()
        yield
        await run_in_threadpool(places.close)

    app = FastAPI(lifespan=lifespan, openapi_url=None, telemetry=_UNASKED)
    app.state.places = places
    metrics = Metrics(started=stack.spine.clock.now())
    app.add_middleware(Api, table=table())  # innermost, before the routes: its paths are called most
    app.add_middleware(Observer, metrics=metrics)
    secure = door.certificate is not None
    app.add_middleware(Access, places=places, required=door.tokens, secure=secure, requests_per_s=door.requests_per_s)
    # What it refuses is seen by nothing else.
    app.add_middleware(Guard, streamed=(*ROOTS, f"{REMOTE}/objects/"), hosts=None if door.tokens else ())
    app.add_middleware(Prefix, project=stack.canvas.project.name)
    install_errors(app)
    _add_own_routes(app, metrics, Readiness({**parts_of(stack), **(parts or {})}))
    app.mount("/", _routes())
    return app


@functools.cache
def _routes() -> FastAPI:
    """What answers from the stack that each request brings: built once, whatever stacks there are."""
    # The documentation pages of FastAPI load scripts from elsewhere; the schema itself is there.
    app = FastAPI(
        title="stackcanvas",
        version=version_of("stackcanvas"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        telemetry=_UNASKED,
        responses=DEFINED,
        routes=routes(),
    )
    install_errors(app)

    @app.get("/api/v1/events/stream", tags=["events"], **gives("text/event-stream"))
    async def stream(
        request: Request,
        after: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
        last_event_id: Annotated[int | None, Header(ge=0, le=LARGEST)] = None,
    ) -> StreamingResponse:
        """The events from a number on as server-sent events, and every new one as it happens."""
        place: Place = request.scope["place"]
        begin = last_event_id if last_event_id is not None else after
        headers = {"cache-control": "no-store"}
        return StreamingResponse(place.watch().stream(begin), media_type="text/event-stream", headers=headers)

    app.mount("/", pages())
    return app


def _add_own_routes(app: FastAPI, metrics: Metrics, readiness: Readiness) -> None:
    # What tells that the process lives must not wait for a thread: all may wait for a database that is frozen.
    @app.head("/health", include_in_schema=False)
    @app.get("/health")
    async def health() -> Response:
        return PlainTextResponse("OK")

    @app.head("/health/ready", include_in_schema=False)
    @app.get("/health/ready")
    async def ready() -> Response:
        found = await readiness.look()
        away = [f"{name}: {said}" for name, said in found.items() if said]
        told = {"ready": not away, "parts": {name: said or "ok" for name, said in found.items()}}
        error = {"error": f"Not ready; {', '.join(away)}."} if away else {}
        return JSONResponse(told | error, status_code=503 if away else 200, headers={"cache-control": "no-store"})

    @app.head("/version", include_in_schema=False)
    @app.get("/version")
    async def version() -> Response:
        return PlainTextResponse(version_of("stackcanvas"))

    @app.get("/metrics")
    async def show_metrics(request: Request) -> Response:
        if request.scope.get("workspace") is not None:
            raise NotFound("path", "/metrics", fix="The figures are those of the whole server: ask for /metrics")
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")


class _Server(uvicorn.Server):
    """Ends the event streams when it is told to stop; else it would wait for their listeners."""

    def __init__(self, config: uvicorn.Config, *, places: Places) -> None:
        super().__init__(config)
        self._places = places

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGTERM and SIGINT, and end with exit code 0 after it."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            self.should_exit = True
            self._places.close_streams()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        yield


def serve(stack: Stack, taken: socket.socket, *, started: datetime, door: Door) -> None:
    """Answer requests on a listening socket until a signal says stop."""
    host, port = taken.getsockname()[:2]
    tls = door.certificate is not None

    def ready() -> None:
        # What is loaded by now stays: the collector need not walk through it whenever an answer is large. And a large
        # answer is no garbage: with the default of 700 new objects, a quarter of a search went into looking for some.
        gc.freeze()
        gc.set_threshold(_NEW_OBJECTS, 20, 20)
        announce(stack.folder, "control", started=started, host=host, port=port, tls=tls)

    stop = threading.Event()
    address = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    said = Said(_log)
    pulse = Pulse(stack, "control", said=said, facts=lambda: {"url": address})
    beating = threading.Thread(target=pulse.run, args=(stop,), name="pulse", daemon=True)

    def write() -> None:
        # A full disk can be read: only what is written shows it, and the heartbeat is written all the time.
        if said.failing():
            raise Unavailable("the heartbeat of this process cannot be written")

    app = make_app(stack, door=door, on_ready=ready, parts={"writes": write})
    config = uvicorn.Config(
        app,
        http=Patient,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # no proxy stands before it: what a client says of itself is not believed
        timeout_graceful_shutdown=5,
        ssl_certfile=door.certificate,
        ssl_keyfile=door.key,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
    )
    beating.start()
    try:
        _Server(config, places=app.state.places).run(sockets=[taken])
    finally:
        withdraw(stack.folder, "control")
        stop.set()
        beating.join(_LAST_BEAT_S)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one project's pages and REST."""
    parser = argparse.ArgumentParser("stackcanvas.server.control", description=main.__doc__)
    parser.add_argument("--project", type=Path, default=None, help="the project's folder")
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine")
    parser.add_argument("--port", type=int, default=8700, help="0 takes a free one")
    add_door_options(parser)
    given = parser.parse_args(arguments)

    def work() -> int:
        leave_with_parent()
        log_to_stderr("control")
        root = find_root(given.project or Path.cwd())
        with open(root) as stack:
            now = stack.spine.clock.now()
            door = door_of(
                given,
                may_enter=lambda: any(one.role == ADMIN and one.counts(now) for one in stack.tokens.ls()),
                role=ADMIN,
            )
            with listen(given.host, given.port, what="control", option="--port", anywhere=True) as taken:
                serve(stack, taken, started=stack.spine.clock.now(), door=door)
        return 0

    return to_exit_code(work)


if __name__ == "__main__":
    sys.exit(main())

"""Answers the paths of the API: reads the request, calls the route in a thread, writes what it gives."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from starlette.types import ASGIApp, Receive, Scope, Send

from stackcanvas.errors import StackCanvasError
from stackcanvas.rest.answers import inner_path
from stackcanvas.rest.mlflow.answers import Answer, encode
from stackcanvas.rest.mlflow.artifacts import (
    FILES,
    GET_ARTIFACT,
    GET_VERSION_ARTIFACT,
    MODEL_FILES,
    Files,
    file_threads,
)
from stackcanvas.rest.mlflow.errors import MlflowError, invalid
from stackcanvas.rest.mlflow.messages import from_body, from_query
from stackcanvas.rest.mlflow.replies import failed, reply
from stackcanvas.rest.mlflow.routes import PREFIXES, Route, Table
from stackcanvas.rest.threads import Threads
from stackcanvas.stack import Stack

_log = logging.getLogger("stackcanvas.mlflow")
_OURS = (
    *(f"{prefix}/{version}/mlflow" for prefix in PREFIXES for version in ("2.0", "2.0/preview", "3.0")),
    GET_ARTIFACT,
    GET_VERSION_ARTIFACT,
)
_TRACES = "/mlflow/traces"
_NO_TRACES = "This server keeps no traces"
_READERS = 4
_MOVERS = 2


class Api:
    """Answers the paths of MLflow's API and hands all others on.

    Args:
        app: what answers the other paths; each request says in its scope which stack it is for.
        table: the routes.
    """

    def __init__(self, app: ASGIApp, *, table: Table) -> None:
        self._app = app
        self._table = table
        self._files = file_threads()
        # A database has one writer at a time: those who wait for their turn here need not try again and again there.
        self._writers: WeakKeyDictionary[Stack, Threads] = WeakKeyDictionary()
        self._readers = Threads(_READERS, name="mlflow-read")
        self._movers = Threads(_MOVERS, name="mlflow-move")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        path = inner_path(scope) if scope["type"] == "http" else ""
        if path.startswith("//"):  # as some clients put base and path together
            path = f"/{path.lstrip('/')}"
        if not path.startswith(_OURS):
            await self._app(scope, receive, send)
            return
        scope["path"], scope["root_path"] = path, ""
        if path.startswith(FILES) or (MODEL_FILES.fullmatch(path) and scope["method"] in {"GET", "HEAD"}):
            await Files(scope["stack"], self._files)(scope, receive, send)
            return
        method = scope["method"]
        # The server below leaves out what has no place in an answer to HEAD.
        route, variables, exists = self._table.find("GET" if method == "HEAD" else method, path)
        body = await _body(receive)
        if route is None:
            await reply(send, _unknown(scope, exists=exists))
            return
        scope["route"] = route
        pool = self._movers if route.slow else self._writer(scope["stack"]) if route.writes else self._readers
        await reply(send, await pool.run(self._answer, route, variables, scope, body))

    def _writer(self, stack: Stack) -> Threads:
        found = self._writers.get(stack)
        if found is None:
            found = self._writers[stack] = Threads(1, name="mlflow-write")
        return found

    def _answer(self, route: Route, variables: Mapping[str, str], scope: Scope, body: bytes) -> Answer:
        try:
            given = route.answer(scope["stack"], _message(route, scope, body, variables))
            return given if isinstance(given, Answer) else Answer(encode(given))
        except StackCanvasError as error:
            return failed(error)
        except Exception as error:  # noqa: BLE001 - logged; the client gets the code that it knows
            _log.exception("%s %s", scope["method"], scope["path"])
            return failed(MlflowError("INTERNAL_ERROR", f"Something went wrong inside ({type(error).__name__})"))


def _message(route: Route, scope: Scope, body: bytes, variables: Mapping[str, str]) -> object:
    if route.method == "GET" and scope["query_string"]:
        return from_query(route.message, scope["query_string"], path=variables)
    if route.method in {"POST", "PUT"}:
        _check_type(scope)
    return from_body(route.message, body, path=variables)


def _check_type(scope: Scope) -> None:
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), None)
    if kind is None:
        raise invalid("Bad Request. Content-Type header is missing")
    if kind.partition(b";")[0].strip().lower() != b"application/json":
        raise invalid("Bad Request. Content-Type must be one of ['application/json'].")


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    parts = [body]
    while message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


def _unknown(scope: Scope, *, exists: bool) -> Answer:
    if exists:
        said = f"{scope['method']} is not answered at {scope['path']}"
        return Answer(encode({"error_code": "BAD_REQUEST", "message": said}), status=405)
    place = scope["path"]
    return failed(MlflowError("ENDPOINT_NOT_FOUND", _NO_TRACES if _TRACES in place else f"There is nothing at {place}"))

"""The routes of the server: a path and a method lead to one function; every error becomes `{"error": ...}`."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from stackcanvas.errors import BadInput, NotFound, StackCanvasError, Unavailable
from stackcanvas.serving.server import infer, records
from stackcanvas.serving.server.errors import ClientGone, WrongMethod
from stackcanvas.serving.server.feast import ROUTES as FEAST_ROUTES
from stackcanvas.serving.server.feast import Feast
from stackcanvas.serving.server.gate import Gate
from stackcanvas.serving.server.http import (
    Answer,
    Receive,
    Scope,
    Send,
    answer_error,
    path_of,
    read_body,
    send_answer,
)
from stackcanvas.serving.server.metrics import Metrics
from stackcanvas.serving.server.predictor import Predictor

_encode = msgspec.json.Encoder().encode
_EXTENSIONS = ["binary_tensor_data", "model_repository"]


class _IndexRequest(msgspec.Struct):
    ready: bool = False


_index_decoder = msgspec.json.Decoder(_IndexRequest)


class App:
    """The ASGI application.

    Args:
        predictor: the inside.
        metrics: counts requests.
        reload: has the routes read again; awaited by the repository extension.
        feast: answers the routes of feature servers.
        version: of the package, told to clients.
        limit_bytes: of a body.
        gate: lets those in who have a token; None asks nobody.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        metrics: Metrics,
        reload: Callable[[], Awaitable[None]],
        feast: Feast,
        version: str,
        limit_bytes: int = 64 << 20,
        gate: Gate | None = None,
    ) -> None:
        self._predictor = predictor
        self._metrics = metrics
        self._reload = reload
        self._feast = feast
        self._version = version
        self._limit_bytes = limit_bytes
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started_s = time.perf_counter()
        endpoint, protocol = "", "other"
        try:
            path = path_of(scope)
            if len(path) > 2 and path[0] in {"v1", "v2"} and path[1] in {"models", "predict"}:
                endpoint, protocol = path[2], path[0]
            headers = dict(scope["headers"])
            if self._gate is not None:
                bare = path[:-1] if path[-1] == "" and len(path) > 1 else path
                self._gate.admit(bare, headers, (scope.get("client") or ("",))[0])
            answer = await self._answer(scope["method"], path, headers, receive)
        except ClientGone:
            return
        except StackCanvasError as error:
            answer = answer_error(error)
        except Exception:  # noqa: BLE001 - the last door: the client gets an answer, the operator the trace
            traceback.print_exc(file=sys.stderr)
            answer = _json({"error": "the server failed; its log says why"}, 500)
        await send_answer(send, answer)
        if endpoint not in self._predictor.routes.table.endpoints:
            endpoint = ""  # names that clients make up must not become labels
        self._metrics.requests.add((endpoint, protocol, str(answer.status)))
        self._metrics.seconds.observe(time.perf_counter() - started_s, (endpoint, protocol))

    async def _answer(self, method: str, path: list[str], headers: Mapping[bytes, bytes], receive: Receive) -> Answer:
        if path[-1] == "" and len(path) > 1:
            path = path[:-1]  # clients ask for /v2 and for /v2/
        match path:
            case ["v2", "models", name, *version, "infer"] if not version or version[0] == "versions":
                _require(method, "POST")
                body = await read_body(headers, receive, limit_bytes=self._limit_bytes)
                return await infer.infer(self._predictor, name, _version(version), headers, body)
            case ["v1", "predict", name]:
                _require(method, "POST")
                body = await read_body(headers, receive, limit_bytes=self._limit_bytes)
                return await records.predict(self._predictor, name, headers, body)
            case ["v2", "repository", *rest]:
                _require(method, "POST")
                return await self._repository(rest, await read_body(headers, receive, limit_bytes=self._limit_bytes))
            case [route] if route in FEAST_ROUTES:
                _require(method, "POST")
                return await self._feast.answer(route, await read_body(headers, receive, limit_bytes=self._limit_bytes))
            case [("metrics" | "health") as name]:
                _require(method, "GET")
                return self._health() if name == "health" else self._figures()
            case ["v2", *rest] | [*rest] if path[0] == "v2" or path == ["health", "ready"]:
                return self._protocol(method, rest, path)
        raise NotFound("path", "/" + "/".join(path)[:200])

    def _protocol(self, method: str, rest: list[str], path: list[str]) -> Answer:
        match rest:
            case []:
                _require(method, "GET")
                return _json({"name": "stackcanvas", "version": self._version, "extensions": _EXTENSIONS})
            case ["health", "live"]:
                _require(method, "GET")
                return _json({"live": True})
            case ["health", "ready"]:
                _require(method, "GET")
                ready = self._ready()
                return _json({"ready": ready}, 200 if ready else 503)
            case ["models", name, "ready"] | ["models", name, "versions", _, "ready"]:
                _require(method, "GET")
                self._describe(name, rest[3] if len(rest) > 3 else None)
                return _json({"name": name, "ready": True})
            case ["models", name] | ["models", name, "versions", _]:
                _require(method, "GET")
                return _json(self._describe(name, rest[3] if len(rest) > 3 else None))
        raise NotFound("path", "/" + "/".join(path)[:200])

    def _describe(self, name: str, version: str | None) -> dict[str, Any]:
        endpoint = self._predictor.endpoint(name)
        variant = endpoint.main() if version is None else self._predictor.version(endpoint, version)
        described = infer.describe(endpoint, variant)
        failure = self._predictor.routes.table.failures.get(name)
        return {**described, "parameters": {"route_error": failure}} if failure else described

    async def _repository(self, rest: list[str], body: bytes) -> Answer:
        match rest:
            case ["index"]:
                return _json(self._index(ready_only=_ready_only(body)))
            case ["models", name, "load"]:
                await self._reload()
                table = self._predictor.routes.table
                if name not in table.endpoints and name not in table.failures:
                    raise NotFound("model", name, known=table.endpoints)
                if name in table.failures:
                    raise Unavailable(f"the model {name!r} cannot be loaded: {table.failures[name].rstrip('.')}")
                return _json({})
            case ["models", _, "unload"]:
                raise BadInput("a model is taken out of service by its route, not by the server")
        raise NotFound("path", f"/v2/repository/{'/'.join(rest)[:200]}")

    def _index(self, *, ready_only: bool) -> list[dict[str, str]]:
        table = self._predictor.routes.table
        rows = [
            {
                "name": name,
                "version": variant.version,
                "state": "READY",
                "reason": table.failures.get(name, ""),
            }
            for name, endpoint in sorted(table.endpoints.items())
            for variant in endpoint.variants
        ]
        gone = [] if ready_only else sorted({*table.failures} - {*table.endpoints} - {""})
        return rows + [{"name": name, "state": "UNAVAILABLE", "reason": table.failures[name]} for name in gone]

    def _ready(self) -> bool:
        table = self._predictor.routes.table
        served = all(name in table.endpoints for name in table.failures if name)
        readable = "" not in table.failures or bool(table.endpoints)
        return self._predictor.routes.loaded and served and readable

    def _figures(self) -> Answer:
        return Answer(self._metrics.text(), headers=[(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")])

    def _health(self) -> Answer:
        table = self._predictor.routes.table
        ready = self._ready()
        found = {
            "status": "ok"
            if ready and not table.failures
            else "degraded"
            if self._predictor.routes.loaded
            else "starting",
            "revision": table.revision,
            "endpoints": sorted(table.endpoints),
            "failing": table.failures,
        }
        return _json(found, 200 if self._predictor.routes.loaded else 503)


def _ready_only(body: bytes) -> bool:
    """What the body of an index request asks for; clients send an empty one too."""
    try:
        return bool(body) and _index_decoder.decode(body).ready
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"the body cannot be read: {error}", expected='{"ready": true} or nothing') from None


def _version(found: list[str]) -> str | None:
    if len(found) in {0, 2}:
        return found[1] if found else None
    raise NotFound("path", "/".join(found)[:200])


def _require(method: str, wanted: str) -> None:
    if method != wanted and not (wanted == "GET" and method == "HEAD"):
        raise WrongMethod(f"{method[:20]} does not work here", expected=wanted)


def _json(content: object, status: int = 200) -> Answer:
    return Answer(_encode(content), status)

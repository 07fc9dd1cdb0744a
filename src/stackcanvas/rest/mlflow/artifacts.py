"""Files of runs and models through this server, in constant memory whatever their size."""

from __future__ import annotations

import logging
import mimetypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.types import Message as Event
from starlette.types import Receive, Scope, Send

from stackcanvas.backends.files import Scratch
from stackcanvas.backends.objects import ObjectInfo, Objects
from stackcanvas.errors import Conflict, Corrupt, StackCanvasError
from stackcanvas.experiments.artifacts import ArtifactInfo, files_in, remove
from stackcanvas.registry.files import Following
from stackcanvas.rest.mlflow.answers import Answer, encode, present
from stackcanvas.rest.mlflow.artifacts_uri import key_of, model_uri, plain_path, run_uri, served
from stackcanvas.rest.mlflow.errors import MlflowError, absent, invalid, missing
from stackcanvas.rest.mlflow.messages import Message
from stackcanvas.rest.mlflow.registered import a_folder, is_registered, registered_key, registered_list, unchangeable
from stackcanvas.rest.mlflow.replies import failed, reply
from stackcanvas.rest.mlflow.routes import PREFIXES, Route
from stackcanvas.rest.mlflow.runs import Run
from stackcanvas.rest.mlflow.versions import Numbered, version_of
from stackcanvas.rest.threads import Threads
from stackcanvas.stack import Stack
from stackcanvas.stack.registering import address_of

_log = logging.getLogger("stackcanvas.mlflow")
_BELOW = tuple(f"{prefix}/2.0/mlflow-artifacts/" for prefix in PREFIXES)
ROOTS = tuple(f"{below}artifacts" for below in _BELOW)
GET_ARTIFACT, GET_VERSION_ARTIFACT = "/get-artifact", "/model-versions/get-artifact"
UPLOAD = "/ajax-api/2.0/mlflow/upload-artifact"
FILES = (*_BELOW, GET_ARTIFACT, GET_VERSION_ARTIFACT, UPLOAD)
MODEL_FILES = re.compile(r"/(?:ajax-)?api/2\.0/mlflow/logged-models/([^/]+)/artifacts/files")
# Clients that hear these words send or fetch the file in one piece instead.
_IN_PARTS = {"mpu/": "upload", "presigned/": "download"}
_PIECE_BYTES = 4 << 20
_MOST_UPLOADED = 10 << 20
_THREADS = 4
# What a browser would run is told as plain text, and so is what people read.
_PLAIN = ("text/", "application/javascript", "application/json", "application/xml", "image/svg")
_READ = {
    "MLmodel",
    "mlproject",
    "cf",
    "cfg",
    "cnf",
    "conf",
    "err",
    "hocon",
    "ini",
    "ipynb",
    "log",
    "md",
    "prop",
    "properties",
    "py3",
    "rst",
    "toml",
    "yaml",
    "yml",
}
_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Place:
    """What metrics of the server call these paths."""

    path: str


def file_threads() -> Threads:
    """Threads apart from those of the records: a slow upload must not keep a metric waiting."""
    return Threads(_THREADS, name="mlflow-files")


class Files:
    """Takes and gives files below `mlflow-artifacts:/`.

    Args:
        stack: whose object store holds them.
        threads: where files are read and written.
    """

    def __init__(self, stack: Stack, threads: Threads) -> None:
        self._stack = stack
        self._scratch = Scratch(stack.folder / "uploads")
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._answer(scope, receive, send)
        except StackCanvasError as error:
            await reply(send, failed(error))
        except _Gone:
            return  # nobody is left to be answered

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if method == "HEAD":
            method, send = "GET", _head_of(send)
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        if path in {GET_ARTIFACT, GET_VERSION_ARTIFACT}:
            scope["route"] = _Place(path)
            find = self._key_in_run if path == GET_ARTIFACT else self._key_in_version
            await self._send(await self._threads.run(lambda: find(query)), send, name=query.get("path"))
            return
        if path == UPLOAD and method == "POST":
            scope["route"] = _Place(path)
            await self._upload(query, receive)
            await reply(send, Answer(b""))
            return
        model = MODEL_FILES.fullmatch(path)
        if model:
            scope["route"] = _Place("/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files")
            below = query.get("artifact_file_path", "")
            await self._send(await self._threads.run(lambda: self._key_in_model(model[1], below)), send, name=below)
            return
        root = next((root for root in ROOTS if path.startswith(root)), None)
        if root is None:
            raise _not_in_parts(path)
        scope["route"] = _Place(root)
        below = path.removeprefix(root)
        if below in {"", "/"} and method == "GET":
            await reply(send, await self._threads.run(lambda: self._list(query.get("path", ""))))
        elif method == "GET":
            await self._send(
                await self._threads.run(lambda: self._readable(_named(below))), send, name=below.rpartition("/")[2]
            )
        elif method == "PUT":
            await self._take(_target(below), receive)
            await reply(send, Answer(b"{}"))
        elif method == "DELETE":
            await self._threads.run(lambda: remove(self._stack.objects, _writable(_named(below))))
            await reply(send, Answer(b"{}"))
        else:
            said = {"error_code": "BAD_REQUEST", "message": f"{method} is not answered here."}
            await reply(send, Answer(encode(said), status=405))

    async def _upload(self, query: dict[str, str], receive: Receive) -> None:
        """Keep a small file of a run."""
        for parameter in ("run_uuid", "path"):
            if not query.get(parameter):
                raise invalid(f"Request must specify {parameter}.")
        if not plain_path(query["path"]):
            raise invalid("Invalid path")
        data, more = bytearray(), True
        while more:
            event: Event = await receive()
            if event["type"] == "http.disconnect":
                raise _Gone
            data += event.get("body", b"")
            more = event.get("more_body", False)
            if len(data) > _MOST_UPLOADED:
                raise invalid("Artifact size is too large. Max size is 10MB.")
        if not data:
            raise invalid("Request must specify data.")
        asked = {"run_id": query["run_uuid"], "path": query["path"]}
        await self._threads.run(lambda: _kept(lambda: self._stack.objects.put(self._key_in_run(asked), data)))

    async def _take(self, key: str, receive: Receive) -> None:
        """Keep a body, whole or not at all."""
        with self._scratch.file() as (file, written):
            more = True
            while more:
                pieces, size = [], 0
                while more and size < _PIECE_BYTES:
                    event: Event = await receive()
                    if event["type"] == "http.disconnect":
                        raise _Gone
                    pieces.append(event.get("body", b""))
                    size += len(pieces[-1])
                    more = event.get("more_body", False)
                await self._threads.run(lambda pieces=pieces: file.writelines(pieces))
            await self._threads.run(file.flush)
            await self._threads.run(lambda: _kept(lambda: self._stack.objects.put_file(key, written)))

    async def _send(self, key: str, send: Send, *, name: str | None = None) -> None:
        objects = self._stack.objects
        name = (name or key).rpartition("/")[2]
        # The first piece is read before anything is promised.
        begun = await self._threads.run(lambda: _begin(objects, key))
        if begun is None:
            raise await self._threads.run(lambda: _no_file(objects, key, name))
        piece, size, written = begun
        seen = Following(key)
        await self._threads.run(lambda: seen.add(piece))
        if len(piece) >= size and not seen.is_whole:
            raise Corrupt(f"the file {name} is not what was registered", where=key)
        headers = [
            (b"content-type", _type_of(name).encode()),
            (b"content-length", str(size).encode()),
            (b"content-disposition", f"attachment; {_called(name)}".encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sent = 0
        while piece:
            sent += len(piece)
            if sent > _PIECE_BYTES:
                await self._threads.run(lambda piece=piece: seen.add(piece))
                # What is kept back tells the client: its download broke off.
                if sent >= size and not seen.is_whole:
                    _log.error("%s is not what was registered", key)
                    return
                if sent >= size and await self._threads.run(lambda: _written(objects, key)) != written:
                    _log.warning("%s was written anew while it was sent", key)
                    return
            await send({"type": "http.response.body", "body": piece, "more_body": sent < size})
            if sent >= size:
                return
            piece = await self._threads.run(lambda start=sent: objects.get(key, start=start, length=_PIECE_BYTES))
        if size:
            _log.warning("%s became shorter while it was sent", key)
        await send({"type": "http.response.body", "body": b""})

    def _readable(self, path: str) -> str:
        path = plain_path(path)
        return registered_key(self._stack, path) if is_registered(path) else key_of(path)

    def _list(self, path: str) -> Answer:
        path = plain_path(path) if path else ""
        if is_registered(path):
            return Answer(encode(present(files=[_file(one, "") for one in registered_list(self._stack, path)])))
        key = key_of(path)
        # As the proxy of the peer answers: names alone, without the folder asked for.
        return Answer(encode(present(files=[_file(one, "") for one in files_in(self._stack.objects, key)])))

    def _key_in_run(self, query: dict[str, str]) -> str:
        path = query.get("path", "")
        run_id = query.get("run_id") or query.get("run_uuid") or ""
        if not run_id or not path:
            raise missing("path" if run_id else "run_id")
        found = self._stack.experiments.tracking.get(run_id)
        return f"{own(run_uri(found.experiment, found.id, found.artifact_location))}/{plain_path(path)}".rstrip("/")

    def _key_in_version(self, query: dict[str, str]) -> str:
        asked = Numbered(name=query.get("name", ""), version=query.get("version", ""))
        path = query.get("path", "")
        for parameter, given in (("name", asked.name), ("version", asked.version), ("path", path)):
            if not given:
                raise missing(parameter)
        path = plain_path(path)
        return self._readable(f"{_served(address_of(version_of(self._stack, asked)))}/{path}".lstrip("/"))

    def _key_in_model(self, model_id: str, path: str) -> str:
        if not path:
            raise MlflowError("BAD_REQUEST", 'Request must include the "artifact_file_path" query parameter')
        below = plain_path(path)
        found = self._stack.experiments.models.get(model_id)
        return f"{own(model_uri(found.experiment_id, found.id, found.artifact_location))}/{below}".rstrip("/")


def _begin(objects: Objects, key: str) -> tuple[bytes, int, ObjectInfo | None] | None:
    """The first piece of a file, its size, and when it was written where there are more pieces; None without a file.

    What fits into one piece is one read, so that its size is that of what is sent whoever writes meanwhile.
    """
    size = objects.size(key)
    if size is None:
        return None
    if size <= _PIECE_BYTES:
        piece = objects.get(key, length=_PIECE_BYTES + 1)
        if len(piece) <= _PIECE_BYTES:
            return piece, len(piece), None
    written = _written(objects, key)
    if written is None:
        return None
    return objects.get(key, length=_PIECE_BYTES), written.size_bytes, written


def _no_file(objects: Objects, key: str, name: str) -> MlflowError:
    if next(objects.list(f"{key}/"), None) is not None:
        return a_folder(name)
    return absent(f"No such artifact: {name!r}")


def _kept(put: Callable[[], None]) -> None:
    try:
        put()
    except Conflict:  # it tells where the store lies, which is nobody's business
        raise invalid("A file cannot lie where a folder is, nor below another file", expected="another path") from None


def _written(objects: Objects, key: str) -> ObjectInfo | None:
    return next((found for found in objects.list(key) if found.key == key), None)


class _Gone(Exception):
    """The client left before its body was whole, or has heard all it wanted."""


def _head_of(send: Send) -> Send:
    """Sends what stands before a body, and no body."""

    async def send_head(event: Event) -> None:
        if event["type"] == "http.response.start":
            await send(event)
            await send({"type": "http.response.body", "body": b""})
            raise _Gone

    return send_head


class List(Run):
    """A folder of a run."""

    path: str = ""
    page_token: str = ""


class ListModel(Message):
    """A folder of a logged model."""

    model_id: str = ""
    artifact_directory_path: str = ""
    page_token: str = ""


def _list_run(stack: Stack, asked: List) -> dict[str, Any]:
    found = stack.experiments.tracking.get(asked.run_id)
    return _told(stack, run_uri(found.experiment, found.id, found.artifact_location), asked.path)


def _list_model(stack: Stack, asked: ListModel) -> dict[str, Any]:
    found = stack.experiments.models.get(asked.model_id)
    return _told(
        stack, model_uri(found.experiment_id, found.id, found.artifact_location), asked.artifact_directory_path
    )


def _told(stack: Stack, uri: str, path: str) -> dict[str, Any]:
    below = plain_path(path) if path else ""
    key = own(uri)
    prefix = f"{path.rstrip('/')}/" if path else ""  # as it was asked for: clients take it off again
    files = [_file(one, prefix) for one in files_in(stack.objects, f"{key}/{below}".rstrip("/"))]
    return present(root_uri=uri, files=files)


def own(uri: str) -> str:
    """The key of a location that this server serves.

    Raises:
        MlflowError: its files lie elsewhere.
    """
    return key_of(_served(uri))


def _served(uri: str) -> str:
    path = served(uri)
    if path is None:
        said = f"The files lie at {uri}, where this server does not look"
        raise invalid(said, expected="a client that reads them there itself")
    return path


def _not_in_parts(path: str) -> MlflowError:
    below = path.partition("/mlflow-artifacts/")[2]
    what = next((what for start, what in _IN_PARTS.items() if below.startswith(start)), None)
    if what is None:
        return MlflowError("ENDPOINT_NOT_FOUND", f"There is nothing at {path}")
    return MlflowError("NOT_IMPLEMENTED", f"Multipart {what} is not supported for the current artifact repository")


def _writable(path: str) -> str:
    path = plain_path(path)
    if not path:  # `.`: the files of everybody, at once
        raise invalid("Invalid path")
    if is_registered(path):
        raise unchangeable()
    return key_of(path)


def _target(below: str) -> str:
    if below.endswith("/"):
        raise invalid("Artifact path must include a filename (cannot end with '/')")
    return _writable(_named(below))


def _named(below: str) -> str:
    if not below.startswith("/") or below == "/":
        raise invalid("Invalid path")
    return below[1:]


def _file(found: ArtifactInfo, prefix: str) -> dict[str, Any]:
    return present(path=prefix + found.path, is_dir=found.is_folder, file_size=found.size_bytes or None)


def _type_of(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return "text/plain" if kind.startswith(_PLAIN) or name.rpartition(".")[2] in _READ else kind


def _called(name: str) -> str:
    """What a download is called; old programs read the plain form only.

    Example:
        >>> _called("a.txt"), _called("a b.txt"), _called("é.txt")
        ('filename=a.txt', 'filename="a b.txt"', "filename=.txt; filename*=UTF-8''%C3%A9.txt")
    """
    if not name.isascii():
        return f"{_called(name.encode('ascii', 'ignore').decode())}; filename*=UTF-8''{quote(name)}"
    if _TOKEN.fullmatch(name):
        return f"filename={name}"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'filename="{escaped}"'


ROUTES = (
    Route("GET", "artifacts/list", List, _list_run),
    Route("GET", "logged-models/{model_id}/artifacts/directories", ListModel, _list_model),
)

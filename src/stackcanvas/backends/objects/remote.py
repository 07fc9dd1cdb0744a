"""Objects in S3, Google Cloud Storage or Azure, and in whatever speaks one of their protocols.

Credentials come from the environment, under the names that each provider's own tools use. A lost connection is tried
again; what stays unanswered raises `Unavailable`.
"""

from __future__ import annotations

import mmap
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, S3Store

from stackcanvas.backends.files import unavailable
from stackcanvas.backends.objects.base import ObjectInfo, check_key, check_range
from stackcanvas.errors import BadInput, Conflict, NotFound, StackCanvasError, Unavailable

_Result = TypeVar("_Result")

_PATIENCE = timedelta(seconds=60)
_PART_BYTES = 8 << 20
_PARTS_AT_ONCE = 4
_WHOLE_BYTES = 16 << 20  # up to this size in one request
_TRIES = 3
_PAUSE_S = 0.2
_WRITER = "writer"  # the name under which an object that only one may make says who made it
_PAGE = 1000
_BEHIND = "status code: 416"  # the range begins behind the end
_OPTIONS = {
    "s3": {"endpoint": "endpoint", "region": "region"},
    "gs": {"endpoint": "base_url"},
    "az": {"endpoint": "endpoint", "account": "account_name"},
}
_NAMES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_NAMES",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


class RemoteObjects:
    """An object store at a provider, for several machines at once.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`. Options may follow, as in
            `s3://bucket/prefix?endpoint=http://minio:9000&region=eu-west-1`; the endpoint of S3 is otherwise that of
            `AWS_ENDPOINT_URL`.
        patience: how long an answer may be silent before the request is tried again.

    Raises:
        BadInput: the URL names no bucket, or has an unknown option.
    """

    def __init__(self, url: str, *, patience: timedelta = _PATIENCE) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        bucket, prefix = parts.netloc, unquote(parts.path).strip("/")
        if not bucket or "@" in bucket:
            raise BadInput(
                f"the URL names no {'container' if self._scheme == 'az' else 'bucket'}",
                expected=f"{self._scheme}://NAME/PREFIX, with the credentials in the environment",
            )
        if prefix:
            check_key(prefix)
        self.url = f"{self._scheme}://{bucket}/{prefix}".rstrip("/")
        self._store = _store(self._scheme, bucket, prefix, _options(self._scheme, parts.query), patience)

    def put(self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False) -> None:
        """Store bytes."""
        check_key(key)
        if if_absent:
            self._create(key, data)
        else:
            self._put(key, data)

    def put_file(self, key: str, path: Path, *, if_absent: bool = False) -> None:
        """Store a file's bytes."""
        check_key(key)
        try:
            with path.open("rb") as file:
                if not path.stat().st_size:  # what cannot be mapped
                    self.put(key, b"", if_absent=if_absent)
                    return
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
                    self.put(key, view, if_absent=if_absent)
        except FileNotFoundError:
            raise NotFound("file", str(path)) from None
        except OSError as error:
            raise unavailable(error, path) from error

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """The bytes, or a range of them."""
        check_range(start, length)
        check_key(key)
        if length == 0:
            if self.size(key) is None:
                raise NotFound("object", key, where=self.url)
            return b""
        options: Any = {}
        if start or length is not None:
            options = {"range": {"offset": start} if length is None else (start, start + length)}

        def read() -> bytes:
            try:
                return bytes(obstore.get(self._store, key, options=options).bytes())
            except BaseError as error:
                if _BEHIND in str(error):
                    return b""
                raise

        return self._asked(key, read)

    def size(self, key: str) -> int | None:
        """The size in bytes; None when missing."""
        check_key(key)
        try:
            return int(self._asked(key, lambda: obstore.head(self._store, key))["size"])
        except NotFound:
            return None

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """The objects whose key begins with `prefix`, sorted by key."""
        folder, _, _ = prefix.rpartition("/")
        if folder:
            check_key(folder)
        after: str | None = None
        while True:
            page = self._asked(prefix, partial(self._page, folder, after))
            for found in page:
                key = found["path"]
                if key.startswith(prefix):
                    yield ObjectInfo(key, found["size"], found["last_modified"])
                elif key > prefix:
                    return
            if len(page) < _PAGE:
                return
            after = page[-1]["path"]

    def delete(self, key: str) -> None:
        """Remove an object."""
        check_key(key)
        with suppress(NotFound):
            self._asked(key, lambda: obstore.delete(self._store, key))

    def _page(self, folder: str, after: str | None) -> Sequence[Any]:
        stream = obstore.list(self._store, folder or None, offset=after, chunk_size=_PAGE)
        return next(iter(stream), [])

    def _put(self, key: str, data: bytes | bytearray | memoryview) -> None:
        many = len(data) > _WHOLE_BYTES
        self._asked(
            key,
            lambda: obstore.put(
                self._store,
                key,
                data,
                use_multipart=many,
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            ),
        )

    def _create(self, key: str, data: bytes | bytearray | memoryview) -> None:
        """Store bytes where nothing is.

        When an answer was lost, the next try meets the object of the first: who made it is written on it.
        """
        own = secrets.token_hex(16)

        def put() -> bool:
            try:
                obstore.put(self._store, key, data, mode="create", attributes={_WRITER: own}, use_multipart=False)
            except (AlreadyExistsError, BaseError) as error:
                made_by = self._writer(key)
                if made_by == own:
                    return True
                if made_by is not None or isinstance(error, AlreadyExistsError):
                    return False
                raise
            return True

        if not self._asked(key, put):
            raise Conflict(f"the object {key!r} is there already", where=self.url)

    def _writer(self, key: str) -> str | None:
        """Who made an object, empty when it does not say; None when there is none."""
        try:
            found = obstore.get(self._store, key, options={"head": True})
        except FileNotFoundError:
            return None
        return str(found.attributes.get(_WRITER, ""))

    def _asked(self, key: str, ask: Callable[[], _Result]) -> _Result:
        """The answer; a request that fails on the way is tried again, as is one whose answer breaks off."""
        for tried in range(1, _TRIES + 1):
            try:
                return ask()
            except FileNotFoundError as error:
                raise self._missing(key, error) from None
            except (PermissionDeniedError, UnauthenticatedError):
                raise self._unanswered("it refuses the credentials, or they do not allow this") from None
            except BaseError as error:
                if _refused(error):
                    raise self._missing(key, error) from None
                if tried == _TRIES:
                    raise self._unanswered(_first_line(error)) from None
                time.sleep(_PAUSE_S * tried)
        raise AssertionError("the last try answers or raises")

    def _missing(self, key: str, error: Exception) -> StackCanvasError:
        said = str(error)
        if "NoSuchBucket" in said or "ContainerNotFound" in said or "bucket does not exist" in said:
            return NotFound("bucket", self.url, fix="Make it, or correct the URL")
        if isinstance(error, FileNotFoundError):
            return NotFound("object", key, where=self.url)
        return self._unanswered(_first_line(error))

    def _unanswered(self, said: str) -> Unavailable:
        what = f"the object store cannot be used: {said}"
        return Unavailable(what, where=self.url, fix=f"Check the connection, the endpoint, and {_NAMES[self._scheme]}")


def _refused(error: Exception) -> bool:
    """Whether the store has understood and said no: asking again changes nothing."""
    said = str(error)
    return "status code: 4" in said and "status code: 408" not in said and "status code: 429" not in said


def _first_line(error: Exception) -> str:
    """What happened, without the addresses of requests and the library's own state."""
    line = str(error).strip().splitlines()[0]
    return re.sub(r"\S+://\S+", "the store", line).rstrip(".: ")


def _options(scheme: str, query: str) -> dict[str, str]:
    known = _OPTIONS[scheme]
    given = dict(parse_qsl(query))
    for name in given:
        if name not in known:
            raise BadInput(
                f"the URL of the object store has the unknown option {name!r}", expected=" or ".join(sorted(known))
            )
    return {known[name]: value for name, value in given.items()}


def _store(scheme: str, bucket: str, prefix: str, options: Mapping[str, str], patience: timedelta) -> Any:
    client: dict[str, Any] = {
        "connect_timeout": min(patience, timedelta(seconds=10)),
        "read_timeout": patience,
        "timeout": timedelta(hours=1),  # of a whole request: what is slow but moves may take its time
        "allow_http": True,  # the scheme of the endpoint decides
    }
    retries = {
        "max_retries": 3,
        "retry_timeout": patience,
        "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
    }
    given: dict[str, Any] = {"prefix": prefix or None, "client_options": client, "retry_config": retries, **options}
    try:
        if scheme == "s3":
            return S3Store(bucket, **given)
        if scheme == "gs":
            return GCSStore(bucket, **given)
        return AzureStore(bucket, **given)
    except (BaseError, ValueError) as error:
        said = str(error).strip().splitlines()[0]
        raise BadInput(
            f"the object store cannot be opened ({said})",
            where=f"{scheme}://{bucket}",
            fix=f"Check {_NAMES[scheme]}",
        ) from None

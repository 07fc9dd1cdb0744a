"""Files behind an address: of the web, or in an object store."""

from __future__ import annotations

import base64
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.errors import BadInput, NotFound, Unavailable

_PIECE_BYTES = 8 << 20
_PATIENCE_S = 60
_TRIES = 4
_PAUSE_S = 0.5
_REFUSED = range(400, 500)


def download(url: str, folder: Path, *, shown: str, advance: Callable[[int], None]) -> Path:
    """Bring a file from the web into a folder, whole; it keeps its name.

    Args:
        url: secrets included.
        shown: the same as it may be shown.

    Raises:
        NotFound: the server has no such file.
        Unavailable: it does not answer, or its answers break off.
    """
    for tried in range(1, _TRIES + 1):
        try:
            return _download(url, folder, advance)
        except urllib.error.HTTPError as error:
            if error.code in {404, 410}:
                raise NotFound("file", shown) from None
            if error.code in _REFUSED or tried == _TRIES:
                raise Unavailable(f"the server answers {error.code} {error.reason}", where=shown) from None
        except (OSError, EOFError, ValueError, http.client.HTTPException) as error:
            if tried == _TRIES:
                reason = getattr(error, "reason", None) or error
                raise Unavailable(f"the file cannot be had: {reason}", where=shown) from None
        time.sleep(_PAUSE_S * tried)
    raise AssertionError("the last try answers or raises")


def _download(url: str, folder: Path, advance: Callable[[int], None]) -> Path:
    with urllib.request.urlopen(_request(url), timeout=_PATIENCE_S) as answer:  # noqa: S310
        announced = answer.headers.get("Content-Length")
        encoding = answer.headers.get("Content-Encoding", "identity")
        if answer.status != http.HTTPStatus.OK:
            raise EOFError(f"the server answers {answer.status} {answer.reason}")
        if encoding != "identity":
            raise ValueError(f"the server packs its answer ({encoding}), unasked")
        if announced is None and answer.headers.get("Transfer-Encoding") is None:
            raise EOFError("the answer does not say where it ends")
        read_bytes = 0
        target = folder / _name(url, answer.headers.get_filename(), answer.url)
        with target.open("wb") as file:
            while piece := answer.read(_PIECE_BYTES):
                file.write(piece)
                read_bytes += len(piece)
                advance(len(piece))
    if announced is not None and read_bytes != int(announced):
        raise EOFError(f"the answer ended after {read_bytes} of {announced} bytes")
    return target


def _request(url: str) -> urllib.request.Request:
    """What is asked; a name and password in the address go to that server only, not to where it may send on."""
    address = urlsplit(url)
    login, _, host = address.netloc.rpartition("@")
    plain = address._replace(netloc=host).geturl()
    request = urllib.request.Request(plain, headers={"User-Agent": "stackcanvas", "Accept-Encoding": "identity"})  # noqa: S310
    if login:
        coded = base64.b64encode(unquote(login).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {coded}")
    return request


def _name(url: str, said: str | None, final: str) -> str:
    """What the file is called: by the address; where that tells no kind, by the server, or where it sent on to."""
    names = [unquote(urlsplit(url).path.rpartition("/")[2]), said, unquote(urlsplit(final).path.rpartition("/")[2])]
    usable = [name for name in names if name and name not in {".", ".."} and not set(name) & set("/\0")]
    return next((name for name in usable if Path(name).suffix), next(iter(usable), "download"))


def fetch(url: str, folder: Path, *, advance: Callable[[int], None]) -> list[Path]:
    """Bring one object, or all below a prefix, into a folder.

    Raises:
        NotFound: there is none.
    """
    base, question, options = url.partition("?")
    parent, _, name = base.rstrip("/").rpartition("/")
    if parent.endswith("/") or not name:
        raise BadInput("the address names a whole bucket", expected="an object or a folder in it")
    objects = open_objects(parent + question + options)
    if objects.size(name) is not None:
        return [_fetch(objects, name, folder / name, advance)]
    keys = [info.key for info in objects.list(f"{name}/")]
    if not keys:
        raise NotFound("object or folder", name, where=objects.url)
    for key in keys:
        _fetch(objects, key, folder / key, advance)
    return [folder / name]


def _fetch(objects: Objects, key: str, target: Path, advance: Callable[[int], None]) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    start = 0
    with target.open("wb") as file:
        while piece := objects.get(key, start=start, length=_PIECE_BYTES):
            file.write(piece)
            start += len(piece)
            advance(len(piece))
    return target

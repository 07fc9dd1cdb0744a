"""Files behind an address: of the web, or in an object store."""

from __future__ import annotations

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
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    target = folder / (name if name not in {"", ".", ".."} and "/" not in name and "\0" not in name else "download")
    for tried in range(1, _TRIES + 1):
        try:
            return _download(url, target, advance)
        except urllib.error.HTTPError as error:
            if error.code in {404, 410}:
                raise NotFound("file", shown) from None
            if error.code in _REFUSED or tried == _TRIES:
                raise Unavailable(f"the server answers {error.code} {error.reason}", where=shown) from None
        except (OSError, EOFError, ValueError) as error:
            if tried == _TRIES:
                reason = getattr(error, "reason", None) or error
                raise Unavailable(f"the file cannot be had: {reason}", where=shown) from None
        time.sleep(_PAUSE_S * tried)
    raise AssertionError("the last try answers or raises")


def _download(url: str, target: Path, advance: Callable[[int], None]) -> Path:
    request = urllib.request.Request(url, headers={"User-Agent": "stackcanvas", "Accept-Encoding": "identity"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer, target.open("wb") as file:  # noqa: S310
        announced = answer.headers.get("Content-Length")
        if announced is None and answer.headers.get("Transfer-Encoding") is None:
            raise EOFError("the answer does not say where it ends")
        read_bytes = 0
        while piece := answer.read(_PIECE_BYTES):
            file.write(piece)
            read_bytes += len(piece)
            advance(len(piece))
    if announced is not None and read_bytes != int(announced):
        raise EOFError(f"the answer ended after {read_bytes} of {announced} bytes")
    return target


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

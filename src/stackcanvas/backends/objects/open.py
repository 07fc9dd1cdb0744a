"""From a URL to an object store."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stackcanvas.backends.objects.base import Objects
from stackcanvas.backends.objects.folder import FolderObjects
from stackcanvas.errors import BadInput


def open_objects(url: str | Path) -> Objects:
    """The object store at a URL, or in a folder.

    Raises:
        BadInput: no adapter knows the URL's scheme, or the URL names no bucket.

    Example:
        >>> open_objects("file:///srv/objects").url
        'file:///srv/objects'
    """
    if isinstance(url, Path):
        return FolderObjects(url)
    scheme, separator, _ = url.partition("://")
    if not separator:
        return FolderObjects(Path(url))
    if scheme not in _SCHEMES:
        raise BadInput(
            f"the object store {url!r} has the unknown scheme {scheme!r}",
            expected=f"a folder, or a URL that begins with {' or '.join(f'{known}://' for known in _SCHEMES)}",
        )
    return _SCHEMES[scheme](url)


def _folder(url: str) -> Objects:
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise BadInput(f"the URL {url!r} names no absolute path", expected="file:///absolute/path")
    return FolderObjects(Path(unquote(parts.path)))


def _remote(url: str) -> Objects:
    # Loaded when it is used: the library starts threads of its own.
    adapter: Callable[[str], Objects] = import_module("stackcanvas.backends.objects.remote").RemoteObjects
    return adapter(url)


_SCHEMES: dict[str, Callable[[str], Objects]] = {"file": _folder, "s3": _remote, "gs": _remote, "az": _remote}

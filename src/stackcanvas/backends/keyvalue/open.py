"""From a URL to a key-value store."""

from __future__ import annotations

import importlib
from pathlib import Path
from urllib.parse import unquote

from stackcanvas.backends.keyvalue.base import KeyValue
from stackcanvas.backends.keyvalue.sqlite import SqliteKeyValue
from stackcanvas.errors import BadInput

_KNOWN = "sqlite:///path or redis://host"


def open_keyvalue(url: str, *, namespace: str = "stackcanvas") -> KeyValue:
    """The key-value store at a URL; `sqlite:///online.db` is relative, `sqlite:////srv/online.db` absolute.

    Args:
        url: where it is.
        namespace: keeps projects apart that share a server; a file is one project's.

    Raises:
        BadInput: no adapter knows the URL's scheme, or the URL names no file.
        MissingExtra: the client of that server is not installed.

    Example:
        >>> open_keyvalue("file:")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        stackcanvas.errors.BadInput: the key-value store 'file:' has an unknown scheme. Expected: a URL such as ...
    """
    if url.startswith("sqlite:///"):
        path = unquote(url.removeprefix("sqlite:///"))
        if not path:
            raise BadInput("the URL 'sqlite:///' names no file", expected="sqlite:///path")
        return SqliteKeyValue(Path(path))
    if url.startswith(("redis://", "rediss://")):
        # The client is an extra, and loading it takes a tenth of a second.
        adapter = importlib.import_module("stackcanvas.backends.keyvalue.redis")
        store: KeyValue = adapter.RedisKeyValue(url, namespace=namespace)
        return store
    shown = url.partition(":")[0] + ":" if "@" in url else url
    raise BadInput(f"the key-value store {shown!r} has an unknown scheme", expected=f"a URL such as {_KNOWN}")

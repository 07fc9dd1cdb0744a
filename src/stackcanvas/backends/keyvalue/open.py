"""From a URL to a key-value store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from stackcanvas.backends.keyvalue.base import KeyValue
from stackcanvas.backends.keyvalue.sqlite import SqliteKeyValue
from stackcanvas.errors import BadInput


def open_keyvalue(url: str) -> KeyValue:
    """The key-value store at a URL; `sqlite:///online.db` is relative, `sqlite:////srv/online.db` absolute.

    Raises:
        BadInput: no adapter knows the URL's scheme, or the URL names no file.

    Example:
        >>> open_keyvalue("memory:")
        Traceback (most recent call last):
            ...
        stackcanvas.errors.BadInput: the key-value store 'memory:' has an unknown scheme. Expected: a URL such as sqlite:///path.
    """
    for scheme, opener in _SCHEMES.items():
        if url.startswith(scheme):
            return opener(url.removeprefix(scheme))
    known = " or ".join(f"{scheme}path" for scheme in _SCHEMES)
    raise BadInput(f"the key-value store {url!r} has an unknown scheme", expected=f"a URL such as {known}")


def _sqlite(rest: str) -> KeyValue:
    if not rest:
        raise BadInput("the URL 'sqlite:///' names no file", expected="sqlite:///path")
    return SqliteKeyValue(Path(unquote(rest)))


_SCHEMES: dict[str, Callable[[str], KeyValue]] = {"sqlite:///": _sqlite}

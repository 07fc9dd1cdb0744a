"""Tokens of pages: opaque to clients; they hold how many results came before."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from stackcanvas.rest.mlflow.errors import invalid

T = TypeVar("T")
_LARGEST = 1 << 53


def token_of(offset: int) -> str:
    """The token of the page that begins after so many results.

    Example:
        >>> offset_of(token_of(200))
        200
    """
    return base64.b64encode(json.dumps({"offset": offset}).encode()).decode()


def offset_of(token: str | None) -> int:
    """How many results come before the page of a token, 0 without one.

    Raises:
        MlflowError: the token is not one of ours.
    """
    if not token:
        return 0
    try:
        offset = json.loads(base64.b64decode(token, validate=True))["offset"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise invalid("Invalid page token, could not base64-decode") from None
    if type(offset) is not int or not 0 <= offset < _LARGEST:
        raise invalid(f"Invalid page token, the offset {offset!r:.40} cannot be used")
    return offset


def page(find: Callable[[int, int], Sequence[T]], *, token: str | None, size: int) -> tuple[list[T], str | None]:
    """One page of what `find(limit, offset)` gives, and the token of the next where there is more."""
    offset = offset_of(token)
    found = list(find(size + 1, offset))
    return found[:size], token_of(offset + size) if len(found) > size else None

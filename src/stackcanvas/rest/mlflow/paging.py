"""Tokens of pages: opaque to clients; they hold how many results came before."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from stackcanvas.rest.mlflow.errors import invalid

T = TypeVar("T")
_LARGEST = 1 << 53


def token_of(offset: int, about: Mapping[str, Any] | None = None) -> str:
    """The token of the page that begins after so many results.

    Args:
        about: what was searched, by what is said when the next page is asked of another search.

    Example:
        >>> offset_of(token_of(200))
        200
    """
    return base64.b64encode(json.dumps({"offset": offset, **(about or {})}).encode()).decode()


def offset_of(token: str | None, about: Mapping[str, Any] | None = None) -> int:
    """How many results come before the page of a token, 0 without one.

    Raises:
        MlflowError: the token is not one of ours, or one of another search.
    """
    if not token:
        return 0
    try:
        held = json.loads(base64.b64decode(token, validate=True))
        offset = held["offset"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise invalid("Invalid page token, could not base64-decode") from None
    if type(offset) is not int or not 0 <= offset < _LARGEST:
        raise invalid(f"Invalid page token, the offset {offset!r:.40} cannot be used")
    for said, value in (about or {}).items():
        if held.get(said) != value:
            raise invalid(said)
    return offset


def page(
    find: Callable[[int, int], Sequence[T]],
    *,
    token: str | None,
    size: int,
    about: Mapping[str, Any] | None = None,
) -> tuple[list[T], str | None]:
    """One page of what `find(limit, offset)` gives, and the token of the next where there is more.

    Args:
        about: what the pages of one search have in common, by what is said when it is not the same.
    """
    offset = offset_of(token, about)
    found = list(find(size + 1, offset))
    return found[:size], token_of(offset + size, about) if len(found) > size else None

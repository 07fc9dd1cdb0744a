"""How a route gets the stack and how it answers; the same for all blocks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Response
from starlette.types import Scope

from stackcanvas.plain import plain
from stackcanvas.stack import Stack


def _stack(request: Request) -> Stack:
    return cast("Stack", request.scope["stack"])


_BYTES = {"type": "string", "format": "binary"}
StackOf = Annotated[Stack, Depends(_stack)]
"""The annotation of a route's argument that receives the stack that the request is for."""


def base_of(scope: Scope) -> str:
    """What stands before every route: `/w/NAME` for a workspace, else nothing."""
    return str(scope.get("root_path", ""))


def inner_path(scope: Scope) -> str:
    """The path without what stands before every route.

    Example:
        >>> inner_path({"path": "/w/churn/health", "root_path": "/w/churn"}), inner_path({"path": "/health"})
        ('/health', '/health')
    """
    path = str(scope["path"])
    base = base_of(scope)
    return path.removeprefix(base) or "/" if path == base or path.startswith(f"{base}/") else path


def heads_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by name, in small letters; of one that came twice, the first counts.

    Example:
        >>> heads_of({"headers": [(b"host", b"a"), (b"host", b"b")]})
        {'host': 'a'}
    """
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


def gives(*types: str) -> dict[str, Any]:
    """What the schema says of a route whose answer is not JSON: `@router.get("/page", **gives("text/html"))`."""
    content = {name: {"schema": {"type": "string"} if name.startswith("text/") else _BYTES} for name in types}
    return {"response_class": Response, "responses": {200: {"description": "As asked.", "content": content}}}


def answer(value: object, *, status: int = 200) -> Response:
    """One record as JSON."""
    return Response(_text(value), status_code=status, media_type="application/json")


def answer_items(items: Sequence[object], *, next_token: str | None = None) -> Response:
    """Many records as `{"items": [...], "next": token or null}`."""
    return answer({"items": list(items), "next": next_token})


def _text(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))

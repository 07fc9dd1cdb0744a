"""How a route gets the stack and how it answers; the same for all blocks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Response

from stackcanvas.plain import plain
from stackcanvas.stack import Stack


def _stack(request: Request) -> Stack:
    return cast("Stack", request.app.state.stack)


StackOf = Annotated[Stack, Depends(_stack)]
"""The annotation of a route's argument that receives the open stack."""


def answer(value: object, *, status: int = 200) -> Response:
    """One record as JSON."""
    return Response(_text(value), status_code=status, media_type="application/json")


def answer_items(items: Sequence[object], *, next_token: str | None = None) -> Response:
    """Many records as `{"items": [...], "next": token or null}`."""
    return answer({"items": list(items), "next": next_token})


def _text(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))

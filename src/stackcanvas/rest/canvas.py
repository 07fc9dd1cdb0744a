"""The canvas over REST: its answers, questions and live evidence."""

from __future__ import annotations

from fastapi import APIRouter, Response

from stackcanvas.rest.answers import StackOf, answer
from stackcanvas.stack import evidence

router = APIRouter(prefix="/canvas", tags=["canvas"])


@router.get("")
def canvas(stack: StackOf) -> Response:
    """The answers as written; passwords in addresses are masked."""
    return answer(
        {
            "canvas": stack.canvas.to_dict(),
            "answered": stack.canvas.answered,
            "unanswered": stack.canvas.unanswered,
            "not_applicable": stack.canvas.not_applicable,
        }
    )


@router.get("/evidence")
def show_evidence(stack: StackOf) -> Response:
    """What the records say of each block."""
    return answer(evidence.collect(stack))

"""The canvas over REST: its answers, questions and live evidence."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from stackcanvas.canvas import QUESTIONS, load
from stackcanvas.canvas.assess import Level, assess
from stackcanvas.canvas.check import RULES, check
from stackcanvas.rest.answers import StackOf, answer
from stackcanvas.rest.routers import router_of
from stackcanvas.stack import evidence

router = router_of("/canvas", "canvas")


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


@router.get("/questions")
def show_questions(stack: StackOf) -> Response:
    """Every question: what it asks, what an answer looks like, and whether it is answered."""
    now = load(stack.root / "canvas.yaml")
    states = {
        **dict.fromkeys(now.answered, "answered"),
        **dict.fromkeys(now.unanswered, "open"),
        **dict.fromkeys(now.not_applicable, "set aside"),
    }
    return answer(
        [
            {
                "id": one.id,
                "title": one.title,
                "help": one.help,
                "expected": one.shape.expected,
                "example": one.example,
                "level": one.level,
                "state": states[one.id],
            }
            for one in QUESTIONS.values()
        ]
    )


@router.get("/check")
def show_check(stack: StackOf) -> Response:
    """What contradicts itself in canvas.yaml as it stands now, which may be newer than what runs."""
    now = load(stack.root / "canvas.yaml")
    findings = check(now)
    errors = sum(finding.severity == "error" for finding in findings)
    return answer(
        {
            "digest": now.digest,
            "runs": stack.canvas.digest,
            "rules": len(RULES),
            "errors": errors,
            "warnings": len(findings) - errors,
            "findings": findings,
        }
    )


@router.get("/assess")
def show_assessment(
    stack: StackOf,
    wanted: Annotated[Level | None, Query()] = None,
    model: Annotated[str | None, Query(max_length=250)] = None,
    environment: Annotated[str | None, Query(max_length=250)] = None,
) -> Response:
    """How mature the stack is by canvas.yaml as it stands now, what to do first, and what can wait."""
    return answer(assess(load(stack.root / "canvas.yaml"), wanted=wanted, model=model, environment=environment))

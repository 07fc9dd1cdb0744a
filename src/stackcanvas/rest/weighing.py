"""What follows from the canvas, over REST: cost, tools, plan, comparison, and the canvas as one page."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response

from stackcanvas.canvas.cost import what_if
from stackcanvas.canvas.show import markdown, sheet
from stackcanvas.canvas.show.html import html
from stackcanvas.canvas.show.page import printed
from stackcanvas.rest.answers import StackOf, answer, gives
from stackcanvas.rest.routers import router_of
from stackcanvas.stack.choosing import tools
from stackcanvas.stack.comparing import canvas_at, compared
from stackcanvas.stack.costing import cost
from stackcanvas.stack.planning import plan_of

router = router_of("/canvas", "canvas")

_TYPES = {
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "png": "image/png",
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}

Model = Annotated[str | None, Query(description="With the answers of this model.")]
Environment = Annotated[str | None, Query(description="In this environment; that of the stack by default.")]
Changes = Annotated[list[str] | None, Query(alias="what_if", description="Other answers: serving.volume=10x.")]


@router.get("/cost")
def show_cost(
    stack: StackOf,
    book: Annotated[str | None, Query(description="A price book, such as aws or on-premises.")] = None,
    model: Model = None,
    environment: Environment = None,
    changes: Changes = None,
) -> Response:
    """What the canvas costs: rows with their drivers and prices, sums, percentiles."""
    canvas = what_if(stack.canvas, changes) if changes else stack.canvas
    where = None if changes else environment or stack.environment
    return answer(cost(canvas, root=stack.root, book=book, model=model, environment=where))


@router.get("/tools")
def show_tools(stack: StackOf, model: Model = None, environment: Environment = None) -> Response:
    """A tool for each block, with its runner-up and why others are left out."""
    found = tools(
        stack.canvas, root=stack.root, model=model, environment=environment or stack.environment, explain=False
    )
    return answer({"choices": found.choices, "services": found.services, "compiled": found.compiled})


@router.get("/plan")
def show_plan(stack: StackOf) -> Response:
    """What the canvas as written would alter in the running stack."""
    found = plan_of(stack.root, environment=stack.environment)
    return answer(
        {
            "effect": str(found.effect),
            "applied": found.applied,
            "digest": found.digest,
            "environment": found.environment,
            "restarts": found.restarts,
            "steps": found.steps,
        }
    )


@router.get("/compare")
def show_comparison(
    stack: StackOf, before: Annotated[str, Query(description="A git revision, such as HEAD~1.", max_length=200)]
) -> Response:
    """Decisions that changed since a revision, and what that changes."""
    old = canvas_at(before, root=stack.root, files=False)
    return answer(compared(old, stack.canvas, root=stack.root, names=(before, stack.canvas.label)))


@router.get("/page.{kind}", **gives(*(kind.partition(";")[0] for kind in _TYPES.values())))
def show_page(stack: StackOf, kind: Literal["pdf", "svg", "png", "html", "md"]) -> Response:
    """The canvas on one page."""
    page = sheet(stack.canvas)
    if kind == "html":
        content: bytes | str = html(page)
    elif kind == "md":
        content = markdown(page)
    else:
        content = printed(page, kind)
    return Response(content, media_type=_TYPES[kind])

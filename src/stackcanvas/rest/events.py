"""Events over REST; the stream of them is the control server's."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from stackcanvas.metadata import Ref
from stackcanvas.rest.answers import StackOf, answer_items
from stackcanvas.rest.routers import router_of

LARGEST = 2**62
"""Numbers of events stay far below it; databases count to twice as much."""

router = router_of("/events", "events")


@router.get("")
def events(
    stack: StackOf,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="Only events with a higher number.")] = 0,
    name: Annotated[list[str] | None, Query(description="Only events of these names.")] = None,
    subject: Annotated[str | None, Query(description="Only events about this ref.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """What happened, oldest first; `next` is the number to go on after."""
    about = Ref.parse(subject) if subject else None
    found = stack.spine.events.after(after, names=name or (), subject=about, limit=limit)
    return answer_items(found, next_token=str(found[-1].sequence) if len(found) == limit else None)

"""Routes and the prediction log over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of

router = router_of("/serving", "serving")

Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/routes")
def routes(stack: StackOf) -> Response:
    """What answers at every endpoint, as recorded."""
    return answer_items(stack.serving.routes())


@router.get("/status")
def status(stack: StackOf) -> Response:
    """What the prediction server serves, and why not, where it does not."""
    return answer_items(stack.serving.served())


@router.get("/predictions")
def predictions(stack: StackOf, endpoint: str, limit: Limit = 20) -> Response:
    """The last predictions of an endpoint, newest first."""
    return answer_items(stack.serving.log.tail(endpoint, limit=limit))


@router.get("/predictions/{prediction_id}")
def prediction(stack: StackOf, prediction_id: str) -> Response:
    """One prediction: its features, its output, and who answered."""
    return answer(stack.serving.log.get(prediction_id))

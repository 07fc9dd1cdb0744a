"""What the models earn, over REST."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import Query, Response

from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of

router = router_of("/value", "value")

Start = Annotated[date | None, Query(description="The first day of the predictions, in UTC.")]
End = Annotated[date | None, Query(description="The first day that is too late.")]


@router.get("/{endpoint}/payoff")
def payoff(stack: StackOf, endpoint: str) -> Response:
    """What right and wrong predictions of an endpoint are worth."""
    found = stack.value.payoff(endpoint).model_dump(mode="json", by_alias=True)
    return answer({"currency": stack.value.currency, **found})


@router.get("/{endpoint}/totals")
def totals(stack: StackOf, endpoint: str, start: Start = None, end: End = None) -> Response:
    """What each version earned in all."""
    found = stack.value.totals(endpoint, start=start, end=end, fresh=False)
    rows = [
        {"model": one.model, "decisions": one.decisions, "worth": one.worth, "each": one.each and round(one.each, 4)}
        for one in found
    ]
    return answer_items(rows)


@router.get("/{endpoint}/earned")
def earned(stack: StackOf, endpoint: str, start: Start = None, end: End = None) -> Response:
    """What each version earned on each day, oldest first."""
    return answer_items(stack.value.earned(endpoint, start=start, end=end, fresh=False))


@router.get("/{endpoint}/days")
def days(
    stack: StackOf, endpoint: str, start: Start = None, end: End = None, cost_per_day: Decimal = Decimal(0)
) -> Response:
    """The money of each day, all versions together: earned, spent, and what is left so far."""
    return answer_items(stack.value.balance(endpoint, start=start, end=end, fresh=False, cost_per_day=cost_per_day))

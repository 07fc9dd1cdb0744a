"""The value of the models of a project: what they earned, in money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import polars as pl

from stackcanvas.canvas.blocks.value import Payoff
from stackcanvas.errors import NotFound
from stackcanvas.value.balance import Balance, balance
from stackcanvas.value.earned import Earned, Total, by_day, totals

Judged = Callable[[str, datetime | None, datetime | None], pl.LazyFrame]


class Value:
    """What predictions earned under the payoff of the canvas.

    Args:
        currency: of all amounts, such as `EUR`.
        payoff: gives the payoff that holds for an endpoint, None where the canvas states none.
        judged: the predictions of an endpoint between two instants whose outcome is known.
    """

    def __init__(self, *, currency: str, payoff: Callable[[str], Payoff | None], judged: Judged) -> None:
        self.currency = currency
        self._payoff = payoff
        self._judged = judged

    def earned(self, endpoint: str, *, start: datetime | None = None, end: datetime | None = None) -> list[Earned]:
        """What each version earned on each day, oldest first.

        Args:
            start: the first instant of the predictions, inclusive.
            end: the last instant, exclusive.

        Raises:
            NotFound: the canvas states no payoff.
        """
        return by_day(self._judged(endpoint, start, end), self.payoff(endpoint))

    def totals(self, endpoint: str, *, start: datetime | None = None, end: datetime | None = None) -> list[Total]:
        """What each version earned in all."""
        return totals(self.earned(endpoint, start=start, end=end))

    def balance(
        self,
        endpoint: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        cost_per_day: Decimal = Decimal(0),
    ) -> list[Balance]:
        """The money of each day, all versions together: earned, spent, and what is left so far.

        Args:
            start: the first instant of the predictions, inclusive.
            end: the last instant, exclusive.
            cost_per_day: what a day of the stack costs.
        """
        return balance(self.earned(endpoint, start=start, end=end), cost_per_day=cost_per_day)

    def payoff(self, endpoint: str) -> Payoff:
        """The payoff that holds for an endpoint.

        Raises:
            NotFound: the canvas states none.
        """
        found = self._payoff(endpoint)
        if found is None:
            raise NotFound("payoff", endpoint, where="value.payoff", fix="State what a right and a wrong one are worth")
        return found

"""The value of the models of a project: what they earned, in money."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

import blake3
from sqlalchemy import Connection

from stackcanvas.canvas.blocks.value import Payoff
from stackcanvas.errors import NotFound
from stackcanvas.late import late
from stackcanvas.metadata import Spine
from stackcanvas.value.balance import Balance, balance
from stackcanvas.value.earned import Earned, Total, by_day, totals
from stackcanvas.value.ledger import Ledger

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

Judged: TypeAlias = "Callable[[str, datetime | None, datetime | None], pl.LazyFrame]"
_DAY = timedelta(days=1)
_DAYS_AT_ONCE = 31


class Value:
    """What predictions earned under the payoff of the canvas.

    Args:
        spine: where it is recorded, day by day.
        currency: of all amounts, such as `EUR`.
        payoff: gives the payoff that holds for an endpoint, None where the canvas states none.
        judged: the predictions of an endpoint between two instants whose outcome is known.
    """

    def __init__(self, spine: Spine, *, currency: str, payoff: Callable[[str], Payoff | None], judged: Judged) -> None:
        self.currency = currency
        self._spine = spine
        self._payoff = payoff
        self._judged = judged
        self._ledger = Ledger(spine)

    def learned(self, tx: Connection, endpoint: str, instants: Collection[datetime]) -> None:
        """Note, inside the caller's transaction, that predictions of these instants have got an outcome."""
        self._ledger.touch(tx, endpoint, {instant.astimezone(UTC).date() for instant in instants})

    def tick(self, now: datetime) -> int:  # noqa: ARG002 - every tick takes the time
        """Count the days that have got outcomes since; gives how many. Several workers may do it at once."""
        return sum(self.settle(endpoint) for endpoint in self._ledger.stale())

    def settle(self, endpoint: str) -> int:
        """Count the days of one endpoint that have got outcomes since, or were counted under another payoff.

        Gives how many days were counted; none where the canvas states no payoff. Days whose predictions are no longer
        kept stay as they were counted.
        """
        payoff = self._payoff(endpoint)
        if payoff is None:
            return 0
        digest = _digest(payoff)
        others = self._ledger.counted_otherwise(endpoint, digest)
        if others:
            with self._spine.write() as tx:
                self._ledger.touch(tx, endpoint, others)
        marks = self._ledger.stale().get(endpoint, {})
        known = sorted(marks)
        for first in range(0, len(known), _DAYS_AT_ONCE):
            days = known[first : first + _DAYS_AT_ONCE]
            judged = self._judged(endpoint, _midnight(days[0]), _midnight(days[-1] + _DAY))
            seen = {day: marks[day] for day in days}
            self._ledger.write(endpoint, seen, by_day(judged, payoff), payoff=digest)
        return len(marks)

    def earned(
        self, endpoint: str, *, start: date | None = None, end: date | None = None, fresh: bool = True
    ) -> list[Earned]:
        """What each version earned on each day, oldest first.

        Args:
            start: the first day of the predictions, in UTC.
            end: the first day that is too late.
            fresh: count first what has got outcomes since. Without it, the answer is as of the last count, and instant.

        Raises:
            NotFound: the canvas states no payoff.
        """
        digest = _digest(self.payoff(endpoint))
        if fresh:
            self.settle(endpoint)
        return list(self._ledger.days(endpoint, payoff=digest, start=start, end=end))

    def totals(
        self, endpoint: str, *, start: date | None = None, end: date | None = None, fresh: bool = True
    ) -> list[Total]:
        """What each version earned in all; arguments as of `earned`."""
        return totals(self.earned(endpoint, start=start, end=end, fresh=fresh))

    def balance(
        self,
        endpoint: str,
        *,
        start: date | None = None,
        end: date | None = None,
        cost_per_day: Decimal = Decimal(0),
        fresh: bool = True,
    ) -> list[Balance]:
        """The money of each day, all versions together: earned, spent, and what is left so far.

        Args:
            start: the first day of the predictions, in UTC.
            end: the first day that is too late.
            cost_per_day: what a day of the stack costs.
            fresh: as of `earned`.
        """
        return balance(self.earned(endpoint, start=start, end=end, fresh=fresh), cost_per_day=cost_per_day)

    def payoff(self, endpoint: str) -> Payoff:
        """The payoff that holds for an endpoint.

        Raises:
            NotFound: the canvas states none.
        """
        found = self._payoff(endpoint)
        if found is None:
            raise NotFound("payoff", endpoint, where="value.payoff", fix="State what a right and a wrong one are worth")
        return found


def _digest(payoff: Payoff) -> str:
    counting = payoff.model_dump_json(include={"outcomes", "threshold"})
    return blake3.blake3(counting.encode()).hexdigest()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

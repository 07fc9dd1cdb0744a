"""Two estimates side by side: what differs in money, row by row and in all."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from stackcanvas.canvas.cost.estimate import Estimate, Spread, spread_of_change
from stackcanvas.canvas.cost.figures import Row, cents
from stackcanvas.errors import BadInput


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row before and after.

    Attributes:
        id: of the row.
        title: of the row.
        once: paid once; otherwise each month.
        before: typical money; None where the row is new.
        after: typical money; None where the row is gone.
    """

    id: str
    title: str
    once: bool
    before: Decimal | None
    after: Decimal | None

    @property
    def change(self) -> Decimal:
        """How much more it is."""
        return (self.after or Decimal(0)) - (self.before or Decimal(0))


@dataclass(frozen=True, slots=True)
class Difference:
    """What one estimate costs more than another.

    Attributes:
        currency: of all money.
        before: of a month.
        after: of a month.
        monthly: the difference of a month; what is unsure in both in the same way does not blur it.
        once: the difference of what is paid once.
        rows: those that differ, the largest change first.
    """

    currency: str
    before: Spread
    after: Spread
    monthly: Spread
    once: Spread
    rows: tuple[RowChange, ...]


def difference(before: Estimate, after: Estimate) -> Difference:
    """Compare two estimates.

    Raises:
        BadInput: they reckon in different currencies.
    """
    if before.currency != after.currency:
        raise BadInput(
            f"one canvas reckons in {before.currency}, the other in {after.currency}",
            where="project.currency",
            expected="the same currency in both",
        )
    return Difference(
        before.currency,
        before.total.monthly,
        after.total.monthly,
        spread_of_change(before, after, once=False),
        spread_of_change(before, after, once=True),
        _rows(before, after),
    )


def _rows(before: Estimate, after: Estimate) -> tuple[RowChange, ...]:
    old, new = ({row.id: row for row in one.rows} for one in (before, after))
    changes = []
    for identity in (*old, *(identity for identity in new if identity not in old)):
        one, other = old.get(identity), new.get(identity)
        row = other or one
        if row is not None and _typical(one) != _typical(other):
            changes.append(RowChange(identity, row.title, row.once, _typical(one), _typical(other)))
    return tuple(sorted(changes, key=lambda change: abs(change.change), reverse=True))


def _typical(row: Row | None) -> Decimal | None:
    return None if row is None else cents(row.cost.typical)

"""Whether a version earns more than another: both on the same cases, with the range that chance leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks.value import Payoff
from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.statistics import Interval
from stackcanvas.value.earned import actual_of, predicted_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")
    pl = late("polars")

_RESAMPLES = 4000


@dataclass(frozen=True, slots=True)
class Uplift:
    """What a version would have earned in the place of another on the same cases.

    Attributes:
        decisions: cases that both predicted and whose outcome is known.
        before: money earned by the one.
        after: money earned by the other.
        each: the difference for each case, with its interval.
    """

    decisions: int
    before: Decimal
    after: Decimal
    each: Interval

    @property
    def difference(self) -> Decimal:
        """Money that the other earned more."""
        return self.after - self.before


def uplift(
    frame: pl.DataFrame,
    payoff: Payoff,
    *,
    before: str,
    after: str,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> Uplift:
    """Compare two versions on the same cases.

    The interval is the bootstrap's (see `stackcanvas.statistics.bootstrap`): as a case is worth one of a few amounts,
    drawing cases again is drawing counts of amounts.

    Args:
        frame: a row for each case: `actual` and both columns of outputs.
        payoff: the worth of each pair of prediction and truth.
        before: the column of outputs of the one version.
        after: that of the other.
        rng: where draws come from.
        confidence: of the interval.

    Raises:
        BadInput: a column is missing, or there is no case that both judged.

    Example:
        >>> from stackcanvas.canvas.blocks.value import Outcome
        >>> payoff = Payoff(outcomes=(Outcome(predicted="yes", actual="yes", worth=Decimal(2)),))
        >>> cases = pl.DataFrame({"actual": ["yes", "yes"], "old": ["no", "yes"], "new": ["yes", "yes"]})
        >>> found = uplift(cases, payoff, before="old", after="new", rng=np.random.default_rng(1))
        >>> str(found.before), str(found.after), found.each.estimate
        ('2', '4', 1.0)
    """
    missing = [name for name in ("actual", before, after) if name not in frame.columns]
    if missing:
        raise BadInput(f"the cases lack {' and '.join(missing)}", expected=f"actual, {before} and {after}")
    rows = frame.select(
        first=predicted_of(before, frame.schema, payoff),
        second=predicted_of(after, frame.schema, payoff),
        actual=actual_of(frame.schema, payoff),
    ).drop_nulls()
    if rows.is_empty():
        raise BadInput("there is no case that both predicted and whose outcome is known", expected="one at least")
    counted = rows.group_by("first", "second", "actual").agg(pl.len()).sort("len", "first", "second", "actual")
    counts = counted["len"].to_list()
    worth = [
        (payoff.worth(predicted=first, actual=actual), payoff.worth(predicted=second, actual=actual))
        for first, second, actual, _ in counted.iter_rows()
    ]
    money = [
        sum((pair[side] * count for pair, count in zip(worth, counts, strict=True)), Decimal(0)) for side in (0, 1)
    ]
    steps = np.array([float(new - old) for old, new in worth])
    share = np.array(counts) / rows.height
    drawn = rng.multinomial(rows.height, share, size=_RESAMPLES) @ steps / rows.height
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    each = Interval(float(share @ steps), float(low), float(high), confidence)
    return Uplift(rows.height, money[0], money[1], each)

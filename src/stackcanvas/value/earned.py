"""What predictions earned: outcomes are counted, and each count is multiplied by the worth of its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks.value import Payoff
from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

NEEDED = ("model", "time", "output", "actual")


@dataclass(frozen=True, slots=True)
class Earned:
    """What one model version earned on one day.

    Args:
        model: the ref of the version.
        day: in UTC, by the time of the prediction.
        decisions: judged predictions: those whose outcome is known.
        worth: money, in the project's currency.
        earlier_payoff: counted under a payoff that holds no more: the predictions of the day are no longer kept, so
            that it cannot be counted anew.
    """

    model: str
    day: date
    decisions: int
    worth: Decimal
    earlier_payoff: bool = False


@dataclass(frozen=True, slots=True)
class Total:
    """What one model version earned in all.

    Args:
        each: money for each judged prediction, None without any.
    """

    model: str
    decisions: int
    worth: Decimal

    @property
    def each(self) -> Decimal | None:
        """Money for each judged prediction."""
        return self.worth / self.decisions if self.decisions else None


def by_day(judged: pl.LazyFrame, payoff: Payoff) -> list[Earned]:
    """What each version earned on each day, oldest first.

    Args:
        judged: a row for each prediction whose outcome is known: `model`, `time` (UTC), `output` (a score where the
            payoff has a threshold, else the predicted class) and `actual`.
        payoff: the worth of each pair of prediction and truth.

    Raises:
        BadInput: a column is missing, or the outputs are no scores though the payoff has a threshold.
    """
    counts = _counted(judged.with_columns(day=pl.col("time").dt.date()), payoff, by=["model", "day"])
    found: dict[tuple[str, date], tuple[int, Decimal]] = {}
    for row in counts.iter_rows(named=True):
        decisions, worth = found.get((row["model"], row["day"]), (0, Decimal(0)))
        found[row["model"], row["day"]] = (decisions + row["len"], worth + _worth(row, payoff))
    ordered = sorted(found.items(), key=lambda item: (item[0][1], item[0][0]))
    return [Earned(model, day, decisions, worth) for (model, day), (decisions, worth) in ordered]


def totals(earned: list[Earned]) -> list[Total]:
    """The sum over all days, by version."""
    found: dict[str, tuple[int, Decimal]] = {}
    for part in earned:
        decisions, worth = found.get(part.model, (0, Decimal(0)))
        found[part.model] = (decisions + part.decisions, worth + part.worth)
    return [Total(model, decisions, worth) for model, (decisions, worth) in sorted(found.items())]


def on_same_rows(frame: pl.DataFrame, outputs: Mapping[str, str], payoff: Payoff) -> list[Total]:
    """What several versions would have earned on the same rows.

    Args:
        frame: a row for each case, with `actual` and a column of outputs for each version.
        outputs: by model ref, the column of its outputs.
    """
    found: list[Total] = []
    for model, column in outputs.items():
        rows = frame.lazy().select(output=column, actual="actual", model=pl.lit(model))
        counts = _counted(rows, payoff, by=["model"])
        worth = sum((_worth(row, payoff) for row in counts.iter_rows(named=True)), Decimal(0))
        found.append(Total(model, int(counts["len"].sum()), worth))
    return found


def _counted(judged: pl.LazyFrame, payoff: Payoff, *, by: list[str]) -> pl.DataFrame:
    """How often each pair of prediction and truth came; nulls and NaN are no decision."""
    schema = judged.collect_schema()
    missing = [name for name in NEEDED if name not in {*schema.names(), "time"}]
    if missing:
        raise BadInput(f"the judged predictions lack {' and '.join(missing)}", expected=", ".join(NEEDED))
    predicted, actual = predicted_of("output", schema, payoff), actual_of(schema, payoff)
    rows = judged.with_columns(predicted=predicted, actual=actual).drop_nulls(["predicted", "actual"])
    return rows.group_by(*by, "predicted", "actual").agg(pl.len()).collect()


def predicted_of(column: str, schema: Mapping[str, pl.DataType], payoff: Payoff) -> pl.Expr:
    """What a column of outputs predicts: yes or no where the payoff has a threshold, else the class itself.

    Raises:
        BadInput: the outputs are no scores though the payoff has a threshold.
    """
    if payoff.threshold is None:
        return pl.col(column)
    if not (schema[column].is_numeric() or schema[column] == pl.Boolean):
        raise BadInput(
            f"the payoff has a threshold, but the output is {schema[column]}", where="value.payoff", expected="a score"
        )
    return pl.col(column).cast(pl.Float64).fill_nan(None) >= payoff.threshold


def actual_of(schema: Mapping[str, pl.DataType], payoff: Payoff) -> pl.Expr:
    """What happened: yes or no where the payoff has a threshold, else the class itself."""
    actual = pl.col("actual")
    if payoff.threshold is None or schema["actual"] == pl.Boolean:
        return actual
    return actual.cast(pl.Float64) >= 0.5


def _worth(row: Mapping[str, object], payoff: Payoff) -> Decimal:
    count = row["len"]
    assert isinstance(count, int)
    return payoff.worth(predicted=row["predicted"], actual=row["actual"]) * count

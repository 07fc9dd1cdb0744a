"""What monitoring reads: the prediction log, what is live, and what is known of a model from its registration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.metadata import Ref
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

ANSWERED = ("ok", "warned")
"""Rows that the model itself answered."""

SERVED = (*ANSWERED, "fallback")
"""Rows that somebody got an answer for: without the model's errors, and without the shadows of other rows."""

_SCORES = ("probability", "score", "prediction", "output", "label")


class Predictions(Protocol):
    """The prediction log."""

    def scan(self, endpoint: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """The rows of an endpoint with `start <= time < end`.

        Columns: prediction_id, request_id, time, variant, model, entity (JSON text), features and output (structs),
        fallback, status, latency_us and others. A frame without columns, where nothing was logged yet, will do.
        """
        ...


@dataclass(frozen=True, slots=True)
class Live:
    """What answers at an endpoint now.

    Attributes:
        endpoint: its name.
        model: the live version, with its number.
        since: when it went live.
    """

    endpoint: str
    model: Ref
    since: datetime


@dataclass(frozen=True, slots=True)
class Registered:
    """What is known of a model version from its registration.

    Attributes:
        profile: of the training data; None where none was given.
        metrics: by name.
    """

    profile: Profile | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


def has_rows(log: pl.LazyFrame) -> bool:
    """Whether the log has columns, which it has not before its first row."""
    return bool(log.collect_schema().names())


def features(log: pl.LazyFrame) -> pl.DataFrame:
    """The features of the rows, a column each."""
    found = log.select("features").collect()
    return found if found.is_empty() and not found.schema["features"].is_nested() else found.unnest("features")


def output_column(log: pl.LazyFrame, *, wanted: str | None) -> pl.Expr:
    """The judged field of the output, as the column `output`.

    Of scores for several classes, the last one is taken: the score of class 1 where there are two.

    Args:
        log: with a column `output`.
        wanted: the name of the field; found by itself when None.

    Raises:
        BadInput: there is no such field, or it is not clear which one is meant.
    """
    kind = log.collect_schema()["output"]
    if not isinstance(kind, pl.Struct):
        return pl.col("output")
    fields = {one.name: one.dtype for one in kind.fields}
    known = [name for name in _SCORES if name in fields]
    chosen = wanted or (next(iter(fields)) if len(fields) == 1 else known[0] if known else None)
    if chosen is None or chosen not in fields:
        raise BadInput(
            f"the output has the fields {', '.join(fields)}"
            + (f" and no {wanted!r}" if wanted else ", and none of them is plainly the score"),
            expected="the name of the field to judge",
        )
    value = pl.col("output").struct.field(chosen)
    if isinstance(fields[chosen], pl.Array):
        value = value.arr.last()
    elif isinstance(fields[chosen], pl.List):
        value = value.list.last()
    return value.alias("output")

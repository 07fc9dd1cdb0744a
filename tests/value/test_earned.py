"""What predictions earned: counted exactly, in money."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.canvas import loads
from stackcanvas.canvas.blocks.value import Payoff
from stackcanvas.errors import BadInput
from stackcanvas.value import Earned, by_day, on_same_rows, totals

MAY = datetime(2013, 5, 1, 23, 30, tzinfo=UTC)
WORTH = {(True, True): Decimal("4.10"), (True, False): Decimal("-1.35"), (False, True): Decimal("-0.7")}


def _payoff(text: str) -> Payoff:
    answer = loads(f"{{stackcanvas: 1, project: {{name: flights}}, value: {{payoff: {text}}}}}").get("value.payoff")
    assert isinstance(answer, Payoff)
    return answer


_OUTCOMES = ", ".join(
    f"{{predicted: {str(p).lower()}, actual: {str(a).lower()}, worth: {w}}}" for (p, a), w in WORTH.items()
)
WARNINGS = _payoff(f"{{threshold: 50%, outcomes: [{_OUTCOMES}]}}")
SCHEMA = pl.Schema(
    {"model": pl.String(), "time": pl.Datetime("us", "UTC"), "output": pl.Float64(), "actual": pl.Boolean()}
)


def _judged(rows: list[tuple[str, datetime, float | None, bool | None]]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=SCHEMA, orient="row")


def test_each_version_earns_by_day() -> None:
    """The day is that of the prediction, in UTC; a pair that the payoff does not list is worth nothing."""
    judged = _judged(
        [
            ("model:delay@1", MAY, 0.5, True),
            ("model:delay@1", MAY, 0.49, True),
            ("model:delay@1", MAY + timedelta(hours=1), 0.9, False),
            ("model:delay@2", MAY + timedelta(hours=1), 0.1, False),
        ]
    )

    earned = by_day(judged, WARNINGS)

    assert earned == [
        Earned("model:delay@1", date(2013, 5, 1), 2, Decimal("3.40")),
        Earned("model:delay@1", date(2013, 5, 2), 1, Decimal("-1.35")),
        Earned("model:delay@2", date(2013, 5, 2), 1, Decimal(0)),
    ]
    assert [(total.model, total.decisions, total.worth) for total in totals(earned)] == [
        ("model:delay@1", 3, Decimal("2.05")),
        ("model:delay@2", 1, Decimal(0)),
    ]


def test_what_has_no_output_or_no_outcome_is_no_decision() -> None:
    """Nulls and NaN earn nothing and do not count."""
    judged = _judged([("m", MAY, None, True), ("m", MAY, float("nan"), True), ("m", MAY, 0.9, None)])

    assert by_day(judged, WARNINGS) == []


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60))
def test_the_sum_is_the_sum_of_the_cases(cases: list[tuple[float, bool]]) -> None:
    """To the last cent, whatever the number of cases."""
    expected = sum((WORTH.get((score >= 0.5, actual), Decimal(0)) for score, actual in cases), Decimal(0))

    earned = totals(by_day(_judged([("m", MAY, score, actual) for score, actual in cases]), WARNINGS))

    assert sum((total.worth for total in earned), Decimal(0)) == expected
    assert sum(total.decisions for total in earned) == len(cases)


def test_classes_are_compared_as_they_are() -> None:
    """Without a threshold the output is the predicted class."""
    payoff = _payoff("{outcomes: [{predicted: red, actual: red, worth: 2}]}")
    judged = pl.LazyFrame(
        {"model": ["m"] * 3, "time": [MAY] * 3, "output": ["red", "red", "blue"], "actual": ["red"] * 3}
    )

    assert totals(by_day(judged, payoff))[0].worth == Decimal(4)


def test_two_versions_are_compared_on_the_same_rows() -> None:
    """The same cases, two columns of scores."""
    frame = pl.DataFrame({"actual": [True, True, False], "old": [0.1, 0.9, 0.9], "new": [0.9, 0.9, 0.1]})

    old, new = on_same_rows(frame, {"model:delay@1": "old", "model:delay@2": "new"}, WARNINGS)

    assert (old.worth, new.worth, new.each) == (Decimal("2.05"), Decimal("8.20"), Decimal("8.20") / 3)


def test_outputs_that_are_no_scores_are_refused() -> None:
    """A threshold needs a number."""
    judged = pl.LazyFrame({"model": ["m"], "time": [MAY], "output": ["red"], "actual": [True]})

    with pytest.raises(BadInput, match="Expected: a score"):
        by_day(judged, WARNINGS)


def test_missing_columns_are_named() -> None:
    """The sentence says which."""
    with pytest.raises(BadInput, match="lack output and actual"):
        by_day(pl.LazyFrame({"model": ["m"], "time": [MAY]}), WARNINGS)

"""Two versions on the same cases, in money."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from stackcanvas.canvas.blocks.value import Outcome, Payoff
from stackcanvas.errors import BadInput
from stackcanvas.value import on_same_rows, uplift

PAYOFF = Payoff(
    outcomes=(
        Outcome(predicted=True, actual=True, worth=Decimal("14.10")),
        Outcome(predicted=True, actual=False, worth=Decimal("-6.05")),
    ),
    threshold="50%",  # type: ignore[arg-type]  # as the canvas writes it
)


def cases(rng: np.random.Generator, rows: int, *, skill: float) -> pl.DataFrame:
    """One version that guesses, and one that knows something."""
    actual = rng.random(rows) < 0.3
    return pl.DataFrame(
        {"actual": actual, "old": rng.random(rows), "new": np.clip(rng.random(rows) + skill * (actual - 0.5), 0, 1)}
    )


def test_the_money_is_that_of_each_version_alone() -> None:
    """To the last cent."""
    frame = cases(np.random.default_rng(1), 500, skill=0.4)
    found = uplift(frame, PAYOFF, before="old", after="new", rng=np.random.default_rng(2))
    old, new = on_same_rows(frame, {"model:delay@1": "old", "model:delay@2": "new"}, PAYOFF)

    assert (found.before, found.after, found.decisions) == (old.worth, new.worth, 500)
    assert found.difference == new.worth - old.worth
    assert found.each.estimate == pytest.approx(float(found.difference) / 500)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Two versions that are equally good: zero lies outside in about one of twenty draws."""
    rng = np.random.default_rng(3)
    out = [
        uplift(cases(rng, 400, skill=0.0), PAYOFF, before="old", after="new", rng=rng).each.excludes(0)
        for _ in range(300)
    ]

    assert np.mean(out) < 0.09


def test_a_better_version_is_seen() -> None:
    """With enough cases the interval leaves out zero."""
    frame = cases(np.random.default_rng(4), 3000, skill=0.5)

    assert uplift(frame, PAYOFF, before="old", after="new", rng=np.random.default_rng(5)).each.low > 0


def test_the_same_generator_gives_the_same_interval() -> None:
    """Whatever the order of the rows."""
    frame = cases(np.random.default_rng(6), 200, skill=0.2)
    one, two = (
        uplift(rows, PAYOFF, before="old", after="new", rng=np.random.default_rng(7))
        for rows in (frame, frame.reverse())
    )

    assert one == two


def test_only_cases_that_both_judged_count() -> None:
    """A missing score or outcome leaves the case out; none at all is refused, as is a missing column."""
    frame = pl.DataFrame({"actual": [True, None, True], "old": [0.9, 0.9, None], "new": [0.9, 0.9, 0.9]})
    rng = np.random.default_rng(8)

    assert uplift(frame, PAYOFF, before="old", after="new", rng=rng).decisions == 1
    with pytest.raises(BadInput, match="no case"):
        uplift(frame.tail(1), PAYOFF, before="old", after="new", rng=rng)
    with pytest.raises(BadInput, match="lack newer"):
        uplift(frame, PAYOFF, before="old", after="newer", rng=rng)

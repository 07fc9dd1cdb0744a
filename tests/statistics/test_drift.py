"""Drift between profiles: what is found, what is not, and how often chance is taken for drift."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency

from stackcanvas.errors import BadInput
from stackcanvas.statistics import DriftReport, Profile, drift, homogeneity, jensen_shannon

SHIFTED = {*(f"n{place}" for place in range(10)), *(f"c{place}" for place in range(3))}

_MOVES: list[Callable[[np.ndarray, np.random.Generator], np.ndarray]] = [
    lambda x, _: x + 0.25,
    lambda x, _: x * 1.25,
    lambda x, rng: x + 2 * (rng.random(len(x)) < 0.4),
    lambda x, _: x**1.25,
    lambda x, rng: np.where(rng.random(len(x)) < 0.15, 0, x),
    lambda x, _: x * 1.2,
    lambda x, _: x + 0.3,
    lambda x, rng: x * (rng.random(len(x)) < 0.9),
    lambda x, rng: np.where(rng.random(len(x)) < 0.05, 0.5, x),
    lambda x, rng: np.where(rng.random(len(x)) < 0.03, np.nan, x),
]


def table(rows: int, rng: np.random.Generator, *, shifted: bool = False) -> Profile:
    """Fifty columns, forty of numbers of five shapes and ten of categories; thirteen of them moved when asked."""
    columns: dict[str, pa.Array] = {}
    for place in range(40):
        shape = place % 5
        values = (
            rng.normal(size=rows) if shape == 0
            else rng.lognormal(size=rows) if shape == 1
            else rng.integers(0, 20, rows).astype(float) if shape == 2
            else rng.uniform(size=rows) if shape == 3
            else np.where(rng.random(rows) < 0.5, 0, rng.exponential(size=rows))
        )  # fmt: skip
        columns[f"n{place}"] = pa.array(_MOVES[place](values, rng) if shifted and place < 10 else values)
    for place in range(10):
        count = (3, 10, 50, 1000)[place % 4]
        weights = 1 / np.arange(1, count + 1)
        weights[0] *= 1.5 if shifted and place < 3 else 1
        columns[f"c{place}"] = pa.array(rng.choice(count, rows, p=weights / weights.sum()).astype(str))
    return Profile.of(columns)


@pytest.mark.parametrize(("before", "after"), [(5000, 5000), (50_000, 5000), (30_000, 30_000)])
def test_from_five_thousand_rows_shifts_are_found_and_alarms_are_true(before: int, after: int) -> None:
    """At least twelve of thirteen shifted columns and at most one false alarm among fifty, in every draw."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        found = set(drift(table(before, rng), table(after, rng, shifted=True)).drifted_columns)

        assert len(found & SHIFTED) >= 12
        assert len(found - SHIFTED) <= 1


@pytest.mark.parametrize(("before", "after"), [(200, 200), (1000, 1000), (20_000, 500), (20_000, 3000)])
def test_below_five_thousand_rows_chance_is_rarely_taken_for_drift(before: int, after: int) -> None:
    """At most five per cent of tables without drift show any drifted column, and far fewer of their columns."""
    rng = np.random.default_rng(before + after)
    references = [table(before, rng) for _ in range(5)]
    alarms = [len(drift(references[turn % 5], table(after, rng)).drifted_columns) for turn in range(60)]

    assert sum(count > 0 for count in alarms) <= 7  # the 99 % limit of 60 draws at five per cent
    assert sum(alarms) / (60 * 50) < 0.01


def test_a_tiny_shift_in_a_million_rows_is_no_drift() -> None:
    """Certain, but too small to matter: a p-value alone would flag it."""
    rng = np.random.default_rng(3)
    one, two = Profile.of({"x": rng.normal(size=10**6)}), Profile.of({"x": rng.normal(0.02, 1, 10**6)})
    column = drift(one, two).columns["x"]

    assert column.p_value < 1e-6
    assert column.distance < 0.02
    assert not column.drifted


def test_nulls_and_new_categories_count() -> None:
    """A column that begins to be null has drifted, and one with a category never seen."""
    rng = np.random.default_rng(4)
    values, words = rng.normal(size=6000), rng.choice(["a", "b"], 6000)
    before = Profile.of({"x": values, "c": words, "same": values})
    after = Profile.of(
        {
            "x": pa.array(values, mask=rng.random(6000) < 0.05),
            "c": np.where(rng.random(6000) < 0.05, "new", words),
            "same": values,
        }
    )
    report = drift(before, after)

    assert set(report.drifted_columns) == {"x", "c"}
    assert report.columns["x"].nulls_after == pytest.approx(0.05, abs=0.01)
    assert report.columns["x"].where == "missing"
    assert report.columns["c"].new_share == pytest.approx(0.05, abs=0.01)
    assert report.columns["c"].where in {"new", "a", "b"}


def test_missing_columns_and_other_kinds_are_drift_and_added_ones_are_told() -> None:
    """What cannot be compared is as far as can be."""
    before = Profile.of({"gone": np.zeros(200), "kind": np.full(200, 2.5), "empty": np.zeros(200)})
    after = Profile.of({"kind": np.array(["0"] * 200), "empty": pa.nulls(200), "extra": np.zeros(200)})
    report = drift(before, after)

    assert {name: column.method for name, column in report.columns.items()} == {
        "gone": "missing", "kind": "kind", "empty": "jensen_shannon",
    }  # fmt: skip
    assert report.share == 1.0
    assert report.added == ("extra",)


def test_traffic_rounded_to_32_bits_is_no_drift() -> None:
    """Models take 32-bit numbers: the same values, few or many, as they stood in training and in the log."""
    rng = np.random.default_rng(8)
    for values in (rng.choice([0.1, 0.7, -3.3, 1013.2, 0.0], 6000), rng.normal(size=6000), 1e6 + rng.normal(size=6000)):
        column = drift(Profile.of({"x": values}), Profile.of({"x": values.astype(np.float32)})).columns["x"]

        assert column.distance < 0.02
        assert column.p_value > 0.5


def test_nan_and_null_are_one() -> None:
    """What training marks as NaN comes as null in the log."""
    values = np.random.default_rng(9).normal(size=2000)
    gaps = np.arange(2000) % 4 == 0
    before = Profile.of({"x": np.where(gaps, np.nan, values)})

    assert drift(before, Profile.of({"x": pa.array(values, mask=gaps)})).columns["x"].distance == 0


def test_truth_values_may_come_as_numbers() -> None:
    """True and false in training, one and zero in the log."""
    yes = np.arange(1000) % 3 == 0
    before = Profile.of({"x": yes})

    assert drift(before, Profile.of({"x": yes.astype(np.float32)})).columns["x"].distance == 0
    assert drift(before, Profile.of({"x": yes * 2.0})).columns["x"].method == "kind"


def test_time_that_moves_on_is_no_drift() -> None:
    """Instants are compared by their nulls only."""
    early, late = (pa.array([start + n for n in range(500)], pa.timestamp("s")) for start in (0, 10**8))
    report = drift(Profile.of({"at": early}), Profile.of({"at": late}))

    assert not report.drifted
    assert report.columns["at"].distance == 0


def test_too_few_rows_judge_nothing() -> None:
    """Distances are given, verdicts are not."""
    one, two = Profile.of({"x": np.zeros(5000)}), Profile.of({"x": np.ones(20)})
    report = drift(one, two)

    assert (report.judged, report.drifted, report.columns["x"].drifted) == (False, False, False)
    assert report.columns["x"].distance > 0.9
    assert not drift(one, Profile.of({"x": np.empty(0)})).judged


def test_a_small_sample_of_what_never_was_is_found() -> None:
    """A hundred rows against a hundred thousand: no rule on expected counts may hide a constant that changed."""
    before = Profile.of({"x": np.zeros(100_000), "c": np.array(["a"] * 100_000), "some": np.zeros(100_000)})
    after = Profile.of({"x": np.ones(100), "c": np.array(["b"] * 100), "some": np.repeat([0.0, 5.0], [90, 10])})

    assert set(drift(before, after).drifted_columns) == {"x", "c", "some"}
    assert drift(after, before).drifted_columns[:2] == ["c", "x"]


def test_thresholds_columns_and_share_can_be_chosen() -> None:
    """Each by name; an unknown name is refused."""
    rng = np.random.default_rng(5)
    before = Profile.of({name: rng.normal(size=5000) for name in "abc"})
    after = Profile.of({"a": rng.normal(0.3, 1, 5000), "b": rng.normal(0.3, 1, 5000), "c": rng.normal(size=5000)})

    assert drift(before, after, thresholds={"a": 0.5}).drifted_columns == ["b"]
    assert drift(before, after, columns=["a", "c"]).share == 0.5
    assert not drift(before, after, share_threshold=0.9).drifted
    with pytest.raises(BadInput, match="no column z"):
        drift(before, after, columns=["z"])


def test_reports_survive_json() -> None:
    """What is stored is what is read."""
    rng = np.random.default_rng(6)
    report = drift(table(500, rng), table(500, rng, shifted=True))

    assert DriftReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_distance_and_test_agree_with_scipy() -> None:
    """The distance up to what chance adds, the p-value exactly."""
    first, second = [500_000, 300_000, 200_000], [400_000, 350_000, 250_000]
    exact = jensenshannon(np.array(first) / 1e6, np.array(second) / 1e6, base=2)

    assert jensen_shannon(first, second) == pytest.approx(exact, rel=1e-3)
    small = [50, 30, 20], [40, 35, 25]
    assert homogeneity(*small) == pytest.approx(chi2_contingency(np.array(small), correction=False).pvalue)


def test_the_distance_of_equal_samples_is_near_zero_at_any_size() -> None:
    """What sampling adds is taken off: without drift, half of the distances are zero."""
    rng = np.random.default_rng(7)
    for rows in (200, 2000, 20_000):
        draws = [jensen_shannon(*rng.multinomial(rows, [0.05] * 20, size=2).tolist()) for _ in range(200)]

        assert np.mean(np.array(draws) == 0) > 0.4
        assert np.mean(draws) < 0.9 / np.sqrt(rows)

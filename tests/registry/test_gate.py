"""The gate: bounds, and the comparison with the champion."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput
from stackcanvas.registry import GateResult, Rule, Scores
from stackcanvas.registry.gate import judge


def scored(skill: float, *, rows: int = 2000, seed: int = 1) -> Scores:
    """Predictions of the same rows, the better the greater the skill."""
    rng = np.random.default_rng(seed)
    truth = rng.random(rows) < 0.3
    noise = np.random.default_rng(seed + 1).normal(size=rows)
    return Scores.of(truth, 1 / (1 + np.exp(-(skill * (truth - 0.3) + noise - 1))), metrics=["auc", "brier"])


@pytest.mark.parametrize(
    ("rule", "value", "passed"),
    [
        (Rule("auc", at_least=0.7), 0.7, True),
        (Rule("auc", at_least=0.7), 0.6999, False),
        (Rule("latency", at_most=10), 10.0, True),
        (Rule("latency", at_most=10), 10.1, False),
        (Rule("auc", at_least=0.5), float("nan"), False),
        (Rule("auc", at_least=0.5), None, False),
    ],
)
def test_bounds(rule: Rule, value: float | None, passed: bool) -> None:
    """Both ends are inside; what was not measured does not pass."""
    scores = Scores({} if value is None else {rule.metric: value})

    assert judge([rule], scores).passed is passed


def test_a_rule_that_only_tells_does_not_stop_a_model() -> None:
    """Its finding is there all the same."""
    result = judge([Rule("auc", at_least=0.7, blocks=False)], Scores({"auc": 0.6}))

    assert result.passed
    assert result.reasons == ("auc is 0.6, less than 0.7",)


@pytest.mark.parametrize(
    ("metric", "candidate", "champion", "passed"),
    [
        ("auc", 0.75, 0.76, True),
        ("auc", 0.74, 0.76, False),
        ("brier", 0.19, 0.18, True),
        ("brier", 0.20, 0.18, False),
        ("brier", 0.10, 0.18, True),
    ],
)
def test_plain_values_are_compared_in_the_right_direction(
    metric: str, candidate: float, champion: float, passed: bool
) -> None:
    """Where the rows are not known, the values themselves decide."""
    rules = [Rule(metric, margin=0.015)]

    assert judge(rules, Scores({metric: candidate}), champion=Scores({metric: champion})).passed is passed


def test_without_a_champion_only_bounds_count() -> None:
    """The first version has nothing to be compared with."""
    assert judge([Rule("auc", margin=0.0)], Scores({"auc": 0.5})).passed


def test_a_clearly_better_candidate_passes_and_a_worse_one_does_not() -> None:
    """On the same rows, with the interval of the difference told."""
    rules = [Rule("auc", margin=0.0), Rule("brier", margin=0.0)]

    better = judge(rules, scored(3.0), champion=scored(1.0))
    worse = judge(rules, scored(1.0), champion=scored(3.0))

    assert better.passed
    assert better.checks[0].change is not None
    assert better.checks[0].change.low > 0
    assert not worse.passed
    assert len(worse.reasons) == 2
    assert "may be worse by more than 0" in worse.reasons[0]


def test_an_equal_candidate_passes_within_a_margin_that_the_rows_can_show() -> None:
    """With few rows the interval is wide, and the same margin is not shown."""
    rules = [Rule("auc", margin=0.02)]

    def kept(rows: int) -> list[bool]:
        one, other = scored(1.0, rows=rows, seed=5), _like(scored(1.0, rows=rows, seed=5))
        return [judge(rules, one, champion=other).passed, judge(rules, other, champion=one).passed]

    assert kept(20_000) == [True, True]
    assert not all(kept(100))


def test_a_surer_comparison_asks_for_more() -> None:
    """The end of the interval that decides moves outward."""
    ends = []
    for confidence in (0.6, 0.9, 0.99):
        rule = Rule("auc", margin=0.0, confidence=confidence)
        change = judge([rule], scored(1.3), champion=scored(1.0)).checks[0].change
        assert change is not None
        ends.append(change.low)

    assert ends == sorted(ends, reverse=True)
    assert len(set(ends)) == 3


def _like(scores: Scores) -> Scores:
    """As good as the scores, but other predictions."""
    rng = np.random.default_rng(3)
    truth = np.asarray(scores.truth)
    noise = rng.normal(size=len(truth))
    return Scores.of(truth, 1 / (1 + np.exp(-(truth - 0.3 + noise - 1))), metrics=["auc"])


def test_different_rows_are_not_compared() -> None:
    """That would answer another question."""
    with pytest.raises(BadInput, match="scored on different rows"):
        judge([Rule("auc", margin=0.1)], scored(1.0, seed=1), champion=scored(1.0, seed=2))


def test_the_same_seed_gives_the_same_answer() -> None:
    """An answer that is kept with a version can be found again."""
    rules = [Rule("auc", margin=0.01)]

    assert judge(rules, scored(1.0), champion=scored(1.1), seed=4) == judge(
        rules, scored(1.0), champion=scored(1.1), seed=4
    )


def test_an_answer_survives_being_stored() -> None:
    """As JSON, with the interval."""
    result = judge([Rule("auc", margin=0.01), Rule("brier", at_most=0.9)], scored(1.0), champion=scored(1.1))

    assert GateResult.from_json(json.loads(json.dumps(result.to_json()))) == result


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "it asks for nothing"),
        ({"margin": float("nan")}, "the margin is nan"),
        ({"margin": 0.0, "confidence": 1.0}, "the confidence is 1.0"),
        ({"margin": 0.0, "confidence": 0.5}, "the confidence is 0.5"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(options: dict[str, float], said: str) -> None:
    """When it is written, not when a model waits for it."""
    with pytest.raises(BadInput, match=said):
        Rule("auc", **options)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="does not say which way is better"):
        Rule("latency", margin=1.0)
    with pytest.raises(BadInput, match="'acu' is no metric known here"):
        Scores.of([0, 1], [0.1, 0.2], metrics=["acu"])


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_wider_margin_never_turns_a_yes_into_a_no(candidate: float, champion: float, margin: float) -> None:
    """And no candidate is worse than itself."""
    mine, theirs = Scores({"auc": candidate}), Scores({"auc": champion})

    narrow = judge([Rule("auc", margin=margin)], mine, champion=theirs).passed

    assert not narrow or judge([Rule("auc", margin=margin * 2)], mine, champion=theirs).passed
    assert judge([Rule("auc", margin=0.0)], mine, champion=mine).passed

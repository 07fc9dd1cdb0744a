"""The ML test score, as far as answers can tell it."""

from __future__ import annotations

from dataclasses import dataclass

from stackcanvas.canvas.assess.condition import judge
from stackcanvas.canvas.assess.rubric import ScoreTest, score_rules
from stackcanvas.canvas.said import Said


@dataclass(frozen=True, slots=True)
class TestPoint:
    """What one test brought.

    Attributes:
        id: its letter and number.
        section: one of four.
        test: what it asks.
        points: 0, 0.5 or 1.
        told: a canvas can tell it at all.
        paths: the answers that decided it, or that are missing.
    """

    __test__ = False  # not a test of ours, whatever its name

    id: str
    section: str
    test: str
    points: float
    told: bool
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TestScore:
    """The score: the lowest sum of a section.

    Attributes:
        total: from 0 to 7.
        band: what it means.
        sections: the sum of each.
        points: each test.
    """

    __test__ = False  # not a test of ours, whatever its name

    total: float
    band: str
    sections: dict[str, float]
    points: tuple[TestPoint, ...]


def score(said: Said) -> TestScore:
    """The ML test score of answers; a test that they say nothing about brings nothing."""
    rules = score_rules()
    points = tuple(_point(said, test) for test in rules.tests)
    sections: dict[str, float] = {}
    for point in points:
        sections[point.section] = sections.get(point.section, 0.0) + point.points
    total = min(sections.values())
    band = next(says for above, says in rules.bands if total > above)
    return TestScore(total, band, sections, points)


def _point(said: Said, test: ScoreTest) -> TestPoint:
    missing: tuple[str, ...] = ()
    for worth, condition in ((1.0, test.full), (0.5, test.half)):
        if condition is not None:
            verdict = judge(said, condition)
            if verdict.holds:
                return TestPoint(test.id, test.section, test.test, worth, True, verdict.paths)
            missing = missing or verdict.paths
    told = test.full is not None or test.half is not None
    return TestPoint(test.id, test.section, test.test, 0.0, told, missing)

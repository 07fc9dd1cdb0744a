"""The data files of the assessment as records: steps, what can be left out, tests, and what levels are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from stackcanvas.canvas.syntax import read
from stackcanvas.errors import Corrupt

Level = Literal["tactical", "strategic", "transformational"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""The levels of maturity, the lowest first."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a team at a level does.

    Attributes:
        id: its name.
        block: where it belongs.
        level: from which level on it is part of the block.
        title: what holds once it is done.
        todo: what to do.
        when: what the answers must say.
        benefit: from 1 to 5.
        effort: from 1 to 5.
        needs: the steps without which it does not stand.
    """

    id: str
    block: str
    level: Level
    title: str
    todo: str
    when: Mapping[str, Any]
    benefit: int
    effort: int
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something can be left out: an answer, and what follows from it."""

    when: Mapping[str, Any]
    says: str


@dataclass(frozen=True, slots=True)
class Luxury:
    """What a team can leave out, unless it has chosen it or goes the step that brings it."""

    what: str
    unless: Mapping[str, Any]
    because: tuple[Reason, ...]
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a level is, and what it is called elsewhere."""

    means: str
    google: str
    microsoft: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rubric comes from, and when it was read."""

    title: str
    url: str
    read: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Rubric:
    """How maturity is told from answers."""

    sources: tuple[Source, ...]
    levels: Mapping[str, Meaning]
    steps: Mapping[str, Step]
    unneeded: tuple[Luxury, ...]


@dataclass(frozen=True, slots=True)
class ScoreTest:
    """One test of the ML test score; without `full` and `half` it cannot be told from a canvas."""

    id: str
    section: str
    test: str
    full: Mapping[str, Any] | None = None
    half: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TestScoreRules:
    """The tests of the ML test score and what its sums mean."""

    __test__ = False  # not a test of ours, whatever its name

    source: Source
    bands: tuple[tuple[float, str], ...]
    tests: tuple[ScoreTest, ...]


@cache
def rubric() -> Rubric:
    """The rubric that ships with this release."""
    plain = _load("rubric.yaml")
    return Rubric(
        sources=tuple(_source(one) for one in plain["sources"].values()),
        levels={name: Meaning(**one) for name, one in plain["levels"].items()},
        steps={
            name: Step(id=name, **{**one, "needs": tuple(one.get("needs", ()))}) for name, one in plain["steps"].items()
        },
        unneeded=tuple(
            Luxury(one["what"], one["unless"], tuple(Reason(**reason) for reason in one["because"]), one.get("step"))
            for one in plain["unneeded"]
        ),
    )


@cache
def score_rules() -> TestScoreRules:
    """The tests that ship with this release."""
    plain = _load("testscore.yaml")
    return TestScoreRules(
        source=_source(plain["source"]),
        bands=tuple((float(band["above"]), band["says"]) for band in plain["bands"]),
        tests=tuple(
            ScoreTest(name, section, **one)
            for section, tests in plain["sections"].items()
            for name, one in tests.items()
        ),
    )


def _source(plain: Mapping[str, Any]) -> Source:
    return Source(plain["title"], plain["url"], str(plain["read"]), plain.get("note"))


def _load(name: str) -> Any:
    text = files("stackcanvas.canvas.assess").joinpath(name).read_text(encoding="utf-8")
    root = read(text, label=name, problems=[])
    if root is None:
        raise Corrupt("a file of the assessment is empty", where=name, fix="Install stackcanvas anew")
    return root.plain()

"""How mature a stack is by its answers, what is missing, what to do first, and what it can leave out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stackcanvas.canvas import paths
from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.assess.condition import judge
from stackcanvas.canvas.assess.rubric import LEVELS, Level, Meaning, Rubric, Step, rubric
from stackcanvas.canvas.assess.score import TestScore, score
from stackcanvas.canvas.blocks import BLOCK_ANSWERS, QUESTION_IDS
from stackcanvas.canvas.questions import QUESTIONS
from stackcanvas.canvas.said import HEADER, Said, everything, short

_FOUNDATIONS = "foundations"
_BESIDE = "dilemma"  # no block of the stack: it holds nothing back


@dataclass(frozen=True, slots=True)
class Ground:
    """An answer that something rests on; empty where the question is open."""

    path: str
    answer: str
    where: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A step, and whether the answers say that it is done.

    Attributes:
        step: what it is.
        done: None where the questions are open.
        grounds: the answers that decided it.
    """

    step: Step
    done: bool | None
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class BlockMaturity:
    """How mature one block is.

    Attributes:
        block: its id.
        level: None where none of its questions is answered.
        aside: every question was set aside, so it counts for nothing.
        done: what it does.
        missing: what it would do at the levels above.
    """

    block: str
    level: Level | None
    aside: bool
    done: tuple[Judged, ...]
    missing: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Unneeded:
    """What the team can leave out for now, and the answer that says so."""

    what: str
    says: str
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the answers say of a stack.

    Attributes:
        level: of the whole, which is that of its least mature block; None where nothing is answered.
        wanted: the level to reach.
        meaning: what the level is, and what it is called elsewhere.
        held_back_by: the blocks that keep the whole at its level.
        blocks: each block.
        score: the ML test score.
        roadmap: what to do, first things first.
        unneeded: what can be left out for now.
        later: questions that matter only above the wanted level, and are open.
    """

    level: Level | None
    wanted: Level
    meaning: Meaning | None
    held_back_by: tuple[str, ...]
    blocks: tuple[BlockMaturity, ...]
    score: TestScore
    roadmap: tuple[Judged, ...]
    unneeded: tuple[Unneeded, ...]
    later: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The assessment as JSON can hold it."""
        return {
            "level": self.level,
            "wanted": self.wanted,
            "meaning": self.meaning
            and {"means": self.meaning.means, "google": self.meaning.google, "microsoft": self.meaning.microsoft},
            "held_back_by": list(self.held_back_by),
            "blocks": [
                {
                    "block": one.block,
                    "level": one.level,
                    "set_aside": one.aside,
                    "done": [_plain(step) for step in one.done],
                    "missing": [_plain(step) for step in one.missing],
                }
                for one in self.blocks
            ],
            "test_score": {
                "total": self.score.total,
                "band": self.score.band,
                "sections": self.score.sections,
                "tests": [
                    {"id": one.id, "test": one.test, "points": one.points, "told": one.told, "answers": list(one.paths)}
                    for one in self.score.points
                ],
            },
            "roadmap": [_plain(step) for step in self.roadmap],
            "unneeded": [
                {"what": one.what, "because": one.says, "answers": [_plain_ground(ground) for ground in one.grounds]}
                for one in self.unneeded
            ],
            "later": list(self.later),
        }


def assess(
    canvas: Canvas, *, wanted: Level | None = None, model: str | None = None, environment: str | None = None
) -> Assessment:
    """Judge what is answered; an open question counts as not done.

    Args:
        canvas: the answers.
        wanted: the level to reach; that of the canvas when None, and where it names none, the one above.
        model: judge what holds for this model.
        environment: judge what holds in this environment.

    Raises:
        NotFound: no such environment.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> found = assess(loads("{stackcanvas: 1, project: {name: x}, serving: {mode: {mode: online}}}"))
        >>> found.level, found.roadmap[0].step.id
        ('tactical', 'version-control')
    """
    rules = rubric()
    said = everything(canvas, model=model, environment=environment)
    judged = {name: _judged(said, canvas, step) for name, step in rules.steps.items()}
    blocks = tuple(_block(canvas, said, block, judged.values()) for block in BLOCK_ANSWERS)
    level = _overall(blocks)
    goal = wanted or canvas.project.maturity.wanted or _above(level)
    roadmap = _roadmap(judged, goal, blocks)
    return Assessment(
        level=level,
        wanted=goal,
        meaning=rules.levels[level] if level else None,
        held_back_by=tuple(
            one.block for one in blocks if _counts(one) and (one.level or LEVELS[0]) == level != LEVELS[-1]
        ),
        blocks=blocks,
        score=score(said),
        roadmap=roadmap,
        unneeded=_unneeded(said, canvas, rules, roadmap),
        later=tuple(
            question for question in canvas.unanswered if LEVELS.index(QUESTIONS[question].level) > LEVELS.index(goal)
        ),
    )


def _above(level: Level | None) -> Level:
    return LEVELS[0] if level is None else LEVELS[min(LEVELS.index(level) + 1, len(LEVELS) - 1)]


def _judged(said: Said, canvas: Canvas, step: Step) -> Judged:
    verdict = judge(said, step.when)
    return Judged(step, verdict.holds, tuple(_ground(said, canvas, path) for path in verdict.paths))


def _block(canvas: Canvas, said: Said, block: str, judged: Iterable[Judged]) -> BlockMaturity:
    own = [one for one in judged if one.step.block == block]
    questions = [question for question in QUESTION_IDS if question.partition(".")[0] == block]
    answered = any(said.is_written(question) for question in questions)
    aside = not answered and all(question in canvas.not_applicable for question in questions)
    done = tuple(one for one in own if one.done)
    missing = tuple(one for one in own if not one.done)
    level: Level | None = None
    if answered:
        level = LEVELS[0]
        for higher in LEVELS[1:]:
            if any(LEVELS.index(one.step.level) <= LEVELS.index(higher) for one in missing):
                break
            level = higher
    return BlockMaturity(block, level, aside, done, missing)


def _counts(one: BlockMaturity) -> bool:
    return not one.aside and one.block != _BESIDE


def _overall(blocks: Iterable[BlockMaturity]) -> Level | None:
    counted = [one for one in blocks if _counts(one)]
    if not any(one.level for one in counted):
        return None
    # What nobody has answered may be anything; what is known of it is the least.
    return LEVELS[min(LEVELS.index(one.level or LEVELS[0]) for one in counted)]


def _roadmap(judged: dict[str, Judged], goal: Level, blocks: Iterable[BlockMaturity]) -> tuple[Judged, ...]:
    """Open steps up to the goal: the foundations first, then by what they bring for what they take."""
    aside = {one.block for one in blocks if one.aside}
    todo = {
        name: one
        for name, one in judged.items()
        if not one.done and LEVELS.index(one.step.level) <= LEVELS.index(goal) and one.step.block not in aside
    }
    order = {name: place for place, name in enumerate(todo)}

    def rank(name: str) -> tuple[bool, float, int]:
        step = todo[name].step
        return step.block != _FOUNDATIONS, -step.benefit / step.effort, order[name]

    ordered: list[Judged] = []
    while todo:
        ready = [name for name, one in todo.items() if not any(need in todo for need in one.step.needs)]
        first = min(ready, key=rank)
        ordered.append(todo.pop(first))
    return tuple(ordered)


def _unneeded(said: Said, canvas: Canvas, rules: Rubric, roadmap: Iterable[Judged]) -> tuple[Unneeded, ...]:
    found = []
    ahead = {one.step.id for one in roadmap}
    for luxury in rules.unneeded:
        if luxury.step in ahead or judge(said, luxury.unless).holds:
            continue
        for reason in luxury.because:
            verdict = judge(said, reason.when)
            if verdict.holds:
                grounds = tuple(_ground(said, canvas, path) for path in verdict.paths)
                found.append(Unneeded(luxury.what, reason.says, grounds))
                break
    return tuple(found)


def _ground(said: Said, canvas: Canvas, path: str) -> Ground:
    if said.get(path) is None:
        return Ground(path, "", None)
    if path.startswith(f"{HEADER}."):
        answer, where = canvas.locate(*path.split("."))
        return Ground(path, short(answer), where)
    question, keys = paths.split(path)
    plain = paths.to_plain(question, said.effective.get(question))
    for key in keys:
        plain = plain.get(key) if isinstance(plain, dict) else None
    return Ground(path, short(plain), said.effective.origin(path).where)


def _plain(one: Judged) -> dict[str, Any]:
    step = one.step
    return {
        "id": step.id,
        "block": step.block,
        "level": step.level,
        "title": step.title,
        "todo": step.todo,
        "benefit": step.benefit,
        "effort": step.effort,
        "needs": list(step.needs),
        "done": one.done,
        "answers": [_plain_ground(ground) for ground in one.grounds],
    }


def _plain_ground(ground: Ground) -> dict[str, Any]:
    return {"path": ground.path, "answer": ground.answer, "where": ground.where}

"""What is asked: the questions of the canvas, and the few lines of its header that decide which of them matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from stackcanvas.canvas import edit, paths, problems
from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.blocks import QUESTION_IDS, Answers, place_of
from stackcanvas.canvas.project import Project
from stackcanvas.canvas.questions import BLOCKS, QUESTIONS, Level
from stackcanvas.canvas.shape import Shape, at, shape_of_model
from stackcanvas.errors import NotFound

HEADER = "project"
_LEVELS: tuple[Level, ...] = ("tactical", "strategic", "transformational")
_MEANINGS = {
    "tactical": "a first, small project; much of it by hand",
    "strategic": "pipelines prepare data and train; models answer under watch",
    "transformational": "built, trained, released and watched without hands",
}
_HEADER = {
    "project.name": ("What is the project called?", "A short name; it stands on top of every page."),
    "project.maturity.now": (
        "How far is the team?",
        "Where it really stands; nobody is graded. The assessment tells what the answers say of it.",
    ),
    "project.maturity.wanted": (
        "How far does it want to be?",
        "Only the questions that matter at this level are asked; the others can wait.",
    ),
    "project.regulated": (
        "Does a law or an auditor ask how predictions come about?",
        (
            "If so, versions, records and approvals are not a matter of taste. Personal data alone do not make a "
            "project regulated in this sense; decisions about persons often do."
        ),
    ),
    "project.currency": ("In which currency is money given?", "A code of three letters. All amounts are read in it."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a part of an answer.

    Attributes:
        location: the keys from the answer to the part; empty for the whole.
        sentence: what is wrong, and what would be right.
    """

    location: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is asked.

    Attributes:
        id: of the question, or `project.` and a key of the header.
        block: the id of its block, or `project`.
        title: the question.
        help: what it means.
        shape: what an answer looks like.
        configures: what the answer does in the running stack.
        meanings: of choices, where their names do not tell.
    """

    id: str
    block: str
    title: str
    help: str
    shape: Shape
    configures: str = ""
    meanings: Mapping[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The title of its block."""
        return "The project" if self.block == HEADER else BLOCKS[self.block].title

    def current(self, canvas: Canvas) -> Any:
        """What is written now, as YAML holds it; None where nothing is."""
        keys = self.id.split(".") if self.block == HEADER else place_of(self.id)
        return canvas.locate(*keys)[0]

    def problems(self, plain: object) -> list[Problem]:
        """What is wrong with an answer, part by part."""
        found = _header_errors(self.id, plain) if self.block == HEADER else paths.errors_of(self.id, _frozen(plain))
        if found is None:
            return []
        skip = len(self.id.split(".")) - 1 if self.block == HEADER else 2
        model = Project if self.block == HEADER else Answers
        located = problems.located(found, shape=shape_of_model(model), place=lambda _location, _key: "")
        return [
            Problem(_location(location[skip:], plain), _sentence(error.what, error.expected, error.fix))
            for location, error in located
        ]

    def change(self, plain: object) -> edit.Change:
        """What writes an answer."""
        if self.block == HEADER:
            return edit.describe(self.id.partition(".")[2], plain)
        return edit.answer(self.id, plain)


def item(identity: str) -> Item:
    """One item by its id.

    Raises:
        NotFound: there is none.

    Example:
        >>> item("data.versioning").shape.choices
        ('optional', 'mandatory')
    """
    if identity in _HEADER:
        title, told = _HEADER[identity]
        shape = at(shape_of_model(Project), identity.split(".")[1:])
        assert shape is not None
        meanings = _MEANINGS if identity.startswith("project.maturity.") else {}
        return Item(identity, HEADER, title, told, shape, meanings=meanings)
    if identity not in QUESTION_IDS:
        raise NotFound("question", identity, known=(*_HEADER, *QUESTION_IDS))
    question = QUESTIONS[identity]
    return Item(identity, question.block, question.title, question.help, question.shape, question.configures)


def plan_all(*, block: str | None = None) -> tuple[Item, ...]:
    """Everything that can be asked, the header first; or what one block asks.

    Raises:
        NotFound: there is no such block.
    """
    if block is not None and block not in BLOCKS:
        raise NotFound("block", block, known=tuple(BLOCKS), fix=f"Blocks are {', '.join(BLOCKS)}")
    chosen = [question for question in QUESTION_IDS if block is None or question.partition(".")[0] == block]
    return tuple(item(identity) for identity in (*(_HEADER if block is None else ()), *chosen))


def plan(canvas: Canvas, *, block: str | None = None, every: bool = False) -> tuple[Item, ...]:
    """What is still to be asked: open, and of a level that the team is at or wants.

    Args:
        canvas: what is answered so far.
        block: only its questions.
        every: also those that matter at higher levels only.

    Raises:
        NotFound: there is no such block.
    """
    maturity = canvas.project.maturity
    level = maturity.wanted or maturity.now or _LEVELS[0]
    wanted = []
    for one in plan_all(block=block):
        if one.block == HEADER:
            if one.current(canvas) is None:
                wanted.append(one)
        elif one.id in canvas.unanswered and (every or _LEVELS.index(QUESTIONS[one.id].level) <= _LEVELS.index(level)):
            wanted.append(one)
    return tuple(wanted)


def _header_errors(identity: str, plain: object) -> ValidationError | None:
    header: object = plain
    for key in reversed(identity.split(".")[1:]):
        header = {key: header}
    try:
        Project.model_validate({"name": "x", **header} if isinstance(header, dict) else header)
    except ValidationError as error:
        return error
    return None


def _location(found: tuple[str | int, ...], plain: object) -> tuple[str, ...]:
    """A location without the names of variants, which stand nowhere in an answer."""
    kept: list[str] = []
    here = plain
    for place, part in enumerate(found):
        last = place == len(found) - 1
        if isinstance(here, dict) and (part in here or last):
            here = here.get(part)
        elif isinstance(here, list | tuple) and isinstance(part, int):
            here = here[part] if part < len(here) else None
        else:
            continue
        kept.append(str(part))
    return tuple(kept)


def _frozen(plain: object) -> object:
    if isinstance(plain, dict):
        return {key: _frozen(value) for key, value in plain.items()}
    return tuple(_frozen(value) for value in plain) if isinstance(plain, list | tuple) else plain


def _sentence(what: str, expected: str | None, fix: str | None) -> str:
    parts = [f"{what[:1].upper()}{what[1:]}."]
    if expected:
        parts.append(f"Expected: {expected}.")
    if fix:
        parts.append(f"{fix}.")
    return " ".join(parts)

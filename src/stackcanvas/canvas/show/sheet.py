"""The canvas as one page: what stands in each cell, before anybody draws it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.blocks import place_of
from stackcanvas.canvas.questions import BLOCKS, CREDIT, QUESTIONS, Block, Cell
from stackcanvas.canvas.show.words import label, statement
from stackcanvas.plain import one_line

_KEPT_INVISIBLE = "\u200c\u200d\u200e\u200f"


@dataclass(frozen=True, slots=True)
class Line:
    """One answer in a cell.

    Attributes:
        label: the question in a word or two.
        text: the answer on one line, whole.
    """

    label: str
    text: str

    @property
    def right_to_left(self) -> bool:
        """Whether the answer is read from the right."""
        return reads_from_right(self.text)

    def folded(self, longest: int) -> Line:
        """The line with no more letters than that, an ellipsis for the rest."""
        return Line(self.label, fold(self.text, longest))


@dataclass(frozen=True, slots=True)
class SheetBlock:
    """One cell of the page.

    Attributes:
        id: of the block.
        number: as printed.
        title: a few words.
        hint: what is said where nothing is answered.
        area: the part of the canvas that it belongs to.
        cell: where it is printed.
        lines: its answers, in order.
        asks: its questions, where nothing is answered yet.
        questions: how many there are.
        set_aside: how many of them do not apply.
    """

    id: str
    number: int
    title: str
    hint: str
    area: str
    cell: Cell
    lines: tuple[Line, ...]
    asks: tuple[str, ...]
    questions: int
    set_aside: int

    @property
    def state(self) -> str:
        """How far it is filled in, in a few words."""
        open_count = self.questions - self.set_aside - len(self.lines)
        if open_count <= 0:
            return "all answered"
        return f"{open_count} of {self.questions} open"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The page.

    Attributes:
        project: its name.
        date: when the canvas was filled in, or nothing.
        team: who works on it.
        facts: further words of the header: maturity, regulation.
        statement: the positioning as a sentence or two, in the centre; nothing where it is not answered.
        blocks: in the order of their numbers, the dilemmas last.
        credit: whose canvas it is.
        digest: of the canvas.
    """

    project: str
    date: str
    team: tuple[str, ...]
    facts: tuple[str, ...]
    statement: str
    blocks: tuple[SheetBlock, ...]
    credit: str
    digest: str

    def block(self, identity: str) -> SheetBlock:
        """A block by its id."""
        return next(block for block in self.blocks if block.id == identity)


def sheet(canvas: Canvas) -> Sheet:
    """What the page of a canvas says.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> page = sheet(loads("{stackcanvas: 1, project: {name: demo}, data: {versioning: mandatory}}"))
        >>> page.block("data").lines, page.block("data").state
        ((Line(label='Versioning', text='mandatory'),), '5 of 6 open')
    """
    answers = canvas.answers.model_dump(mode="json", exclude_none=True, exclude_unset=True, by_alias=True)
    project = canvas.project
    positioning = answers.get("value", {}).get("positioning")
    return Sheet(
        project=clean(project.name),
        date=str(project.date or ""),
        team=tuple(clean(one) for one in project.team),
        facts=_facts(canvas),
        statement=clean(statement(positioning)) if positioning else "",
        blocks=tuple(_block(block, canvas, answers.get(block.key, {})) for block in BLOCKS.values()),
        credit=CREDIT,
        digest=canvas.digest,
    )


def clean(text: str) -> str:
    r"""Text on one line without what steers a terminal or turns the direction of what follows.

    Example:
        >>> clean("a\x9b31mb\n c")
        'a31mb c'
    """
    spaced = " ".join(text.split())
    return "".join(letter for letter in spaced if letter.isprintable() or letter in _KEPT_INVISIBLE)


def fold(text: str, longest: int) -> str:
    """The beginning of a text, cut between words where that loses little.

    Example:
        >>> fold("a canary in three steps", 12), fold("short", 12)
        ('a canary…', 'short')
    """
    if len(text) <= longest:
        return text
    kept = text[: max(1, longest - 1)]
    words = kept.rsplit(" ", 1)[0]
    return f"{(words if len(words) * 2 > len(kept) else kept).rstrip(' ,;·')}…"


def reads_from_right(text: str) -> bool:
    """Whether the first letter that has a direction is read from the right.

    Example:
        >>> reads_from_right("(שלום)"), reads_from_right("1. hello")
        (True, False)
    """
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction in {"R", "AL"}:
            return True
        if direction == "L":
            return False
    return False


def _facts(canvas: Canvas) -> tuple[str, ...]:
    maturity = canvas.project.maturity
    levels = [level for level in (maturity.now, maturity.wanted) if level]
    told = [" to ".join(dict.fromkeys(levels))] if levels else []
    return (*told, *(("regulated",) if canvas.project.regulated else ()))


def _block(block: Block, canvas: Canvas, answers: dict[str, Any]) -> SheetBlock:
    asked = [question for question in QUESTIONS.values() if question.block == block.id]
    return SheetBlock(
        id=block.id,
        number=block.number,
        title=block.title,
        hint=block.hint,
        area=block.area,
        cell=block.cell,
        lines=tuple(_lines((question.key, answers.get(place_of(question.id)[1])) for question in asked)),
        asks=() if answers else tuple(question.title for question in asked),
        questions=len(asked),
        set_aside=sum(1 for question in asked if question.id in canvas.not_applicable and question.key not in answers),
    )


def _lines(pairs: Iterable[tuple[str, object]]) -> Iterable[Line]:
    for key, answer in pairs:
        if answer is not None:
            yield Line(label(key), clean(one_line(answer)) or "nothing")

"""The questions and blocks as records, in the canvas's order; their words are read when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from stackcanvas.canvas import paths
from stackcanvas.canvas.blocks import BLOCK_ANSWERS, DEFAULTS, PER_MODEL, QUESTION_IDS, key_of, place_of
from stackcanvas.canvas.shape import Shape
from stackcanvas.canvas.syntax import read
from stackcanvas.errors import Corrupt, NotFound

Level = Literal["tactical", "strategic", "transformational"]

PHASES: Mapping[int, str] = MappingProxyType(
    {
        1: "business and data understanding",
        2: "data engineering",
        3: "model engineering",
        4: "evaluation",
        5: "deployment",
        6: "monitoring and maintenance",
    }
)
"""The phases of CRISP-ML(Q), by number."""

AREAS = ("value proposition", "data and code management", "model management", "metadata management", "dilemmas")
"""The parts of the printed canvas."""

CREDIT = (
    "MLOps Stack Canvas by Larysa Visengeriyeva and the ml-ops.org authors (INNOQ), "
    "https://ml-ops.org/content/mlops-stack-canvas, CC BY-SA 4.0; worded anew for stackcanvas"
)
"""The line that every export of the canvas carries."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a block stands on the printed canvas: five columns of six rows, with a footer in row 7.

    Attributes:
        column: from 1.
        row: from 1.
        columns: how many it spans.
        rows: how many it spans.
    """

    column: int
    row: int
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the canvas.

    Attributes:
        id: the first part of its questions' ids.
        key: its key in canvas.yaml.
        number: as printed; the dilemmas are 0.
        title: a few words.
        hint: one sentence.
        area: one of `AREAS`.
        phases: in which phases of CRISP-ML(Q) it is worked on, by number.
        cell: where it is printed.
        per_model: its answers may differ by model.
    """

    id: str
    key: str
    number: int
    title: str
    hint: str
    area: str
    phases: tuple[int, ...]
    cell: Cell
    per_model: bool

    @property
    def questions(self) -> tuple[Question, ...]:
        """Its questions, in order."""
        return tuple(question for question in QUESTIONS.values() if question.block == self.id)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the canvas.

    Attributes:
        id: such as `data.versioning`; never changes.
        block: the id of its block.
        key: its key under the block in canvas.yaml.
        title: the question.
        help: two or three sentences.
        phases: of CRISP-ML(Q), by number.
        level: the maturity from which it matters.
        configures: what the answer does in the running stack.
        example: an answer, as YAML holds it.
        evidence: what the stack can show for it.
        ours: it is not among the questions of the printed canvas.
        shape: what an answer looks like.
        per_model: the answer may differ by model.
        environment: the paths of it that may differ by environment.
        has_default: the stack takes something for it when it is not answered.
    """

    id: str
    block: str
    key: str
    title: str
    help: str
    phases: tuple[int, ...]
    level: Level
    configures: str
    example: Any
    evidence: str
    ours: bool
    shape: Shape
    per_model: bool
    environment: tuple[str, ...]
    has_default: bool


_LEFT, _RIGHT, _METADATA = AREAS[1], AREAS[2], AREAS[3]
# Number, area, phases and place of each block; design and print follow the second figure of the canvas's page.
_PRINTED: Mapping[str, tuple[int, str, tuple[int, ...], Cell]] = MappingProxyType(
    {
        "value": (1, AREAS[0], (1,), Cell(3, 1, rows=4)),
        "data": (2, _LEFT, (1, 2), Cell(2, 1, rows=3)),
        "experiments": (3, _LEFT, (1, 2, 3), Cell(1, 1, rows=3)),
        "features": (4, _LEFT, (2,), Cell(1, 4, rows=3)),
        "foundations": (5, _LEFT, (1, 2, 3, 4, 5, 6), Cell(2, 4, rows=3)),
        "pipelines": (6, _RIGHT, (3,), Cell(4, 1, rows=3)),
        "registry": (7, _RIGHT, (4,), Cell(5, 1, rows=2)),
        "deployment": (8, _RIGHT, (5,), Cell(5, 3, rows=2)),
        "serving": (9, _RIGHT, (5, 6), Cell(5, 5, rows=2)),
        "monitoring": (10, _RIGHT, (6,), Cell(4, 4, rows=3)),
        "metadata": (11, _METADATA, (1, 2, 3, 4, 5, 6), Cell(1, 7, columns=5)),
        "dilemma": (0, AREAS[4], (1,), Cell(3, 5, rows=2)),
    }
)

Record = TypeVar("Record")


class _Lazy(Mapping[str, Record]):
    """A mapping by id whose records are made when the first of them is asked for."""

    def __init__(self, what: str, ids: tuple[str, ...], make: Callable[[], Mapping[str, Record]]) -> None:
        self._what = what
        self._ids = ids
        self._make = make

    def __getitem__(self, key: str) -> Record:
        if key not in self._ids:
            raise NotFound(self._what, key, known=self._ids)
        return self._make()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, key: object) -> bool:
        return key in self._ids


@cache
def _words() -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    text = files("stackcanvas.canvas").joinpath("questions.yaml").read_text(encoding="utf-8")
    root = read(text, label="questions.yaml", problems=[])
    if root is None:
        raise Corrupt("the file of questions is empty", where="questions.yaml", fix="Install stackcanvas anew")
    words: Mapping[str, Mapping[str, Mapping[str, object]]] = root.plain()
    return words


@cache
def _questions() -> Mapping[str, Question]:
    words = _words()["questions"]
    return {identity: _question(identity, words[identity]) for identity in QUESTION_IDS}


def _question(identity: str, words: Mapping[str, object]) -> Question:
    block = identity.partition(".")[0]
    changeable = paths.environment_paths()
    return Question(
        id=identity,
        block=block,
        key=place_of(identity)[1],
        title=str(words["title"]),
        help=str(words["help"]),
        phases=tuple(words["phases"]),  # type: ignore[arg-type]
        level=words["level"],  # type: ignore[arg-type]
        configures=str(words["configures"]),
        example=words["example"],
        evidence=str(words["evidence"]),
        ours=words.get("ours") is True,
        shape=paths.shape_of_question(identity),
        per_model=block in PER_MODEL,
        environment=tuple(path for path in changeable if path == identity or path.startswith(f"{identity}.")),
        has_default=identity in DEFAULTS,
    )


@cache
def _blocks() -> Mapping[str, Block]:
    words = _words()["blocks"]
    blocks = {}
    for identity in BLOCK_ANSWERS:
        number, area, phases, cell = _PRINTED[identity]
        title, hint = str(words[identity]["title"]), str(words[identity]["hint"])
        blocks[identity] = Block(
            identity, key_of(identity), number, title, hint, area, phases, cell, identity in PER_MODEL
        )
    return blocks


QUESTIONS: Mapping[str, Question] = _Lazy("question", QUESTION_IDS, _questions)
"""Every question by id, in the canvas's order."""

BLOCKS: Mapping[str, Block] = _Lazy("block", tuple(BLOCK_ANSWERS), _blocks)
"""Every block by id, in the order of their numbers, the dilemmas last."""

"""What pages show, as frozen records: templates draw them, and the address with `.json` gives them as they are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """One value in a table.

    Args:
        text: as a person reads it.
        href: where it leads.
        tone: `plain`, `good`, `warn`, `bad` or `soft`.
        mono: whether every character counts, as in a digest.
        whole: never broken into lines, as an instant.
    """

    text: str
    href: str | None = None
    tone: str = "plain"
    mono: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Records of one kind.

    Args:
        columns: headings; one that begins with `#` stands over numbers.
        empty: what is said when there are no rows, best with the command that makes the first one.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "Nothing yet."


@dataclass(frozen=True, slots=True)
class FactView:
    """One thing that the records show."""

    label: str
    value: str
    href: str | None = None
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Decision:
    """Why, by whom and when a question was decided."""

    status: str
    why: str | None = None
    owner: str | None = None
    decided: str | None = None


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question with its answer.

    Args:
        label: the question in two or three words.
        short: the answer in a line, None while it is open.
        answer: the answer as plain data, for showing it whole.
        configures: what the running stack does with it.
    """

    id: str
    label: str
    title: str
    help: str
    href: str
    short: str | None
    answer: object
    decision: Decision | None = None
    configures: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether an answer is still wanted."""
        return self.short is None and (self.decision is None or self.decision.status != "not applicable")


@dataclass(frozen=True, slots=True)
class BlockView:
    """One block of the canvas.

    Args:
        number: as printed on the canvas; the dilemmas are 0.
        area: `data`, `model`, `metadata`, `value` or `dilemma`.
        hint: what the block is about, shown while it has no answers.
    """

    id: str
    number: int
    title: str
    area: str
    hint: str
    href: str
    questions: tuple[QuestionView, ...]
    facts: tuple[FactView, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def answered(self) -> tuple[QuestionView, ...]:
        """The questions that have an answer."""
        return tuple(question for question in self.questions if question.short is not None)

    @property
    def open_count(self) -> int:
        """How many questions still want an answer."""
        return sum(question.is_open for question in self.questions)


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around every page.

    Args:
        title: of the page.
        here: the address of the page.
        rooms: the blocks as links, in the canvas's order.
        tools: pages about the whole canvas: their names and addresses.
        news: what to know of canvas.yaml beside what runs; empty for nothing.
        live: whether the page refreshes itself when something happens.
    """

    title: str
    here: str
    project: str
    version: str
    rooms: tuple[RoomLink, ...]
    tools: tuple[tuple[str, str], ...] = ()
    news: str = ""
    live: bool = True


@dataclass(frozen=True, slots=True)
class RoomLink:
    """A block in the navigation."""

    id: str
    number: int
    title: str
    href: str
    area: str


@dataclass(frozen=True, slots=True)
class CanvasPage:
    """The canvas: header, eleven blocks and the dilemmas, each with answers and evidence."""

    project: str
    date: str | None
    team: tuple[str, ...]
    positioning: str | None
    blocks: tuple[BlockView, ...]
    processes: tuple[FactView, ...] = ()

    def block(self, block: str) -> BlockView:
        """One block by its id."""
        return next(found for found in self.blocks if found.id == block)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Args:
        label: what it shows, where there are several.
        points: each `x,y` in a box of 600 by 160.
        latest: its last value.
    """

    label: str
    points: str
    latest: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time or steps, drawn as SVG.

    Args:
        low, high: the range of values.
        first, last: what stands at the two ends.
    """

    title: str
    lines: tuple[Line, ...]
    low: str
    high: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Twig:
    """A line of a tree with what hangs on it.

    Args:
        role: as what it was known.
        note: what more there is to say.
    """

    text: str
    href: str | None
    role: str = ""
    note: str = ""
    is_work: bool = False
    twigs: tuple[Twig, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """The way from a thing, as a tree."""

    title: str
    twigs: tuple[Twig, ...]
    empty: str


@dataclass(frozen=True, slots=True)
class BlockPage:
    """The room of a block: its questions, its evidence and its records."""

    block: BlockView
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    before: RoomLink | None = None
    after: RoomLink | None = None


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Anything that the stack keeps: its facts, charts of its metrics, its lineage, and what is tied to it."""

    kind: str
    title: str
    facts: tuple[FactView, ...]
    charts: tuple[Chart, ...] = ()
    trees: tuple[Tree, ...] = ()
    tables: tuple[Table, ...] = ()
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class EventsPage:
    """What happened, newest first."""

    table: Table
    older: str | None


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """Why there is no page."""

    status: int
    sentence: str


@dataclass(frozen=True, slots=True)
class PatternsPage:
    """One example of every part."""

    blocks: tuple[BlockView, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]
    trees: tuple[Tree, ...]
    facts: tuple[FactView, ...]

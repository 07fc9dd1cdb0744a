"""What the pages about answers show: questions to answer, contradictions, maturity."""

from __future__ import annotations

from dataclasses import dataclass

from stackcanvas.canvas.ask import Entry


@dataclass(frozen=True, slots=True)
class AskLink:
    """A question in the list of questions.

    Args:
        state: `open`, `answered`, `aside` or `later` (it matters at a higher level).
        short: the answer in a line.
    """

    id: str
    title: str
    href: str
    state: str
    short: str


@dataclass(frozen=True, slots=True)
class AskGroup:
    """The questions of one block."""

    title: str
    area: str
    links: tuple[AskLink, ...]

    @property
    def done(self) -> int:
        """How many need nothing more."""
        return sum(link.state in {"answered", "aside"} for link in self.links)


@dataclass(frozen=True, slots=True)
class AskListPage:
    """Every question and how far the team is with it.

    Args:
        level: the level of maturity that decides what matters.
        to_ask: how many open questions matter at that level.
        first: where to begin.
    """

    level: str
    to_ask: int
    first: str | None
    groups: tuple[AskGroup, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence above a form.

    Args:
        tone: `good`, `warn` or `bad`.
    """

    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class AskPage:
    """One question as a form.

    Args:
        entry: the form itself.
        why: the reason, as it stands.
        owner: who decided.
        token: shows that the form came from here.
        was: the mark of the answer that the form was made from.
        notices: what happened, or what is wrong.
        can_decide: reasons can be written down; the header has none.
        is_answered: there is an answer to take back.
        patch: what to change in the file, where this server may not.
    """

    id: str
    block: str
    area: str
    title: str
    help: str
    configures: str
    entry: Entry
    why: str
    owner: str
    token: str
    was: str
    notices: tuple[Notice, ...]
    can_decide: bool
    is_answered: bool
    left: int
    skip: str
    back: str
    patch: str = ""


@dataclass(frozen=True, slots=True)
class PlaceView:
    """An answer that is named, leading to its form."""

    path: str
    answer: str
    where: str
    href: str


@dataclass(frozen=True, slots=True)
class FindingView:
    """A contradiction."""

    rule: str
    severity: str
    about: str
    why: str
    mend: str
    places: tuple[PlaceView, ...]


@dataclass(frozen=True, slots=True)
class CheckPage:
    """What is wrong with the canvas.

    Args:
        unreadable: mistakes of form; then nothing else can be told.
    """

    answered: int
    open: int
    rules: int
    findings: tuple[FindingView, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """How many errors and warnings there are."""
        counts = {word: sum(finding.severity == word for finding in self.findings) for word in ("error", "warning")}
        return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts.items() if count)


@dataclass(frozen=True, slots=True)
class StepView:
    """Something to do, or done."""

    todo: str
    title: str
    block: str
    level: str
    done: bool
    benefit: int
    effort: int
    places: tuple[PlaceView, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlockLevel:
    """How mature a block is."""

    title: str
    href: str
    area: str
    level: str
    steps: tuple[StepView, ...]

    @property
    def done(self) -> int:
        """How many of its steps are done."""
        return sum(step.done for step in self.steps)


@dataclass(frozen=True, slots=True)
class PointView:
    """One test of the ML test score."""

    id: str
    test: str
    points: float
    told: bool


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section of the ML test score."""

    title: str
    points: float
    tests: tuple[PointView, ...]


@dataclass(frozen=True, slots=True)
class LuxuryView:
    """What can wait, and the answer that says so."""

    what: str
    says: str
    places: tuple[PlaceView, ...]


@dataclass(frozen=True, slots=True)
class AssessPage:
    """How mature the stack is by its answers."""

    level: str
    wanted: str
    means: str
    google: str
    microsoft: str
    held_back_by: tuple[str, ...]
    blocks: tuple[BlockLevel, ...]
    score: float
    band: str
    sections: tuple[SectionView, ...]
    roadmap: tuple[StepView, ...]
    unneeded: tuple[LuxuryView, ...]
    later: int
    levels: tuple[tuple[str, str], ...]

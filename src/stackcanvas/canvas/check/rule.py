"""What a rule is: a function over answers that it declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stackcanvas.canvas.check.finding import Severity
from stackcanvas.canvas.said import Said


@dataclass(frozen=True, slots=True)
class Clash:
    """What a rule saw.

    Attributes:
        paths: the answers that clash; the one to look at first comes first.
        why: one clause.
        mend: a sentence without its full stop.
    """

    paths: tuple[str, ...]
    why: str
    mend: str


def clash(*given: str, why: str, mend: str) -> Clash:
    """Say that answers clash.

    Args:
        given: their paths, the one to look at first comes first; numbers for entries of lists.
        why: one clause.
        mend: a sentence without its full stop.
    """
    return Clash(given, why, mend)


Find = Callable[[Said], Iterator[Clash]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A contradiction that can be told from answers.

    Attributes:
        id: its name, as findings give it.
        title: what is wrong when it speaks, in one sentence.
        severity: `error` or `warning`.
        reads: the questions (and parts of the header) without whose answers it stays silent.
        also: what it reads besides where that is answered.
        find: the rule itself.
    """

    id: str
    title: str
    severity: Severity
    reads: tuple[str, ...]
    also: tuple[str, ...]
    find: Find

    @property
    def every(self) -> frozenset[str]:
        """All that it may read."""
        return frozenset((*self.reads, *self.also))


def rule(*reads: str, severity: Severity, also: tuple[str, ...] = ()) -> Callable[[Find], Rule]:
    """Make a rule of a function; its docstring is its title, its name the rule's.

    Args:
        reads: the questions without whose answers it stays silent.
        severity: `error` for what cannot be, `warning` for what is probably not meant.
        also: what it reads besides where that is answered.
    """

    def make(find: Find) -> Rule:
        return Rule(find.__name__.replace("_", "-"), (find.__doc__ or "").strip(), severity, reads, also, find)

    return make

"""What a rule is, and what it may see: the answers that it declares, and only where they were given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from stackcanvas.canvas import paths
from stackcanvas.canvas.answered import Effective
from stackcanvas.canvas.check.finding import Severity
from stackcanvas.canvas.project import Decision, Project

HEADER = "project"


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


@dataclass(frozen=True, slots=True)
class Said:
    """The answers as one rule sees them: what it did not declare it cannot read.

    Attributes:
        effective: the answers of one model in one environment.
        project: the header.
        decisions: what was decided, by question.
        reads: what may be read.
    """

    effective: Effective
    project: Project
    decisions: Mapping[str, Decision]
    reads: frozenset[str] = field(default_factory=frozenset)

    def get(self, path: str) -> Any:
        """An answer, or a part of it; None where nobody wrote one. An answer read whole brings its defaults along."""
        head, _, rest = path.partition(".")
        if head == HEADER:
            assert path in self.reads, f"{path} is read, but not declared"
            return written(self.project, tuple(rest.split(".")))
        question, keys = paths.split(path)
        assert question in self.reads, f"{question} is read, but not declared"
        if not self.is_written(path):
            return None
        return written(self.effective.get(question), keys) if keys else self.effective.get(question)

    def all(self, path: str) -> tuple[Any, ...]:
        """The entries of a list; none where nobody wrote one."""
        return self.get(path) or ()

    def is_set_aside(self, question: str) -> bool:
        """Whether `decisions` says that the question does not apply."""
        assert question in self.reads, f"{question} is read, but not declared"
        return question in self.decisions and self.decisions[question].status == "not applicable"

    def is_written(self, path: str) -> bool:
        """Whether somebody wrote the answer, or this part of it."""
        question = ".".join(path.split(".")[:2])
        origins = self.effective.origins
        if origins[question].kind in {"canvas", "model", "environment"}:
            return True
        # An environment may change a part of what is answered nowhere else.
        changed = [one for one in origins if one.startswith(f"{question}.")]
        return any(path.startswith(one) or one.startswith(path) for one in changed)


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


def written(answer: Any, keys: tuple[str, ...]) -> Any:
    """A part of an answer that was written; None where its default stands for it."""
    for key in keys:
        if isinstance(answer, tuple) and key.isdecimal():
            answer = answer[int(key)] if int(key) < len(answer) else None
            continue
        if not isinstance(answer, BaseModel):
            return None
        name = next((name for name, info in type(answer).model_fields.items() if key in {name, info.alias}), None)
        if name is None or name not in answer.model_fields_set:
            return None
        answer = getattr(answer, name)
    return answer

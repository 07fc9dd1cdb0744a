"""The answers as a rule may see them: only what it declares, and only where somebody wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from stackcanvas.canvas import paths, render
from stackcanvas.canvas.answered import Canvas, Effective
from stackcanvas.canvas.blocks import QUESTION_IDS
from stackcanvas.canvas.project import Decision, Project

HEADER = "project"
"""What paths into the header begin with."""

_EVERYTHING = frozenset(
    (*QUESTION_IDS, "project.regulated", "project.maturity.now", "project.maturity.wanted", "project.team")
)


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


def everything(canvas: Canvas, *, model: str | None = None, environment: str | None = None) -> Said:
    """All the answers that somebody wrote, as they hold for a model in an environment.

    Raises:
        NotFound: no such environment.
    """
    effective = canvas.effective(model=model, environment=environment)
    return Said(effective, canvas.project, canvas.decisions, _EVERYTHING)


def short(plain: object, *, longest: int = 72) -> str:
    """An answer as YAML holds it, on one line of a sentence; empty where there is none.

    Example:
        >>> short({"kind": "canary", "margin": 3.0}), short(None)
        ('{kind: canary, margin: 3}', '')
    """
    if plain is None:
        return ""
    text = " ".join(render.inline(_tidy(plain)).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _tidy(plain: object) -> object:
    """With whole numbers written as such."""
    if isinstance(plain, dict):
        return {key: _tidy(value) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_tidy(value) for value in plain]
    return int(plain) if isinstance(plain, float) and plain.is_integer() and abs(plain) < 1e15 else plain

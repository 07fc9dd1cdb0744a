"""Two versions of a canvas as decisions that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.blocks import QUESTION_IDS, place_of
from stackcanvas.plain import one_line


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is said differently.

    Attributes:
        path: the question; `project.KEY`; or what a model, an environment or a decision says of a question.
        before: what was said, as YAML holds it; None where nothing was.
        after: what is said.
        parts: of an answer that has parts, those that differ.
        why: the reason that the newer canvas gives.
        where: the place in the newer canvas, or in the older one for what is gone.
    """

    path: str
    before: Any
    after: Any
    parts: tuple[str, ...]
    why: str | None
    where: str | None

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """Whether it is new, gone or different."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"

    def __str__(self) -> str:
        return f"{self.path}: {self.told(self.before)} → {self.told(self.after)}"

    def told(self, said: Any) -> str:
        """One side on one line, of an answer with parts only those that differ."""
        if said is None:
            return "nothing"
        if self.parts and isinstance(said, Mapping):
            return one_line({key: said.get(key) for key in self.parts if key in said}) or "default"
        return one_line(said) or "empty"

    def to_dict(self) -> dict[str, Any]:
        """The change as JSON can hold it."""
        return {
            "path": self.path,
            "kind": self.kind,
            "before": self.before,
            "after": self.after,
            "parts": self.parts,
            "why": self.why,
            "where": self.where,
        }


def compare(before: Canvas, after: Canvas) -> tuple[Change, ...]:
    """What changed from one canvas to another, in the order of the canvas; layout and comments are no change.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> old = loads("{stackcanvas: 1, project: {name: demo}, data: {versioning: optional}}")
        >>> new = loads("{stackcanvas: 1, project: {name: demo}, data: {versioning: mandatory}}")
        >>> [str(change) for change in compare(old, new)]
        ['data.versioning: optional → mandatory']
    """
    sides = before.to_dict(), after.to_dict()
    return tuple(
        _change(path, *pair, before=before, after=after) for path, *pair in _pairs(*sides) if pair[0] != pair[1]
    )


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    yield from _named("project", before.get("project", {}), after.get("project", {}))
    for question in QUESTION_IDS:
        block, key = place_of(question)
        yield question, before.get(block, {}).get(key), after.get(block, {}).get(key)
    for section in ("models", "environments"):
        for name in dict.fromkeys((*before[section], *after[section])):
            yield from _named(f"{section}.{name}", before[section].get(name, {}), after[section].get(name, {}))
    yield from _named("decisions", before["decisions"], after["decisions"])


def _named(start: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys((*before, *after)):
        yield f"{start}.{key}", before.get(key), after.get(key)


def _change(path: str, old: Any, new: Any, *, before: Canvas, after: Canvas) -> Change:
    parts: tuple[str, ...] = ()
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        parts = tuple(key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key))
    question = path if path in QUESTION_IDS else None
    decision = after.decisions.get(question) if question else None
    place = None if question is None else (before if new is None else after).where(question)
    return Change(path, old, new, parts, decision.why if decision else None, place)

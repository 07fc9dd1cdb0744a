"""A conversation about one answer: part by part, in any order that a person goes back and forth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from stackcanvas.canvas.ask.item import Item
from stackcanvas.canvas.ask.text import is_leaf, masked, read_text, show_text
from stackcanvas.canvas.shape import Field, Shape

_YES_OR_NO = Shape("yes or no", "yes or no", "yes")


class Back(Exception):
    """Go to what was asked before."""


class Skip(Exception):
    """Leave this question open."""


class Stop(Exception):
    """End the conversation; what was answered stays."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person is asked now.

    Attributes:
        item: the question as a whole.
        path: the part of its answer, empty for the whole.
        title: of the part.
        help: what it means.
        shape: what is typed.
        default: what stands there or is taken when nothing is typed, as text; empty for none.
        needed: the answer is not complete without it.
        choices: each choice and what it means.
        left_out: what is taken when this part is left out, as text; empty for nothing.
    """

    item: Item
    path: str
    title: str
    help: str
    shape: Shape
    default: str = ""
    needed: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    left_out: str = ""


class Port(Protocol):
    """What the conversation runs over."""

    def ask(self, prompt: Prompt) -> str:
        """One line from the person.

        Raises:
            Back: they want to go back.
            Skip: they leave the question open.
            Stop: they want to end.
        """

    def tell(self, sentence: str) -> None:
        """Say that something is wrong."""


def talk(one: Item, port: Port, *, current: Any = None) -> Any:
    """Ask until there is an answer that can be written; None where the person gives none.

    Args:
        one: what is asked.
        port: where it is asked.
        current: what is answered so far.

    Raises:
        Back: they want to go to the question before.
        Skip: they leave the question open.
        Stop: they want to end.
    """
    while True:
        plain = _Conversation(one, port).whole(current)
        if plain is None:
            return None
        wrong = one.problems(plain)
        if not wrong:
            return plain
        for problem in wrong:
            port.tell(f"{'.'.join(problem.location)}: {problem.sentence}" if problem.location else problem.sentence)
        current = plain


Whole = Callable[[Any], Any]
"""Puts a part into an answer that holds nothing else, so that the part can be checked alone."""


@dataclass(frozen=True, slots=True)
class _Conversation:
    item: Item
    port: Port
    given: list[str] = field(default_factory=list)

    def whole(self, current: Any) -> Any:
        """The answer to the question, or None."""
        one = self.item
        asked = _Asked("", one.title, one.help, lambda plain: plain, needed=False)
        if one.shape.fields:
            return self._fields(list(one.shape.fields), asked, current or {}) or None
        return self.value(one.shape, asked, current)

    def value(self, shape: Shape, asked: _Asked, current: Any) -> Any:
        if is_leaf(shape):
            return self._leaf(shape, asked, current)
        if shape.kind == "list":
            return self._list(shape, asked, current)
        if shape.variants:
            return self._variant(shape, asked, current or {})
        if not asked.needed and not self._wants(asked, "Give details?"):
            return current
        return self._fields(list(shape.fields), asked, current or {})

    def _leaf(self, shape: Shape, asked: _Asked, current: Any) -> Any:
        choices = _choices(shape, {} if asked.path else self.item.meanings)
        prompt = asked.prompt(self.item, shape, default=show_text(shape, masked(shape, current)), choices=choices)
        while True:
            text = self.port.ask(prompt)
            if text.strip():
                plain = read_text(shape, text)
                wrong = self._wrong(shape, asked, plain)
                if not wrong:
                    self.given.append(asked.path)
                    return plain
                self.port.tell(wrong)
            elif asked.needed and current is None and not self.given:
                raise Skip  # nothing of the answer was given yet
            elif current is not None or not asked.needed:
                return current
            else:
                self.port.tell("This part is needed; `skip` leaves the whole question open.")

    def _wrong(self, shape: Shape, asked: _Asked, plain: Any) -> str:
        """What is wrong with this part alone; what else is missing is asked for later."""
        if shape.kind == "yes or no":
            return "" if isinstance(plain, bool) else "Write yes or no."
        location = tuple("0" if part.isdecimal() else part for part in asked.path.split(".") if part)
        for problem in self.item.problems(asked.whole(plain)):
            if problem.location[: len(location)] == location:
                return problem.sentence
        return ""

    def _list(self, shape: Shape, asked: _Asked, current: list[Any] | None) -> Any:
        assert shape.items is not None
        found = list(current or ())
        if found and not self._wants(asked, f"{len(found)} stand there already. Add another one?"):
            return found
        if not found and not asked.needed and not self._wants(asked, "Add one?"):
            return None
        while True:
            entry = asked.inner(
                str(len(found)), f"Entry {len(found) + 1}", asked.help, lambda plain: [plain], needed=True
            )
            try:
                found.append(self.value(shape.items, entry, None))
            except Back:
                if not found:
                    raise
                found.pop()
                continue
            if not self._wants(asked, "Another one?"):
                return found

    def _variant(self, shape: Shape, asked: _Asked, current: dict[str, Any]) -> Any:
        tag, words = shape.tag or "kind", tuple(shape.variants)
        choice = Shape("choice", f"one of {', '.join(words)}", words[0], choices=words)
        meanings = tuple((word, _of_tag(shape.variants[word], tag)) for word in words)
        prompt = asked.prompt(self.item, choice, default=str(current.get(tag, "")), choices=meanings)
        while True:
            text = self.port.ask(prompt)
            kind = read_text(choice, text) if text.strip() else current.get(tag)
            if kind is None:
                return None
            if kind not in words:
                self.port.tell(f"{text.strip()!r} is not one of {', '.join(words)}.")
                continue
            fields = [one for one in shape.variants[kind].fields if one.name != tag]
            kept = current if current.get(tag) == kind else {}
            said = asked.within({tag: kind})
            try:
                return {tag: kind, **self._fields(fields, said, kept)}
            except Back:
                continue

    def _fields(self, fields: list[Field], asked: _Asked, current: dict[str, Any]) -> dict[str, Any]:
        """The parts of a mapping: first what is needed, then the rest where it is wanted."""
        first = [one for one in fields if one.required] or fields
        rest = [one for one in fields if one not in first]
        found = dict(current)
        steps = [self._step(one, asked, found) for one in first]
        if rest:
            names = ", ".join(one.name.replace("_", " ") for one in rest)

            def more() -> None:
                if self._wants(asked, f"More details ({names})?"):
                    self._walk([self._step(one, asked, found) for one in rest])

            steps.append(more)
        self._walk(steps)
        return found

    def _walk(self, steps: list[Callable[[], None]]) -> None:
        place = 0
        while place < len(steps):
            try:
                steps[place]()
                place += 1
            except Back:
                if place == 0:
                    raise
                place -= 1

    def _step(self, one: Field, asked: _Asked, found: dict[str, Any]) -> Callable[[], None]:
        part = asked.inner(
            one.name,
            _title(one),
            _told(one),
            lambda plain: {one.name: plain},
            needed=one.required,
            left_out=show_text(one.shape, one.default) if _has_default(one) else "",
        )

        def step() -> None:
            plain = self.value(one.shape, part, found.get(one.name))
            if plain is not None:
                found[one.name] = plain

        return step

    def _wants(self, asked: _Asked, question: str) -> bool:
        title = question if not asked.path or question.startswith(("Another", "More")) else f"{asked.title} {question}"
        prompt = Prompt(self.item, asked.path, title, asked.help, _YES_OR_NO, "no")
        return self.port.ask(prompt).strip().lower() in {"y", "yes"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A part of an answer while it is asked for."""

    path: str
    title: str
    help: str
    whole: Whole
    needed: bool
    left_out: str = ""

    def inner(self, name: str, title: str, told: str, around: Whole, *, needed: bool, left_out: str = "") -> _Asked:
        """A part of this part."""
        path = f"{self.path}.{name}" if self.path else name
        return _Asked(path, title, told, lambda plain: self.whole(around(plain)), needed, left_out)

    def within(self, beside: dict[str, Any]) -> _Asked:
        """The same part, where something must stand beside what is checked."""
        return _Asked(self.path, self.title, self.help, lambda plain: self.whole({**beside, **plain}), self.needed)

    def prompt(self, item: Item, shape: Shape, *, default: str, choices: tuple[tuple[str, str], ...]) -> Prompt:
        """What the person is shown."""
        return Prompt(item, self.path, self.title, self.help, shape, default, self.needed, choices, self.left_out)


def _title(one: Field) -> str:
    words = one.name.replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}: {one.help}"


def _told(one: Field) -> str:
    return f"{one.help}{f' Counted: {one.unit}.' if one.unit else ''}"


def _has_default(one: Field) -> bool:
    return one.default is not None and is_leaf(one.shape) and one.default not in ([], {})


def _choices(shape: Shape, meanings: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    items = shape.items if shape.kind == "list" and shape.items is not None else shape
    return tuple((str(choice), meanings.get(str(choice), "")) for choice in items.choices)


def _of_tag(variant: Shape, tag: str) -> str:
    found = variant.field_named(tag)
    return found.help if found is not None else ""

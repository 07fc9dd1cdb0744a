"""An answer as the fields of a form that works without scripts, and what is sent back as an answer.

Names of fields are paths: `answer.sources.0.name`. Of variants all fields are there, each under the variant's name in
brackets, and only those of the chosen one are read: `answer.(canary).steps`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackcanvas.canvas.ask.item import Problem
from stackcanvas.canvas.ask.text import is_leaf, masked, read_text, show_text
from stackcanvas.canvas.shape import Field, Shape

ROOT = "answer"
_MOST = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One part of a form.

    Attributes:
        kind: `input`, `area`, `select`, `many` (boxes to tick), `group`, `list` or `variants`.
        name: of the field.
        label: in a few words.
        help: one sentence.
        expected: what is written there.
        value: what stands there, as text.
        values: what is ticked.
        choices: what can be chosen.
        needed: the answer is not complete without it.
        problem: what is wrong with it.
        inner: the parts of a group, the entries of a list, the groups of variants.
    """

    kind: str
    name: str
    label: str
    help: str = ""
    expected: str = ""
    value: str = ""
    values: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    needed: bool = False
    problem: str = ""
    inner: tuple[Entry, ...] = field(default_factory=tuple)

    @property
    def is_filled(self) -> bool:
        """Whether something stands in it or in a part of it."""
        return bool(self.value or self.values or self.problem or any(one.is_filled for one in self.inner))


def entries(shape: Shape, plain: Any, *, label: str, problems: tuple[Problem, ...] = (), spare: int = 1) -> Entry:
    """The form of an answer.

    Args:
        shape: of the answer.
        plain: what is answered, or was sent.
        label: the question in a few words.
        problems: what is wrong, beside the part that it is about.
        spare: empty entries at the end of each list.
    """
    wrong: dict[tuple[str, ...], str] = {}
    for problem in problems:
        wrong[problem.location] = " ".join(part for part in (wrong.get(problem.location), problem.sentence) if part)
    return _Form(wrong, spare).entry(shape, plain, _Spot(ROOT, label, "", (), needed=False))


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where in the form a part stands."""

    name: str
    label: str
    help: str
    at: tuple[str, ...]
    needed: bool


@dataclass(frozen=True, slots=True)
class _Form:
    """One form while it is made: what is wrong by location, and how many empty entries lists get."""

    wrong: Mapping[tuple[str, ...], str]
    spare: int

    def entry(self, shape: Shape, plain: Any, spot: _Spot) -> Entry:
        if is_leaf(shape):
            return self._leaf(shape, plain, spot)
        if shape.kind == "list":
            return self._list(shape, plain, spot)
        given = plain if isinstance(plain, Mapping) else {}
        if shape.variants:
            return self._variants(shape, given, spot)
        return self._made("group", spot, inner=self._fields(shape.fields, given, spot))

    def _made(self, kind: str, spot: _Spot, **more: Any) -> Entry:
        more.setdefault("problem", self.wrong.get(spot.at, ""))
        return Entry(kind, spot.name, spot.label, spot.help, needed=spot.needed, **more)

    def _list(self, shape: Shape, plain: Any, spot: _Spot) -> Entry:
        assert shape.items is not None
        given = list(plain) if isinstance(plain, list | tuple) else []
        inner = []
        for place in range(min(len(given) + self.spare, _MOST)):
            entry = _Spot(f"{spot.name}.{place}", f"{spot.label} {place + 1}", "", (*spot.at, str(place)), needed=False)
            is_given = place < len(given)
            # An empty entry needs no empty entries of its own before it is filled.
            form = self if is_given else _Form(self.wrong, 1)
            inner.append(form.entry(shape.items, given[place] if is_given else None, entry))
        return self._made("list", spot, inner=tuple(inner))

    def _variants(self, shape: Shape, given: Mapping[str, Any], spot: _Spot) -> Entry:
        tag = shape.tag or "kind"
        chosen = str(given.get(tag, ""))
        groups = []
        for word, variant in shape.variants.items():
            form, own = (self, given) if word == chosen else (_Form({}, self.spare), {})
            inside = _Spot(f"{spot.name}.({word})", word, _tag_help(variant, tag), spot.at, needed=False)
            rest = tuple(one for one in variant.fields if one.name != tag)
            groups.append(Entry("group", inside.name, word, inside.help, inner=form._fields(rest, own, inside)))
        said = (self.wrong.get(spot.at, ""), self.wrong.get((*spot.at, tag), ""))
        return Entry(
            "variants",
            f"{spot.name}.{tag}",
            spot.label,
            spot.help,
            value=chosen,
            choices=tuple(shape.variants),
            needed=spot.needed,
            problem=" ".join(part for part in said if part),
            inner=tuple(groups),
        )

    def _fields(self, fields: tuple[Field, ...], given: Mapping[str, Any], spot: _Spot) -> tuple[Entry, ...]:
        return tuple(
            self.entry(
                one.shape,
                given.get(one.name),
                _Spot(
                    f"{spot.name}.{one.name}",
                    one.name.replace("_", " "),
                    _help(one),
                    (*spot.at, one.name),
                    needed=one.required,
                ),
            )
            for one in fields
        )

    def _leaf(self, shape: Shape, plain: Any, spot: _Spot) -> Entry:
        # What is wrong with an entry of a line is wrong with the line.
        said = [sentence for at, sentence in self.wrong.items() if at[: len(spot.at)] == spot.at]
        problem = " ".join(dict.fromkeys(said))
        items = shape.items if shape.kind == "list" else None
        if items is not None and items.choices:
            ticked = tuple(str(one) for one in plain) if isinstance(plain, list | tuple) else ()
            choices = tuple(map(str, items.choices))
            return self._made("many", spot, values=ticked, choices=choices, expected=shape.expected, problem=problem)
        value = show_text(shape, masked(shape, plain))
        if shape.choices or shape.kind == "yes or no":
            choices = tuple(map(str, shape.choices)) or ("yes", "no")
            return self._made("select", spot, value=value, choices=choices, expected=shape.expected, problem=problem)
        expected = {"list": "several, with commas between", "names": "name: value, name: value"}
        told = expected.get(shape.kind, shape.expected)
        return self._made(
            "area" if shape.kind == "text" else "input", spot, value=value, expected=told, problem=problem
        )


def _help(one: Field) -> str:
    unit = f" Counted: {one.unit}." if one.unit else ""
    default = show_text(one.shape, one.default) if is_leaf(one.shape) and one.default not in (None, [], {}) else ""
    return f"{one.help}{unit}{f' Left out: {default}.' if default else ''}"


def _tag_help(variant: Shape, tag: str) -> str:
    found = variant.field_named(tag)
    return found.help if found is not None else ""


def read_form(shape: Shape, sent: Mapping[str, tuple[str, ...]]) -> Any:
    """The answer that a form was sent with; None where nothing was filled in.

    Args:
        shape: of the answer.
        sent: the values of each field.

    Example:
        >>> from stackcanvas.canvas.ask import item
        >>> read_form(item("deployment.strategy").shape, {"answer.kind": ("canary",), "answer.(canary).every": ("2h",)})
        {'kind': 'canary', 'every': '2h'}
    """
    return _read(shape, ROOT, sent)


def _read(shape: Shape, name: str, sent: Mapping[str, tuple[str, ...]]) -> Any:
    if is_leaf(shape):
        given = [text.replace("\r\n", "\n").strip() for text in sent.get(name, ())]
        if shape.kind == "list" and shape.items is not None and shape.items.choices:
            ticked = [read_text(shape.items, text) for text in given if text]
            return ticked or None
        text = given[0] if given else ""
        return read_text(shape, text) if text else None
    if shape.kind == "list":
        assert shape.items is not None
        items = shape.items
        found = [_read(items, f"{name}.{place}", sent) for place in _places(name, sent)]
        return [one for one in found if one is not None] or None
    if shape.variants:
        tag = shape.tag or "kind"
        word = (sent.get(f"{name}.{tag}") or ("",))[0]
        if not word:
            return None
        variant = shape.variants.get(word)
        rest = {} if variant is None else dict(_read_fields(variant, f"{name}.({word})", sent, leaving=tag))
        return {tag: word, **rest}
    return dict(_read_fields(shape, name, sent)) or None


def _read_fields(
    shape: Shape, name: str, sent: Mapping[str, tuple[str, ...]], *, leaving: str = ""
) -> Iterator[tuple[str, Any]]:
    for one in shape.fields:
        if one.name != leaving:
            plain = _read(one.shape, f"{name}.{one.name}", sent)
            if plain is not None:
                yield one.name, plain


def _places(name: str, sent: Mapping[str, tuple[str, ...]]) -> list[int]:
    """The entries of a list that were sent, in order."""
    start = f"{name}."
    found = {key[len(start) :].partition(".")[0] for key in sent if key.startswith(start)}
    return sorted(int(part) for part in found if part.isdecimal() and len(part) < 5)

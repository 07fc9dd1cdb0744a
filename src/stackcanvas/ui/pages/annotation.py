"""The pages on which people label: the queues, one queue, and an item as a form that works without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stackcanvas.data.annotation import ItemView, Queue
from stackcanvas.errors import BadInput, Conflict
from stackcanvas.plain import cell, duration_text
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, FactView, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page

_MOST_UNDECIDED = 50
_WORDS = re.compile(r"\w+|[^\w\s]")
_LONG_TEXT = 80


@dataclass(frozen=True, slots=True)
class QueueLink:
    """A queue in the list of queues."""

    name: str
    question: str
    href: str
    done: int
    items: int
    state: str


@dataclass(frozen=True, slots=True)
class QueuesPage:
    """Every queue."""

    queues: tuple[QueueLink, ...]


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One queue: where to begin, how far it is, who agrees with whom.

    Args:
        person: who is to label; the field is left out where the stack is `sure` who it is.
        token: shows that the form came from here.
        notice: what happened just now.
    """

    name: str
    question: str
    state: str
    facts: tuple[FactView, ...]
    tables: tuple[Table, ...]
    person: str
    sure: bool
    token: str
    notice: str
    left: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text that can be marked.

    Args:
        before: what stands between it and the word before.
        place: `start:end`.
        label: of the span that it lies in; empty outside.
    """

    before: str
    text: str
    place: str
    label: str


@dataclass(frozen=True, slots=True)
class Span:
    """A span that was marked, and the address of the page without it."""

    place: str
    text: str
    label: str
    without: str


@dataclass(frozen=True, slots=True)
class Field:
    """A value that is shown with an item."""

    name: str
    value: str
    is_long: bool


@dataclass(frozen=True, slots=True)
class ItemPage:
    """An item as a form.

    Args:
        chosen: what this person said before.
        words: of the text to mark, for spans.
        problem: why what was sent does not do.
        labels: what people said, once the item has all its labels: for whoever decides.
    """

    queue: str
    question: str
    kind: str
    choices: tuple[str, ...]
    low: str
    high: str
    item: int
    fields: tuple[Field, ...]
    words: tuple[Word, ...]
    after: str
    spans: tuple[Span, ...]
    chosen: tuple[str, ...]
    person: str
    token: str
    problem: str
    done: int
    items: int
    back: str
    labels: tuple[FactView, ...] = ()


def build_list(stack: Stack, links: Links, _asked: Mapping[str, str]) -> Page:
    """Every queue, and how far it is."""
    rows = []
    for queue in stack.annotation.ls():
        progress = stack.annotation.progress(queue.name)
        href = links.annotation(queue.name)
        rows.append(QueueLink(queue.name, queue.question, href, progress.done, progress.items, queue.state))
    return Page("annotation.html", "Annotation", QueuesPage(tuple(rows)))


def build_queue(stack: Stack, links: Links, asked: Mapping[str, str], *, token: str) -> Page:
    """One queue."""
    name = asked["queue"]
    queue, progress = stack.annotation.get(name), stack.annotation.progress(name)
    agreement = stack.annotation.agreement(name)
    actor = stack.spine.actor
    facts = (
        FactView("items", f"{progress.done:,} of {progress.items:,} done"),
        FactView("labels", f"{progress.labels:,} of {progress.wanted:,}"),
        FactView("in somebody's hands", f"{progress.taken:,}"),
        FactView("cost so far", f"{progress.cost:,.2f} of {progress.expected_cost:,.2f} {progress.currency}".strip()),
        *_agreed(agreement),
    )
    page = QueuePage(
        name=name,
        question=queue.question,
        state=queue.state,
        facts=facts,
        tables=tuple(_tables(stack, links, queue, progress, agreement)),
        person=asked.get("labeller", actor.name),
        sure=actor.verified,
        token=token,
        notice=asked.get("said", ""),
        left=progress.wanted - progress.labels,
    )
    return Page("annotation_queue.html", name, page)


def build_item(
    stack: Stack, links: Links, asked: Mapping[str, str], *, token: str, problem: str = "", sent: Sequence[str] = ()
) -> Page:
    """One item, to be labelled by one person.

    Args:
        problem: why what was sent does not do.
        sent: what was sent, to be shown again.
    """
    name, number = _queue_of(asked), _number(asked.get("item", ""))
    queue, view = stack.annotation.get(name), stack.annotation.item(name, number)
    person = stack.annotation.person(asked.get("labeller"))
    progress = stack.annotation.progress(name)
    mine = next((label.value for label in view.labels if label.labeller == person), None)
    text = str(view.item.data.get(queue.text or "") or "")
    places = _marked(queue, asked, mine, text)
    page = ItemPage(
        queue=name,
        question=queue.question,
        kind=queue.kind,
        choices=queue.choices,
        low="" if queue.low is None else f"{queue.low:g}",
        high="" if queue.high is None else f"{queue.high:g}",
        item=number,
        fields=tuple(_fields(view.item.data, queue)),
        words=tuple(_words(queue, text, places)),
        after=text[max((found.end() for found in _WORDS.finditer(text)), default=0) :],
        spans=tuple(_spans(links, queue, number, person, text, places)),
        chosen=tuple(sent) or _chosen(queue, mine),
        person=person,
        token=token,
        problem=problem,
        done=progress.done,
        items=progress.items,
        back=links.annotation(name),
        labels=tuple(_said(view)) if view.item.state == "done" else (),
    )
    return Page("annotation_item.html", f"{name} {number}", page)


def send(stack: Stack, links: Links, values: Mapping[str, tuple[str, ...]], *, token: str) -> str | Page:
    """Do what a form asks for: the address to go on to, or the form again with what is wrong with it."""
    asked = {name: found[0] for name, found in values.items() if found}
    if asked.get("token") != token:
        raise BadInput("this form is not from here, or from before a restart", fix="Open the page again")
    name, person = _queue_of(asked), stack.annotation.person(asked.get("labeller"))
    do, said = asked.get("do", ""), ""
    if do in {"label", "skip", "release", "decide"}:
        number = _number(asked.get("item", ""))
        try:
            _done(stack, name, number, person, values)
        except Conflict as error:
            said = error.sentence()
        except BadInput as error:
            form = {**asked, "span": ",".join(values.get("span", ()))}
            sent = values.get("value", ())
            return build_item(stack, links, form, token=token, problem=error.sentence(), sent=sent)
        if do in {"release", "decide"}:
            return links.annotation(name, labeller=person, said=said)
    elif do != "next":
        raise BadInput(f"the form asks for {do!r}", expected="next, label, skip, release or decide")
    try:
        claim = stack.annotation.claim(name, person)
    except Conflict as error:
        return links.annotation(name, labeller=person, said=error.sentence())
    if claim is None:
        return links.annotation(name, labeller=person, said=said or "Nothing is left for you here.")
    return links.annotation(name, item=claim.item.number, labeller=person)


def _done(stack: Stack, name: str, number: int, person: str, values: Mapping[str, tuple[str, ...]]) -> None:
    note = (values.get("note") or ("",))[0]
    match values["do"][0]:
        case "skip":
            stack.annotation.skip(name, number, person, note=note)
        case "release":
            stack.annotation.release(name, number, person)
        case "decide":
            stack.annotation.decide(name, number, _value(stack.annotation.get(name), values), by=person)
        case _:
            value = _value(stack.annotation.get(name), values)
            stack.annotation.label(name, number, person, value, note=note)


def _said(view: ItemView) -> Iterator[FactView]:
    for label in view.labels:
        yield FactView(label.labeller, cell(label.value) + (f" ({label.note})" if label.note else ""))
    if view.item.final_by is not None:
        yield FactView(f"decided by {view.item.final_by}", cell(view.item.final), tone="good")


def _value(queue: Queue, values: Mapping[str, tuple[str, ...]]) -> Any:
    """What the fields of a form say."""
    given = values.get("value", ())
    if queue.kind == "choices":
        return list(given)
    if queue.kind == "spans":
        return [
            {"start": start, "end": end, "label": label} for start, end, label in _places(queue, values.get("span", ()))
        ]
    if not given or not given[0].strip():
        raise BadInput("nothing is said of the item", fix="Answer, or skip it")
    if queue.kind == "choice":
        return given[0]
    try:
        return float(given[0].strip().replace(",", "."))
    except ValueError:
        raise BadInput(f"{given[0][:60]!r} is no number", expected="such as 3.5") from None


def _marked(queue: Queue, asked: Mapping[str, str], mine: Any, text: str) -> list[tuple[int, int, str]]:
    """The spans that the address holds, with the words that are being added; those of before where it holds none."""
    if queue.kind != "spans":
        return []
    if "span" not in asked and "add" not in asked and "fresh" not in asked:
        return [(one["start"], one["end"], one["label"]) for one in mine or ()]
    found = _places(queue, [one for one in asked.get("span", "").split(",") if one])
    added = asked.get("add", "")
    if added.isdigit() and int(added) < len(queue.choices):
        found += [(start, end, queue.choices[int(added)]) for start, end in _runs(asked.get("w", ""), text)]
    return sorted(set(found))


def _runs(chosen: str, text: str) -> list[tuple[int, int]]:
    """Words that were ticked, neighbours as one span."""
    words = [(found.start(), found.end()) for found in _WORDS.finditer(text)]
    order = {f"{start}:{end}": place for place, (start, end) in enumerate(words)}
    ticked = sorted(order[one] for one in chosen.split(",") if one in order)
    runs: list[list[int]] = []
    for place in ticked:
        if runs and runs[-1][1] == place - 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return [(words[first][0], words[last][1]) for first, last in runs]


def _places(queue: Queue, spans: Sequence[str]) -> list[tuple[int, int, str]]:
    """Spans as forms hold them: `start:end:number of the choice`."""
    found = []
    for one in spans:
        parts = one.split(":")
        if len(parts) != 3 or not all(part.isdigit() for part in parts) or int(parts[2]) >= len(queue.choices):
            raise BadInput(f"{one[:60]!r} is no span", expected="start:end:choice")
        found.append((int(parts[0]), int(parts[1]), queue.choices[int(parts[2])]))
    return found


def _words(queue: Queue, text: str, places: Sequence[tuple[int, int, str]]) -> list[Word]:
    if queue.kind != "spans":
        return []
    words, end = [], 0
    for found in _WORDS.finditer(text):
        inside = next((label for start, stop, label in places if start < found.end() and found.start() < stop), "")
        words.append(Word(text[end : found.start()], found[0], f"{found.start()}:{found.end()}", inside))
        end = found.end()
    return words


def _spans(  # noqa: PLR0917 - the parts of an address
    links: Links, queue: Queue, number: int, person: str, text: str, places: Sequence[tuple[int, int, str]]
) -> list[Span]:
    told = [f"{start}:{end}:{queue.choices.index(label)}" for start, end, label in places]
    spans = []
    for one, (start, end, label) in zip(told, places, strict=True):
        rest = [other for other in told if other != one]
        without = links.annotation(queue.name, item=number, labeller=person, span=rest)
        spans.append(Span(one, text[start:end], label, without))
    return spans


def _chosen(queue: Queue, mine: Any) -> tuple[str, ...]:
    if mine is None or queue.kind == "spans":
        return ()
    return tuple(mine) if queue.kind == "choices" else (cell(mine),)


def _fields(data: Mapping[str, Any], queue: Queue) -> list[Field]:
    return [
        Field(name, shown, len(shown) > _LONG_TEXT or "\n" in shown)
        for name, value in data.items()
        if name != queue.text
        for shown in [value if isinstance(value, str) else cell(value)]
    ]


def _agreed(agreement: Any) -> list[FactView]:
    facts = []
    if agreement.same is not None:
        facts.append(FactView("same label", f"{agreement.same:.0%} of pairs, {agreement.items:,} items"))
    for label, value in (("Krippendorff's alpha", agreement.alpha), ("Fleiss' kappa", agreement.fleiss)):
        if value is not None:
            facts.append(FactView(label, f"{value:.2f}"))
    return facts


def _tables(stack: Stack, links: Links, queue: Queue, progress: Any, agreement: Any) -> list[Table]:
    people = tuple(
        (
            Cell(one.labeller),
            show.count(one.labels),
            show.count(one.skipped),
            Cell("" if one.median_s is None else duration_text(one.median_s)),
        )
        for one in progress.people
    )
    pairs = tuple(
        (
            Cell(f"{one.one} and {one.two}"),
            show.count(one.items),
            show.share(one.same),
            Cell("" if one.kappa is None else f"{one.kappa:.2f}"),
        )
        for one in agreement.pairs
    )
    undecided = tuple(
        (
            Cell(str(one.item.number), links.annotation(queue.name, item=one.item.number)),
            Cell("; ".join(f"{label.labeller}: {cell(label.value)}" for label in one.labels)),
            show.text(one.item.data, tone="soft"),
        )
        for one in stack.annotation.items(queue.name, undecided=True, limit=_MOST_UNDECIDED)
    )
    tables = [Table("People", ("who", "#labels", "#skipped", "#usually took"), people, "Nobody has labelled yet.")]
    if pairs:
        tables.append(Table("Agreement", ("who", "#items", "#same", "#kappa"), pairs))
    if undecided:
        tables.append(Table("Undecided", ("#item", "labels", "data"), undecided))
    return tables


def _queue_of(asked: Mapping[str, str]) -> str:
    if not asked.get("queue"):
        raise BadInput("the address names no queue", expected="/annotation?queue=NAME")
    return asked["queue"]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BadInput(f"{text[:60]!r} is the number of no item", expected="a whole number")
    return int(text)

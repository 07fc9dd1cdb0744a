"""The pages on which questions are answered: the list of them, and a form for each that works without scripts."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from blake3 import blake3

from stackcanvas.canvas import Canvas, edit
from stackcanvas.canvas.ask import Item, Problem, entries, item, plan, plan_all, read_form, unmasked
from stackcanvas.canvas.ask.text import masked
from stackcanvas.canvas.check import check
from stackcanvas.canvas.questions import BLOCKS
from stackcanvas.canvas.show.words import label, short
from stackcanvas.errors import BadInput
from stackcanvas.plain import plain
from stackcanvas.stack import Stack
from stackcanvas.ui.forms import AskGroup, AskLink, AskListPage, AskPage, Notice
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.sheet import AREAS
from stackcanvas.ui.written import file_of, written

_HEADER = "project"


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that came back.

    Args:
        identity: of what was asked.
        values: by field.
        token: what shows that a form is from here.
        may_write: whether the file may be changed for whoever sent it.
    """

    identity: str
    values: Mapping[str, tuple[str, ...]]
    token: str
    may_write: bool

    def value(self, name: str) -> str:
        """The first value of a field, without blanks around it."""
        return (self.values.get(name) or ("",))[0].strip()


def build_list(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """Every question, by block."""
    del asked
    canvas = written(stack)
    wanted = {one.id for one in plan(canvas)}
    groups: dict[str, list[AskLink]] = {}
    for one in plan_all():
        groups.setdefault(one.block, []).append(_link(one, canvas, wanted, links))
    level = canvas.project.maturity.wanted or canvas.project.maturity.now or "tactical"
    first = next(iter(plan(canvas)), None)
    page = AskListPage(
        level=level,
        to_ask=len(wanted),
        first=links.ask(first.id) if first else None,
        groups=tuple(
            AskGroup(
                "The project" if block == _HEADER else BLOCKS[block].title,
                "value" if block == _HEADER else AREAS[BLOCKS[block].area],
                tuple(found),
            )
            for block, found in groups.items()
        ),
    )
    return Page("ask_list.html", "Questions", page)


def _link(one: Item, canvas: Canvas, wanted: set[str], links: Links) -> AskLink:
    current = one.current(canvas)
    if current is not None:
        state = "answered"
    elif one.id in canvas.not_applicable:
        state = "aside"
    else:
        state = "open" if one.id in wanted else "later"
    said = "" if current is None else short(plain(masked(one.shape, current))) or "empty"
    return AskLink(one.id, one.title, links.ask(one.id), state, said)


def build(stack: Stack, links: Links, asked: Mapping[str, str], *, token: str) -> Page:
    """The form of one question."""
    one = item(asked["item"])
    canvas = written(stack)
    notices = []
    if asked.get("saved"):
        notices.append(Notice("good", f"{_known(asked['saved'])} is written into canvas.yaml."))
        notices += [
            Notice("bad" if finding.severity == "error" else "warn", finding.sentence)
            for finding in check(canvas)
            if asked["saved"] in finding.questions
        ]
    current = one.current(canvas)
    return _form(one, canvas, links, token=token, given=current, notices=tuple(notices), spare=_spare(current))


def _known(identity: str) -> str:
    return item(identity).id


def send(stack: Stack, links: Links, sent: Sent) -> Page | str:
    """What follows from a form: the address to go to when it was written, else the form with what is wrong.

    Raises:
        NotFound: there is no such question.
        BadInputs: the file was broken since.
    """
    one = item(sent.identity)
    canvas = written(stack)
    before = one.current(canvas)
    given = unmasked(one.shape, read_form(one.shape, sent.values), before=before)
    action = sent.value("do")
    redraw = partial(_form, one, canvas, links, token=sent.token, given=given, sent=sent)
    if action == "add":
        return redraw(spare=_spare(given) + 1)
    refusal = _refusal(sent, before)
    if refusal is not None:
        return redraw(notices=(Notice("bad", refusal),))
    problems = () if action in {"clear", "aside"} else tuple(_problems(one, given, before))
    if problems:
        return redraw(problems=problems)
    try:
        changes = _changes(one, given, before, sent, action)
        if not sent.may_write:
            return redraw(patch=_patch(stack, changes))
        after = edit.write(file_of(stack), changes) if changes else canvas
    except BadInput as error:
        return redraw(notices=(Notice("bad", f"Nothing was written. {error.sentence()}"),))
    following = one if action == "stay" else _after(one, after)
    return links.ask(following.id if following else None, saved=one.id)


def _refusal(sent: Sent, before: Any) -> str | None:
    if sent.value("token") != sent.token:
        return "This form is older than the server. Nothing was written; look at it and send it again."
    if sent.value("was") != _mark(before):
        return "The answer was changed elsewhere meanwhile. Send the form again to put yours in its place."
    return None


def _problems(one: Item, given: Any, before: Any) -> list[Problem]:
    if given is None:
        return [Problem((), "Nothing was filled in. To leave the question open, skip it.")] if before is None else []
    return one.problems(given)


def _changes(one: Item, given: Any, before: Any, sent: Sent, action: str) -> list[edit.Change]:
    changes: list[edit.Change] = []
    if action == "clear" or (given is None and action != "aside"):
        if before is not None and one.block != _HEADER:
            changes.append(edit.unanswer(one.id))
    elif action != "aside" and _mark(given) != _mark(before):
        changes.append(one.change(given))
    if one.block != _HEADER:
        why, owner = sent.value("why") or None, sent.value("owner") or None
        status = "not applicable" if action == "aside" else "decided" if given is not None else None
        if why or owner or action == "aside":
            changes += edit.decide(one.id, why=why, owner=owner, status=status)
    return changes


def _patch(stack: Stack, changes: list[edit.Change]) -> str:
    text = file_of(stack).read_text(encoding="utf-8")
    after = edit.apply(text, changes)
    lines = difflib.unified_diff(text.splitlines(True), after.splitlines(True), "a/canvas.yaml", "b/canvas.yaml")
    return "".join(lines)


def _after(one: Item, canvas: Canvas) -> Item | None:
    """The next open question behind this one, else the first of all."""
    order = [each.id for each in plan_all()]
    place = order.index(one.id)
    left = [each for each in plan(canvas) if each.id != one.id]
    return next((each for each in left if order.index(each.id) > place), left[0] if left else None)


def _form(
    one: Item,
    canvas: Canvas,
    links: Links,
    *,
    token: str,
    given: Any,
    notices: tuple[Notice, ...] = (),
    problems: tuple[Problem, ...] = (),
    spare: int | None = None,
    sent: Sent | None = None,
    patch: str = "",
) -> Page:
    decision = canvas.decisions.get(one.id)
    following = _after(one, canvas)
    current = one.current(canvas)
    if problems:
        notices = (*notices, Notice("bad", "Nothing was written yet; what is wrong stands beside each field."))
    page = AskPage(
        id=one.id,
        block=one.heading,
        area="value" if one.block == _HEADER else AREAS[BLOCKS[one.block].area],
        title=one.title,
        help=one.help,
        configures=one.configures,
        entry=entries(
            one.shape,
            given,
            label=label(one.id.rpartition(".")[2]),
            problems=problems,
            spare=_spare(given) if spare is None else spare,
        ),
        why=sent.value("why") if sent else (decision.why or "") if decision else "",
        owner=sent.value("owner") if sent else (decision.owner or "") if decision else "",
        token=token,
        was=_mark(current),
        notices=notices,
        can_decide=one.block != _HEADER,
        is_answered=current is not None and one.block != _HEADER,
        left=len(plan(canvas)),
        skip=links.ask(following.id if following else None),
        back=links.ask(),
        patch=patch,
    )
    return Page("ask.html", one.title, page)


def _spare(given: Any) -> int:
    return 0 if isinstance(given, list | tuple) and given else 1


def _mark(given: Any) -> str:
    """A digest of an answer: it tells whether somebody changed it, and nothing of what it says."""
    said = json.dumps(plain(given), sort_keys=True, ensure_ascii=False)
    return blake3(said.encode("utf-8", "surrogatepass")).hexdigest(length=16)

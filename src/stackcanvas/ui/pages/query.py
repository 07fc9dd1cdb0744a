"""The page on which data are asked: a statement of SQL with its rows, and reports on versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from stackcanvas.data.analysis import Answered
from stackcanvas.errors import Refused, StackCanvasError
from stackcanvas.metadata import Ref
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page

_SHOWN_ROWS = 500
_MOST_COLUMNS = 200
_LONGEST = 120
_NUMBERS = ("Int", "UInt", "Float", "Decimal")


@dataclass(frozen=True, slots=True)
class QueryPage:
    """A statement and what it gave.

    Args:
        versions: what can be asked: the newest of each data set.
        ref: what a report is to be about, `before` what it is compared with.
        rows: the answer, once there is one.
        note: how much of it is shown.
        wrong: what is wrong with the statement; `failed` with what a report was asked of.
        token: shows that the form came from here.
    """

    sql: str
    versions: tuple[str, ...]
    token: str
    ref: str = ""
    before: str = ""
    rows: Table | None = None
    note: str = ""
    wrong: str = ""
    failed: str = ""


class Send(Protocol):
    """What answers a form: a page with its status, or the address that it leads to."""

    def __call__(
        self, stack: Stack, links: Links, given: Mapping[str, str], /, *, token: str
    ) -> tuple[Page, int] | str:
        """Answer it."""
        ...


def build(stack: Stack, links: Links, asked: Mapping[str, str], *, token: str, **more: object) -> Page:
    """The forms, filled with what was asked for."""
    del links
    versions = tuple(str(version.ref).removeprefix("data:") for version in stack.data.ls())
    ref = asked.get("ref", "").removeprefix("data:")
    subject = ref or (versions[0] if versions else "NAME@1")
    sql = asked.get("sql") or f'select * from "{subject}" limit 50'  # noqa: S608 - a proposal to a person
    page = QueryPage(sql, versions, token, ref=ref, before=asked.get("before", ""), **more)  # type: ignore[arg-type]
    return Page("query.html", "Ask the data", page)


def ask(stack: Stack, links: Links, given: Mapping[str, str], /, *, token: str) -> tuple[Page, int]:
    """The rows that a statement gives, or what is wrong with it."""
    _check(given, token)
    try:
        found = stack.apart.query(given.get("sql", ""), limit=_SHOWN_ROWS)
    except StackCanvasError as error:
        return build(stack, links, given, token=token, wrong=error.sentence()), error.status
    return build(stack, links, given, token=token, rows=_table(found), note=_note(found)), 200


def report(stack: Stack, links: Links, given: Mapping[str, str], /, *, token: str) -> tuple[Page, int] | str:
    """Make a report and go to its page."""
    _check(given, token)
    ref, before = given.get("ref", "").strip(), given.get("before", "").strip()
    try:
        made = stack.apart.compare(before, ref) if before else stack.apart.profile(ref)
    except StackCanvasError as error:
        return build(stack, links, given, token=token, failed=error.sentence()), error.status
    return links.report(Ref.parse(str(made.ref)))


def _check(given: Mapping[str, str], token: str) -> None:
    if given.get("token") != token:
        raise Refused("this form was not made by this server, or by one that has started anew", fix="Load it again")


def _table(found: Answered) -> Table:
    names = list(found.columns)[:_MOST_COLUMNS]
    headings = tuple(f"#{name}" if found.columns[name].startswith(_NUMBERS) else name.lstrip("#") for name in names)
    rows = tuple(
        tuple(
            Cell("null", tone="soft") if value is None else show.text(value, longest=_LONGEST)
            for value in row[:_MOST_COLUMNS]
        )
        for row in found.rows
    )
    return Table("Rows", headings, rows, "No row fulfils this.")


def _note(found: Answered) -> str:
    said = f"{len(found.rows):,} rows"
    if found.more:
        said = f"The first {len(found.rows):,} rows; `stackcanvas data query` gives all"
    left = len(found.columns) - _MOST_COLUMNS
    return f"{said}; {left:,} more columns are not shown." if left > 0 else f"{said}."

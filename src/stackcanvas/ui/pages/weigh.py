"""What follows from the canvas: what it costs, which tools fit, what a change would do to the stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from stackcanvas.canvas.cost import Estimate, Range, Row, Total
from stackcanvas.canvas.questions import BLOCKS
from stackcanvas.plain import one_line
from stackcanvas.stack import Stack
from stackcanvas.stack.choosing import tools
from stackcanvas.stack.costing import cost
from stackcanvas.stack.planning import Effect, plan_of
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page

_TONES = {
    Effect.NOTHING: "soft",
    Effect.RELOAD: "plain",
    Effect.RESTART: "plain",
    Effect.MOVE: "warn",
    Effect.DESTROY: "bad",
}
_PARTS = ("block", "area", "phase", "kind")


@dataclass(frozen=True, slots=True)
class WeighPage:
    """A title, a few sentences, and tables.

    Args:
        turns: other views of the same: their names and addresses.
    """

    title: str
    hint: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    turns: tuple[tuple[str, str], ...] = ()


def build_cost(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """The estimate: sums and rows, or one row in full."""
    found = cost(stack.canvas, root=stack.root, environment=stack.environment, book=asked.get("book"))
    if "row" in asked:
        return _row_page(found.row(asked["row"]), found, links)
    by = asked.get("by", "block")
    sums = Table(
        f"By {by}",
        (by, "#P10", "#a month, P50", "#P90", "#once, P50"),
        tuple(
            (
                Cell(BLOCKS[total.name].title if total.name in BLOCKS else total.name),
                *(show.money(value, found.currency) for value in _figures(total)),
            )
            for total in (*found.by(by), found.total)
        ),
    )
    groups = (
        ("Rows from what is answered", [row for row in found.rows if not row.assumed]),
        ("Rows with assumptions", [row for row in found.rows if row.assumed]),
    )
    year = found.first_year
    sentences = [
        f"First year: {year.p50:,.0f} {found.currency}; in eight of ten cases {year.p10:,.0f} to {year.p90:,.0f}."
    ]
    if found.worth is not None and found.worth.break_even is not None:
        sentences.append(
            f"Each of {found.worth.decisions_per_month:,} decisions a month costs {found.worth.cost_per_decision} "
            f"{found.currency}; it pays {found.worth.how_often}."
        )
    if found.open:
        names = ", ".join(dict.fromkeys(row.question for row in found.open))
        sentences.append(f"Not counted, because not answered: {names}.")
    tables = [sums, *(_rows(title, rows, links, found.currency) for title, rows in groups if rows)]
    page = WeighPage(
        "Cost",
        f"What the canvas costs, by {found.book}. Each row leads to the answers and the dated price behind it.",
        tuple(sentences),
        tuple(tables) if found.rows else (Table("Rows", (), (), "Nothing that costs is answered yet."),),
        tuple((f"by {part}", links.cost(by=part)) for part in _PARTS if part != by),
    )
    return Page("weigh.html", "Cost", page)


def build_tools(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """The tool of each block."""
    del asked
    found = tools(stack.canvas, root=stack.root, environment=stack.environment, explain=False)
    rows = tuple(
        (
            Cell(BLOCKS[one.block].title, links.block(one.block)),
            Cell(one.tool or one.state, tone="plain" if one.tool else "soft"),
            Cell(one.runner_up or ""),
            show.text(" ".join((*one.why, *one.warnings)), tone="warn" if one.warnings else "plain"),
        )
        for one in found.choices
    )
    sentences = (f"To run beside them: {', '.join(found.services)}.",) if found.services else ()
    page = WeighPage(
        "Tools",
        f"Which tool fits each block, by rules and preferences over a catalogue of {found.compiled}. "
        "`stackcanvas canvas choose --explain BLOCK` tells what would change a choice.",
        sentences,
        (Table("Choice", ("block", "tool", "next best", "why"), rows),),
    )
    return Page("weigh.html", "Tools", page)


def build_plan(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """What the canvas as written would alter."""
    del links, asked
    found = plan_of(stack.root, environment=stack.environment)
    rows = tuple(
        (
            Cell(str(step.effect), tone=_TONES[step.effect]),
            Cell(step.path + (f" of {step.model}" if step.model else ""), mono=True),
            show.text(one_line(step.before) or "nothing"),
            show.text(one_line(step.after) or "nothing"),
            Cell(step.said),
        )
        for step in found.steps
    )
    sentences = (f"To start again: {', '.join(found.restarts)}.",) if found.restarts else ()
    columns = ("effect", "answer", "before", "after", "what happens")
    page = WeighPage(
        "Plan",
        "What canvas.yaml as it is written now would alter in the stack that runs.",
        sentences,
        (Table("Changes", columns, rows, "Nothing changed since the canvas was applied."),),
    )
    return Page("weigh.html", "Plan", page)


def _row_page(row: Row, found: Estimate, links: Links) -> Page:
    drivers = tuple(
        (
            Cell(driver.name),
            Cell(_range(driver.amount, _plain)),
            Cell(driver.path, mono=True),
            Cell("assumed: nobody has answered it" if driver.origin == "assumed" else driver.origin),
        )
        for driver in row.drivers
    )
    price = row.price
    facts = (
        (Cell("price"), Cell(f"{_range(price.amount, _plain)} {found.currency} a {price.unit or 'unit'}")),
        (Cell("id"), Cell(price.id, mono=True)),
        (Cell("date"), Cell(price.date)),
        (Cell("confidence"), Cell(price.confidence)),
        (Cell("source"), Cell(price.source)),
        (Cell("note"), Cell(price.note or "")),
    )
    page = WeighPage(
        row.title,
        f"{_range(row.cost)} {found.currency} {'once' if row.once else 'a month'}",
        (f"= {row.formula}",),
        (
            Table("Figures", ("figure", "amount", "answer", "from"), drivers),
            Table("Price", ("fact", "as known"), facts),
        ),
        (("the whole estimate", links.cost()),),
    )
    return Page("weigh.html", row.title, page)


def _rows(title: str, rows: list[Row], links: Links, currency: str) -> Table:
    return Table(
        title,
        ("row", "#quantity", "unit", f"a month, {currency}", f"once, {currency}"),
        tuple(
            (
                Cell(row.title, links.cost(row=row.id)),
                Cell(_figure(row.quantity)),
                Cell(row.price.unit),
                Cell("" if row.once else _range(row.cost)),
                Cell(_range(row.cost) if row.once else ""),
            )
            for row in rows
        ),
    )


def _figures(total: Total) -> tuple[Decimal, ...]:
    return total.monthly.p10, total.monthly.p50, total.monthly.p90, total.once.p50


def _figure(amount: Range) -> str:
    return _plain(amount.typical)


def _plain(value: Decimal) -> str:
    if value == value.to_integral_value():
        return f"{value.to_integral_value():,f}"
    return f"{value:,.2f}" if value >= 100 else f"{value:.4g}"


def _money(value: Decimal) -> str:
    return "<0.01" if 0 < value < Decimal("0.005") else f"{value:,.2f}"


def _range(amount: Range, write: Callable[[Decimal], str] = _money) -> str:
    if amount.sure:
        return write(amount.typical)
    return f"{write(amount.low)} … {write(amount.typical)} … {write(amount.high)}"

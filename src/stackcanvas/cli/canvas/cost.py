"""`canvas cost`: what the canvas costs, and where each figure comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.canvas.reading import read_canvas
from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options, say, wants_json
from stackcanvas.cli.project import canvas_file
from stackcanvas.errors import Usage

if TYPE_CHECKING:
    from stackcanvas.canvas import Canvas
    from stackcanvas.canvas.cost import Difference, Estimate, Range, Row, Spread

_COST = "stackcanvas.canvas.cost"


@click.command(
    "cost",
    cls=Command,
    example=(
        "stackcanvas canvas cost",
        "stackcanvas canvas cost --by phase",
        "stackcanvas canvas cost --explain experiments.people",
        "stackcanvas canvas cost --what-if serving.volume=10x --what-if 'pipelines.location.where=cloud aws'",
    ),
)
@click.option(
    "--by",
    type=click.Choice(["block", "area", "phase", "kind"]),
    default="block",
    show_default=True,
    help="What the sums are by; phase is that of CRISP-ML(Q).",
)
@click.option("--explain", metavar="ROW", help="Where one row comes from: answers, arithmetic, dated price.")
@click.option("--what-if", "changes", multiple=True, metavar="PATH=VALUE", help="Another answer, or PATH=10x; repeat.")
@click.option(
    "--compare", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The same of another canvas."
)
@click.option("--book", metavar="NAME", help="aws, gcp, azure, generic, on-premises; by default where pipelines run.")
@click.option(
    "--prices",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Prices of your own; by default prices.yaml beside the canvas.",
)
@click.option("--model", metavar="NAME", help="With the answers of this model.")
@click.option("--env", "environment", metavar="NAME", help="In this environment.")
@click.option("--months", type=click.IntRange(1, 120), default=12, show_default=True, help="For how long data grow.")
@output_options
def cost(by: str, explain: str | None, changes: tuple[str, ...], compare: Path | None, **options: Any) -> None:
    """Reckon what the canvas costs: low, typical and high, and how likely the sums are.

    Each row follows from an answer and a dated price; a star marks rows with a figure that nobody has answered.
    """
    if changes and compare is not None:
        raise Usage("--what-if and --compare exclude each other", fix="Give one of them")
    canvas = read_canvas()
    found = _estimate(canvas, options)
    if explain is not None:
        _explain(found.row(explain), found.currency)
    elif changes or compare is not None:
        other: Canvas = (
            load("stackcanvas.canvas:load")(compare) if compare else load(f"{_COST}:what_if")(canvas, changes)
        )
        _difference(load(f"{_COST}:difference")(found, _estimate(other, options)))
    else:
        _show(found, by=by)
        if canvas.models and options["model"] is None and not wants_json():
            click.echo(f"Answers of their own have the models {', '.join(canvas.models)}: add --model NAME.")


def _estimate(canvas: Canvas, options: dict[str, Any]) -> Estimate:
    found: Estimate = load("stackcanvas.stack.costing:cost")(canvas, root=canvas_file().parent, **options)
    return found


def _show(found: Estimate, *, by: str) -> None:
    if wants_json():
        emit_record(found)
        return
    if not found.rows:
        say(
            "Nothing that costs is answered yet. Begin with: "
            "stackcanvas canvas about experiments.training_infrastructure"
        )
        return
    money = found.currency
    click.echo(f"{found.book[:1].upper()}{found.book[1:]}. All money in {money}.\n")
    for title, rows in (
        ("From what is answered", [row for row in found.rows if not row.assumed]),
        ("With assumptions", [row for row in found.rows if row.assumed]),
    ):
        if rows:
            click.echo(title)
            _table([_row(row) for row in rows], ("row", "what", "quantity", "unit", "unit price", "a month", "once"))
            click.echo()
    sums = [*found.by(by), found.total]
    line = [
        {
            by: total.name,
            "P10": total.monthly.p10,
            "a month P50": total.monthly.p50,
            "P90": total.monthly.p90,
            "once P50": total.once.p50,
        }
        for total in sums
    ]
    _table(line, (by, "P10", "a month P50", "P90", "once P50"))
    year = found.first_year
    click.echo(
        f"\nFirst year: {_money(year.p50)} {money}, in eight of ten cases {_money(year.p10)} to {_money(year.p90)}."
    )
    _worth(found)
    if found.open:
        names = ", ".join(dict.fromkeys(row.question for row in found.open))
        more = sum((row.cost.typical for row in found.open if not row.once), Decimal(0))
        click.echo(f"Not counted, because not answered: {names}. Their defaults would come to {_money(more)} a month.")
    click.echo("Where a figure comes from: stackcanvas canvas cost --explain ROW")


def _worth(found: Estimate) -> None:
    worth = found.worth
    if worth is None or worth.cost_per_decision is None:
        return
    said = f"Each of {worth.decisions_per_month:,} decisions a month costs {worth.cost_per_decision} {found.currency}"
    if worth.break_even is None:
        click.echo(f"{said}; no outcome of value.payoff brings money.")
    elif worth.break_even > 1:
        click.echo(f"{said}; even if every one ended best ({worth.best:f} each), it would not pay.")
    else:
        click.echo(f"{said}; it pays {worth.how_often} ({worth.best:f} each) and the rest cost nothing.")


def _row(row: Row) -> dict[str, object]:
    shown = f"{_range(row.cost)}{' *' if row.assumed else ''}"
    return {
        "row": row.id,
        "what": row.title,
        "quantity": _figure(row.quantity.typical),
        "unit": row.price.unit,
        "unit price": _figure(row.price.amount.typical),
        "a month": "" if row.once else shown,
        "once": shown if row.once else "",
    }


def _explain(row: Row, currency: str) -> None:
    if wants_json():
        emit_record(row)
        return
    when = "once" if row.once else "a month"
    click.echo(f"{row.title}: {_range(row.cost)} {currency} {when} ({row.kind}, {row.block})")
    click.echo(f"  = {row.formula}\n")
    drivers = [
        {
            "figure": driver.name,
            "amount": _range(driver.amount, _figure),
            "unit": driver.unit,
            "answer": driver.path,
            "from": f"assumed, the default of {driver.path}" if driver.origin == "assumed" else driver.origin,
        }
        for driver in row.drivers
    ]
    _table(drivers, ("figure", "amount", "unit", "answer", "from"))
    price = row.price
    click.echo(f"\nPrice {price.id}: {_range(price.amount, _figure)} {currency} a {price.unit or 'unit'}")
    click.echo(
        f"  of {price.date}, confidence {price.confidence}, "
        f"source: {price.source}{f'; {price.note}' if price.note else ''}"
    )


def _difference(found: Difference) -> None:
    if wants_json():
        emit_record(found)
        return
    rows = [
        {
            "row": row.id,
            "what": row.title,
            "before": row.before,
            "after": row.after,
            "change": row.change,
            "paid": "once" if row.once else "monthly",
        }
        for row in found.rows
    ]
    if rows:
        _table(rows, ("row", "what", "before", "after", "change", "paid"))
        click.echo()
    click.echo(f"A month: {_money(found.before.p50)} before, {_money(found.after.p50)} after ({found.currency}, P50)")
    click.echo(f"Change a month: {_change(found.monthly)}; once: {_change(found.once)}")


def _change(spread: Spread) -> str:
    if spread.p10 == spread.p90:
        return f"{spread.p50:+,.2f}"
    return f"{spread.p50:+,.2f}, in eight of ten cases {spread.p10:+,.2f} to {spread.p90:+,.2f}"


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """A table whose money and numbers stand under each other."""
    shown = [
        {key: _money(value) if isinstance(value, Decimal) else value for key, value in row.items()} for row in rows
    ]
    for column in columns:
        values: Iterable[object] = [row[column] for row in rows]
        if all(isinstance(value, Decimal | None) for value in values):
            width = max(len(str(row[column] or "")) for row in shown)
            for row in shown:
                row[column] = str(row[column] or "").rjust(width)
    emit_rows(shown, columns=columns)


def _range(amount: Range, write: Any = None) -> str:
    write = write or _money
    if amount.sure:
        return str(write(amount.typical))
    return f"{write(amount.low)} … {write(amount.typical)} … {write(amount.high)}"


def _money(value: Decimal | None) -> str:
    if value is None:
        return ""
    return "<0.01" if 0 < value < Decimal("0.005") else f"{value:,.2f}"


def _figure(value: Decimal) -> str:
    if value == value.to_integral_value():
        return f"{value.to_integral_value():,f}"
    return f"{value:,.2f}" if value >= 100 else f"{value:.4g}"

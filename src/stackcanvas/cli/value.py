"""`stackcanvas value`: what the models earn."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import emit_rows, output_options, say
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.stack import Stack

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_START = click.option("--start", type=_DAY, help="The first day, in UTC.")
_END = click.option("--end", type=_DAY, help="The first day that is too late, in UTC.")
_EMPTY = "Nothing is earned yet: no prediction has a known outcome. Labels come by: stackcanvas labels add"


def _money(_context: click.Context, _parameter: click.Parameter, value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation:
        raise click.BadParameter(f"{value!r} is no amount of money") from None


@click.group("value", cls=Group, example=("stackcanvas value totals delay", "stackcanvas value days delay"))
def value() -> None:
    """What the models earn, under the payoff of the canvas."""


@value.command("payoff", example="stackcanvas value payoff delay")
@click.argument("endpoint")
@output_options
@pass_stack
def payoff(stack: Stack, endpoint: str) -> None:
    """Show what right and wrong predictions of an endpoint are worth."""
    found = stack.value.payoff(endpoint)
    if found.threshold is not None:
        say(f"A score from {found.threshold:g} counts as true. Amounts in {stack.value.currency}.")
    emit_rows(found.outcomes, columns=("predicted", "actual", "worth", "note"))


@value.command(
    "totals", example=("stackcanvas value totals delay", "stackcanvas value totals delay --start 2013-06-01")
)
@click.argument("endpoint")
@_START
@_END
@output_options
@pass_stack
def totals(stack: Stack, endpoint: str, start: datetime | None, end: datetime | None) -> None:
    """Show what each version earned in all."""
    rows = [
        {"model": one.model, "decisions": one.decisions, "worth": one.worth, "each": one.each and round(one.each, 4)}
        for one in stack.value.totals(endpoint, start=_day(start), end=_day(end))
    ]
    emit_rows(rows, columns=("model", "decisions", "worth", "each"), empty=f"{_EMPTY} {endpoint} FILE")


@value.command("days", example=("stackcanvas value days delay", "stackcanvas value days delay --cost-per-day 12.50"))
@click.argument("endpoint")
@_START
@_END
@click.option("--cost-per-day", callback=_money, default="0", show_default=True, help="What a day of the stack costs.")
@output_options
@pass_stack
def days(stack: Stack, endpoint: str, start: datetime | None, end: datetime | None, cost_per_day: Decimal) -> None:
    """Show the money of each day: earned, spent, and what is left so far."""
    emit_rows(
        stack.value.balance(endpoint, start=_day(start), end=_day(end), cost_per_day=cost_per_day),
        columns=("day", "decisions", "earned", "cost", "so_far"),
        empty=f"{_EMPTY} {endpoint} FILE",
    )


@value.command("earned", example="stackcanvas value earned delay")
@click.argument("endpoint")
@_START
@_END
@output_options
@pass_stack
def earned(stack: Stack, endpoint: str, start: datetime | None, end: datetime | None) -> None:
    """Show what each version earned on each day."""
    found = stack.value.earned(endpoint, start=_day(start), end=_day(end))
    emit_rows(found, columns=("day", "model", "decisions", "worth"), empty=f"{_EMPTY} {endpoint} FILE")
    earlier = {one.day for one in found if one.earlier_payoff}
    if earlier:
        say(
            f"{len(earlier)} days, the last {max(earlier)}, are as they were counted under an earlier payoff: "
            "their predictions are no longer kept."
        )


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()

"""`stackcanvas tokens`: who may ask the server, and for what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import emit_record, emit_rows, emit_text, output_options, say
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.stack import Stack

_COLUMNS = ("name", "role", "created", "creator", "expires", "used", "revoked")


@click.group("tokens", cls=Group, example=("stackcanvas tokens add ada --role admin", "stackcanvas tokens ls"))
def tokens() -> None:
    """Who may ask the server, and for what.

    Each role may do what the ones before it may: a reader looks, a writer changes, an approver consents, an admin
    makes tokens. The name of a token stands as the actor in every record of what was done with it.
    """


@tokens.command("add", example=("stackcanvas tokens add ada --role admin", "stackcanvas tokens add ci --days 90"))
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["reader", "writer", "approver", "admin"]),
    default="writer",
    show_default=True,
    help="What it may do.",
)
@click.option("--days", type=click.IntRange(1, 36500), help="How long it counts; for ever by default.")
@output_options
@pass_stack
def add(stack: Stack, name: str, role: str, days: int | None) -> None:
    """Make a token and print it, this once; only a digest of it is kept."""
    text = stack.tokens.add(name, role=role, lasts=None if days is None else timedelta(days=days))
    emit_text(text, data={"name": name, "role": role, "token": text})
    say("It is shown this once. Clients take it from STACKCANVAS_TOKEN or MLFLOW_TRACKING_TOKEN.")


@tokens.command("ls", example="stackcanvas tokens ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List all tokens, those that count no more among them."""
    emit_rows(stack.tokens.ls(), columns=_COLUMNS, empty="Nobody has a token: stackcanvas tokens add NAME")


@tokens.command("revoke", example="stackcanvas tokens revoke ada")
@click.argument("name")
@output_options
@pass_stack
def revoke(stack: Stack, name: str) -> None:
    """Make a token count no more; servers that run know it within two seconds."""
    emit_record(stack.tokens.revoke(name), fields=_COLUMNS)

"""`stackcanvas tokens`: who may ask the server, and for what."""

from __future__ import annotations

from datetime import timedelta

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import emit_record, emit_rows, emit_text, output_options, say
from stackcanvas.cli.project import open_stack

_WORKSPACE = click.option("--workspace", metavar="NAME", help="Of this workspace of the project.")
_COLUMNS = ("name", "role", "created", "creator", "expires", "used", "revoked")


@click.group("tokens", cls=Group, example=("stackcanvas tokens add ada --role admin", "stackcanvas tokens ls"))
def tokens() -> None:
    """Who may ask the server, and for what.

    Each role may do what the ones before it may: a reader looks, a writer changes, an approver consents, an admin
    makes tokens. The name of a token stands as the actor in every record of what was done with it.
    """


@tokens.command(
    "add", example=("stackcanvas tokens add ada --role admin", "stackcanvas tokens add ci --days 90 --workspace churn")
)
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["reader", "writer", "approver", "admin"]),
    default="writer",
    show_default=True,
    help="What it may do.",
)
@click.option("--days", type=click.IntRange(1, 36500), help="How long it counts; for ever by default.")
@_WORKSPACE
@output_options
def add(name: str, role: str, days: int | None, workspace: str | None) -> None:
    """Make a token and print it, this once; only a digest of it is kept."""
    stack = open_stack(workspace)
    text = stack.tokens.add(name, role=role, lasts=None if days is None else timedelta(days=days))
    emit_text(text, data={"name": name, "role": role, "token": text})
    say("It is shown this once. Clients take it from STACKCANVAS_TOKEN or MLFLOW_TRACKING_TOKEN.")


@tokens.command("ls", example="stackcanvas tokens ls")
@_WORKSPACE
@output_options
def ls(workspace: str | None) -> None:
    """List all tokens, those that count no more among them."""
    emit_rows(
        open_stack(workspace).tokens.ls(), columns=_COLUMNS, empty="Nobody has a token: stackcanvas tokens add NAME"
    )


@tokens.command("revoke", example="stackcanvas tokens revoke ada")
@click.argument("name")
@_WORKSPACE
@output_options
def revoke(name: str, workspace: str | None) -> None:
    """Make a token count no more; servers that run know it within two seconds."""
    emit_record(open_stack(workspace).tokens.revoke(name), fields=_COLUMNS)

"""`stackcanvas workspaces`: stacks of their own behind one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import emit_record, emit_rows, output_options, say
from stackcanvas.cli.project import pass_stack
from stackcanvas.errors import Refused

if TYPE_CHECKING:
    from stackcanvas.stack import Stack

_COLUMNS = ("name", "database", "folder")


@click.group(
    "workspaces", cls=Group, example=("stackcanvas workspaces add churn", "stackcanvas --workspace churn models ls")
)
def workspaces() -> None:
    """Stacks of their own behind one server, at /w/NAME.

    Each has its own records, bytes, models and tokens, and sees nothing of the others. Every command works on one with
    --workspace NAME before it, or STACKCANVAS_WORKSPACE.
    """


@workspaces.command("add", example="stackcanvas workspaces add churn")
@click.argument("name")
@output_options
@pass_stack
def add(stack: Stack, name: str) -> None:
    """Make a workspace; it is empty, and without answers in its canvas.yaml it enforces nothing."""
    emit_record(stack.workspaces.add(name), fields=_COLUMNS)
    say(f"Give it tokens: stackcanvas tokens add NAME --workspace {name}")


@workspaces.command("ls", example="stackcanvas workspaces ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List all workspaces of the project."""
    emit_rows(stack.workspaces.ls(), columns=_COLUMNS, empty="There are none: stackcanvas workspaces add NAME")


@workspaces.command("rm", example="stackcanvas workspaces rm churn --yes")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Really: what it holds is gone then.")
@output_options
@pass_stack
def rm(stack: Stack, name: str, yes: bool) -> None:
    """Remove a workspace with all its records, bytes, models and tokens."""
    if not yes:
        raise Refused(
            f"everything in the workspace {name} would be gone",
            fix="Make a backup of the project, which holds it too (stackcanvas backup FOLDER), and add --yes",
        )
    emit_record(stack.workspaces.rm(name), fields=_COLUMNS)

"""`stackcanvas foundations`: what git says of the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import emit_record, emit_rows, output_options
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.stack import Stack

foundations = Group("foundations", help="Code and commits.", example="stackcanvas foundations show")


@foundations.command("show", example="stackcanvas foundations show")
@output_options
@pass_stack
def show(stack: Stack) -> None:
    """The commit, the branch and whether the code differs from the commit."""
    git = stack.foundations
    facts = {"commit": git.head(), "branch": git.branch(), "dirty": git.dirty(), "identity": git.identity()}
    emit_record(facts)


@foundations.command("log", example="stackcanvas foundations log --limit 5")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@output_options
@pass_stack
def log(stack: Stack, limit: int) -> None:
    """The last commits of the project, newest first."""
    found = stack.foundations.log(limit=limit)
    emit_rows(found, columns=("time", "digest", "author", "subject"), empty="The project is in no git repository.")

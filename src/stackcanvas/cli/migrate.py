"""`stackcanvas migrate`: bring the database of the project to this release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_text, output_options

if TYPE_CHECKING:
    from stackcanvas.stack.migrating import Migrated


@click.command("migrate", cls=Command, example="stackcanvas migrate")
@output_options
def migrate() -> None:
    """Bring the database to this release, and those of the workspaces.

    The embedded database does this by itself when it is opened. A PostgreSQL shared with others is migrated only
    here: make a backup first. The release before this one goes on working with the new tables. A database that a
    newer release has migrated is left as it is, and told.
    """
    project = click.get_current_context().find_root().params.get("project")
    done: Migrated = load("stackcanvas.stack.migrating:migrate")(project)
    said = f"went from version {done.before} to {done.after}"
    if done.before == done.after:
        said = f"has version {done.after} already"
    if done.after > done.known:
        said += f", newer than {done.known}, which this release knows and which works with it"
    others = f"; {done.workspaces:,} workspaces were migrated" if done.workspaces else ""
    emit_text(f"{done.url} {said}{others}", data=done)

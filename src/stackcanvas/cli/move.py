"""`stackcanvas move`: bring records and bytes to other addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_text, output_options, progress
from stackcanvas.plain import bytes_text

if TYPE_CHECKING:
    from stackcanvas.stack.moving import Moved


@click.command(
    "move",
    cls=Command,
    example=(
        "stackcanvas move --to 'postgresql://${DB_USER}:${DB_PASSWORD}@db.example.org/churn'",
        "stackcanvas move --objects s3://churn/objects",
    ),
)
@click.option("--to", "database", metavar="URL", help="The new database; secrets as ${NAME}.")
@click.option("--objects", metavar="URL", help="The new object store.")
@output_options
def move(database: str | None, objects: str | None) -> None:
    """Bring the records and the bytes of the project and its workspaces to other addresses.

    Everything is copied, read back and compared; then the addresses are written into canvas.yaml. Killed at any
    moment, the project works as before, and the same command goes on where it stopped. Nothing of the project may run
    meanwhile.
    """
    project = click.get_current_context().find_root().params.get("project")
    with progress("Moving") as advance:
        done: Moved = load("stackcanvas.stack.moving:move")(
            project, database=database, objects=objects, advance=advance
        )
    lines = []
    if done.database:
        lines.append(f"{done.rows:,} records of {len(done.tables)} tables are in {done.database}")
    if done.copied:
        copied = done.copied
        lines.append(f"{copied.objects:,} objects, {bytes_text(copied.bytes)}, are in {done.objects}")
    if done.workspaces:
        lines.append(f"{len(done.workspaces):,} workspaces went with it: {', '.join(done.workspaces[:10])}")
    if done.left:
        lines.append(f"The old database is kept as {done.left}")
    lines.append("canvas.yaml names the new addresses")
    emit_text("\n".join(lines), data=done)

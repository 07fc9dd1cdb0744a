"""`stackcanvas backup` and `stackcanvas restore`: the whole stack in a folder, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_text, output_options, progress
from stackcanvas.plain import bytes_text

if TYPE_CHECKING:
    from stackcanvas.stack.backups import Backup


@click.command("backup", cls=Command, example="stackcanvas backup /mnt/backups/churn")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@output_options
def backup(folder: Path) -> None:
    """Copy records, objects, prediction log and online features into a folder, as of one moment.

    Workspaces are part of it, each as of a moment of its own. The stack may go on running. Into the folder of an
    earlier backup only what changed is copied. Code and data.lock are not part of it: they lie in git.
    """
    with progress("Copying") as advance:
        done: Backup = load("stackcanvas.stack.backups:backup")(folder, _project(), advance=advance)
    emit_text(f"{folder} holds {_content(done)}", data=done)


@click.command("restore", cls=Command, example="stackcanvas restore /mnt/backups/churn")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@output_options
def restore(folder: Path) -> None:
    """Put a backup into the project here, whose stack must be empty.

    Every byte is compared with the manifest of the backup first. The records enter last and as a whole. The addresses
    are those of this project's canvas.yaml; where there is none, the one of the backup is taken.
    """
    with progress("Restoring") as advance:
        done: Backup = load("stackcanvas.stack.backups:restore")(folder, _project(), advance=advance)
    emit_text(f"Restored {_content(done)}", data=done)


def _project() -> Path | None:
    found: Path | None = click.get_current_context().find_root().params.get("project")
    return found


def _content(done: Backup) -> str:
    size = bytes_text(done.objects.bytes + done.predictions.bytes)
    return (
        f"{done.project} as of {done.time:%Y-%m-%d %H:%M:%S} UTC: {done.rows:,} records, "
        f"{done.objects.objects + done.predictions.objects:,} files of {size}"
        + (f", and {len(done.workspaces):,} workspaces" if done.workspaces else "")
    )

"""`stackcanvas doctor`, `fsck` and `du`: what is wrong, what is damaged, what takes space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import answer_no, emit_rows, emit_text, output_options, progress, say, wants_json
from stackcanvas.cli.project import pass_stack
from stackcanvas.plain import bytes_text

if TYPE_CHECKING:
    from stackcanvas.stack import Stack
    from stackcanvas.stack.doctor import Finding
    from stackcanvas.stack.fsck import Checked
    from stackcanvas.stack.usage import Usage

_MARKS = {"good": ("ok", "green"), "warn": ("note", "yellow"), "bad": ("bad", "red")}


@click.command("doctor", cls=Command, example=("stackcanvas doctor", "stackcanvas doctor --format json"))
@output_options
def doctor() -> None:
    """Say what is wrong with the project, and the command that mends it.

    Nothing is changed. Exit code 1 when something does not work.
    """
    project = click.get_current_context().find_root().params.get("project")
    found: list[Finding] = load("stackcanvas.stack.doctor:examine")(project)
    emit_text("\n".join(line for one in found for line in _lines(one)), data=found)
    if any(one.level == "bad" for one in found):
        answer_no()


@click.command("fsck", cls=Command, example="stackcanvas fsck")
@output_options
@pass_stack
def fsck(stack: Stack) -> None:
    """Read every byte of data and models, and the audit log, and name what is damaged.

    Workspaces are read by themselves: stackcanvas --workspace NAME fsck. Exit code 1 when something is damaged.
    """
    with progress("Reading") as advance:
        done: Checked = load("stackcanvas.stack.fsck:fsck")(stack, progress=advance)
    if wants_json():
        emit_text("", data=done)
    else:
        if done.damage:
            emit_rows(done.damage, columns=("ref", "what", "fix"))
        say(
            f"{done.versions:,} versions of data ({bytes_text(done.size_bytes)}), {done.models:,} of models and "
            f"{done.entries:,} entries of the audit log were read: {len(done.damage)} damaged."
        )
    if done.damage:
        answer_no()


@click.command("du", cls=Command, example="stackcanvas du")
@output_options
@pass_stack
def du(stack: Stack) -> None:
    """Show what takes space, the most first."""
    found: list[Usage] = load("stackcanvas.stack.usage:usage")(stack)
    emit_rows(found, columns=("what", "files", "size_bytes", "where"))


def _lines(finding: Finding) -> list[str]:
    mark, colour = _MARKS[finding.level]
    first = f"{click.style(mark.ljust(5), fg=colour)} {finding.area:<13} {finding.what}"
    return [first, f"{'':20}{finding.fix}"] if finding.fix else [first]

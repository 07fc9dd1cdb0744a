"""`stackcanvas status`: what runs, and what the records show of each block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_text, output_options
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.metadata.heartbeats import Heartbeat
    from stackcanvas.stack import Stack
    from stackcanvas.stack.evidence import BlockEvidence
    from stackcanvas.stack.running import Process


@click.command("status", cls=Command, example=("stackcanvas status", "stackcanvas status --format json"))
@output_options
@pass_stack
def status(stack: Stack) -> None:
    """Show the project, its processes on every machine, and what the records say of each block."""
    processes: list[Process] = load("stackcanvas.stack.running:processes")(stack.folder)
    names: Sequence[str] = load("stackcanvas.stack.running:NAMES")
    heartbeats: list[Heartbeat] = stack.spine.heartbeats.ls()
    evidence: dict[str, BlockEvidence] = load("stackcanvas.stack.evidence:collect")(stack)
    canvas = stack.canvas
    data = {
        "project": canvas.project.name,
        "root": stack.root,
        "answered": len(canvas.answered),
        "open": len(canvas.unanswered),
        "processes": processes,
        "heartbeats": heartbeats,
        "blocks": evidence,
    }
    here = {one.name: one for one in processes}
    lines = [
        f"{canvas.project.name}  {stack.root}",
        f"{len(canvas.answered)} questions answered, {data['open']} open",
        "",
    ]
    for name in names:
        one = here.get(name)
        if one is not None or not any(beat.kind == name for beat in heartbeats):
            lines.append(f"{name:<12}{_where(one) if one else 'does not run'}")
    for beat in heartbeats:
        lines += _beat(beat, here.get(beat.kind))
    for found in evidence.values():
        lines += _block(found)
    emit_text("\n".join(lines), data=data)


def _where(process: Process) -> str:
    return f"{process.url or 'runs'}  (process {process.pid}, since {process.started:%Y-%m-%d %H:%M} UTC)"


def _beat(beat: Heartbeat, here: Process | None) -> list[str]:
    """What there is to say of a process beyond that it runs here."""
    pid = beat.process.rsplit("/", 2)[1]
    lines = []
    if beat.overdue:
        last = f"heard of last at {beat.heard:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(click.style(f"{beat.kind:<12}overdue on {beat.host} (process {pid}), {last}", fg="red"))
    elif here is None or str(here.pid) != pid:
        where = f"{beat.facts.get('url') or beat.facts.get('run') or 'runs'} on {beat.host}"
        lines.append(f"{beat.kind:<12}{where}  (process {pid}, since {beat.started:%Y-%m-%d %H:%M} UTC)")
    failing = beat.facts.get("failing")
    if isinstance(failing, dict):
        lines += [f"  ! {_some(names)}: {said}" for said, names in _by_sentence(failing).items()]
    return lines


def _by_sentence(failing: Mapping[str, str]) -> dict[str, list[str]]:
    """What fails for one reason is one line: a database that is away is met by every part."""
    found: dict[str, list[str]] = {}
    for name, said in failing.items():
        found.setdefault(said, []).append(name)
    return found


def _some(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} fails"
    return f"{names[0]} and {len(names) - 1} more fail"


def _block(found: BlockEvidence) -> list[str]:
    if not found.facts and not found.warnings:
        return []
    width = max((len(fact.label) for fact in found.facts), default=0) + 2
    facts = [f"  {fact.label:<{width}}{fact.value}" for fact in found.facts]
    return ["", click.style(found.block, bold=True), *facts, *(f"  ! {warning}" for warning in found.warnings)]

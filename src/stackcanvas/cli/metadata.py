"""`stackcanvas metadata`: executions, artifacts, events and the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group, load
from stackcanvas.cli.output import answer_no, emit_record, emit_rows, output_options, say, wants_json
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.metadata import Ref
    from stackcanvas.stack import Stack

metadata = Group(
    "metadata", help="Records, events and the audit log.", example="stackcanvas metadata executions --kind data.commit"
)
_limit = click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")


@metadata.command("executions", example="stackcanvas metadata executions --state failed")
@click.option("--kind", help="Only of this kind, such as pipelines.run.")
@click.option("--state", help="Only in this state: running, done, failed, cancelled or lost.")
@click.option("--subject", help="Only about this ref, such as model:delay.")
@_limit
@output_options
@pass_stack
def executions(stack: Stack, kind: str | None, state: str | None, subject: str | None, limit: int) -> None:
    """What was done, newest first."""
    about = _ref(subject) if subject else None
    found = stack.spine.executions.search(kind=kind, state=state, subject=about, limit=limit)
    emit_rows(found, columns=("started", "kind", "state", "subject", "actor", "trigger", "id"))


@metadata.command("show", example="stackcanvas metadata show 013e5d6378007281bec49dcaa5c30545")
@click.argument("execution")
@output_options
@pass_stack
def show(stack: Stack, execution: str) -> None:
    """One execution with what it used and made."""
    found = stack.spine.executions.get(execution)
    links = stack.spine.lineage.of(found.id)
    facts = {
        "id": found.id,
        "kind": found.kind,
        "state": found.state,
        "subject": found.subject,
        "trigger": found.trigger,
        "actor": found.actor,
        "started": found.started,
        "duration_s": found.duration_s,
        "commit": found.code.commit,
        "dirty": found.code.dirty,
        "parent": found.parent,
        "error": found.error,
        **{name: [str(one.ref) for one in links if one.direction == name] for name in ("used", "made")},
    }
    emit_record({"execution": found, "links": links} if wants_json() else facts)


@metadata.command("search", example="stackcanvas metadata search --kind model --name delay")
@click.option("--kind", help="Only of this kind: data, model, deployment, ...")
@click.option("--name", help="Only of this name.")
@_limit
@output_options
@pass_stack
def search(stack: Stack, kind: str | None, name: str | None, limit: int) -> None:
    """What the stack keeps for good, newest first."""
    found = stack.spine.artifacts.search(kind=kind, name=name, limit=limit)
    emit_rows(found, columns=("created", "ref", "digest", "execution"))


@metadata.command("events", example="stackcanvas metadata events --name drift.found")
@click.option("--name", help="Only of this name.")
@click.option("--subject", help="Only about this ref.")
@_limit
@output_options
@pass_stack
def events(stack: Stack, name: str | None, subject: str | None, limit: int) -> None:
    """What happened, newest first."""
    about = _ref(subject) if subject else None
    found = stack.spine.events.latest(names={name} if name else (), subject=about, limit=limit)
    emit_rows(found, columns=("sequence", "time", "name", "subject", "actor"))


@metadata.command("audit", example=("stackcanvas metadata audit", "stackcanvas metadata audit --verify"))
@click.option("--verify", is_flag=True, help="Tell whether any entry was altered, inserted, removed or cut off.")
@click.option("--subject", help="Only about this ref.")
@_limit
@output_options
@pass_stack
def audit(stack: Stack, subject: str | None, limit: int, *, verify: bool) -> None:
    """Who decided what, newest first."""
    if not verify:
        about = _ref(subject) if subject else None
        entries = stack.spine.audit.entries(subject=about, limit=limit)
        emit_rows(entries, columns=("sequence", "time", "actor", "verified", "action", "subject"))
        return
    problems = load("stackcanvas.stack.heads:verify")(stack)
    length, head = stack.spine.audit.head()
    emit_rows(problems, columns=("sequence", "what"), empty=f"{length} entries, none altered; head {head[:16]}.")
    if problems:
        say("The log is not what was written.")
        answer_no()


def _ref(text: str) -> Ref:
    found: Ref = load("stackcanvas.metadata:Ref").parse(text)
    return found

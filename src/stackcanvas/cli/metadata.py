"""`stackcanvas metadata`: executions, artifacts, events and the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

import click

from stackcanvas.cli.commands import Group, load
from stackcanvas.cli.output import answer_no, emit_record, emit_rows, output_options, say, wants_json
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.metadata import Ref
    from stackcanvas.stack import Stack
    from stackcanvas.stack.keeping import Erasure, Going, Reclaimed

metadata = Group(
    "metadata", help="Records, events and the audit log.", example="stackcanvas metadata executions --kind data.commit"
)
_patience = click.option(
    "--patience", default=60, show_default=True, metavar="SECONDS", help="How long to wait for work that is writing."
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


@metadata.command("retain", example=("stackcanvas metadata retain --plan", "stackcanvas metadata retain"))
@click.option("--plan", is_flag=True, help="Change nothing; tell what would go.")
@_patience
@output_options
@pass_stack
def retain(stack: Stack, *, plan: bool, patience: int) -> None:
    """Remove what is older than the canvas lets it be kept, and give its space back.

    The worker does so once a day. What a model, a deployment or kept data comes from stays; so do the records of the
    work itself, and with them the lineage.
    """
    _refuse_afar(stack)
    if not any(one.keep is not None for one in stack.keeping.rules()):
        say("The canvas limits nothing: metadata.governance.retention and serving.log.keep say how long is kept what.")
    if plan:
        going = stack.keeping.plan()
    else:
        done = stack.keeping.retain(patience=timedelta(seconds=patience))
        going = done.going
    _emit_going(going)
    if not plan:
        _say_reclaimed(done.cleared)


@metadata.command("gc", example=("stackcanvas metadata gc --dry-run", "stackcanvas metadata gc"))
@click.option("--dry-run", "dry", is_flag=True, help="Only tell what would be removed.")
@_patience
@output_options
@pass_stack
def gc(stack: Stack, *, dry: bool, patience: int) -> None:
    """Give back the space of what no record names: packs of data, files of runs and models, results of steps.

    Safe beside commits, runs, registrations and reads.
    """
    _refuse_afar(stack)
    done = stack.keeping.gc(dry=dry, patience=timedelta(seconds=patience))
    fields = ("runs", "runs_bytes", "values", "values_bytes", "models", "models_bytes", "dry")
    emit_record(done if wants_json() else {**_data_of(done), **{name: getattr(done, name) for name in fields}})
    _say_reclaimed(done)


@metadata.command(
    "erase",
    example=(
        "stackcanvas metadata erase customers --key customer_id --value 4711 --plan",
        "stackcanvas metadata erase customers --key customer_id --values ids.txt",
        "stackcanvas metadata erase customers --key customer_id --value 4711 --mask name --mask email",
    ),
)
@click.argument("data", nargs=-1, required=True)
@click.option("--key", required=True, metavar="COLUMN", help="The column that tells whose a row is.")
@click.option("--value", "given", multiple=True, help="A value of it; may be given several times.")
@click.option("--values", "file", type=click.File(), help="A file with a value a line; - for standard input.")
@click.option("--mask", multiple=True, metavar="COLUMN", help="Empty this column instead of removing the rows.")
@click.option("--plan", is_flag=True, help="Change nothing; tell what would be.")
@_patience
@output_options
@pass_stack
def erase(
    stack: Stack,
    data: tuple[str, ...],
    *,
    key: str,
    given: tuple[str, ...],
    file: TextIO | None,
    mask: tuple[str, ...],
    plan: bool,
    patience: int,
) -> None:
    """Erase the rows of persons from everything that holds them, beginning with the data sets DATA.

    Found by lineage: all versions of data, training sets, pushed rows, the online store, predictions, labels, items of
    annotation, results of steps. It cannot be undone. Killed at any moment, the same command goes on. Exit code 1 when
    old bytes had to be left because something was writing: run it again.
    """
    _refuse_afar(stack)
    values = {*given, *(line.rstrip("\r\n") for line in file or ())} - {""}
    if not values:
        raise click.UsageError("Name whose rows are meant: --value VALUE or --values FILE.")
    wait = timedelta(seconds=patience)
    done: Erasure = stack.keeping.erase(data, key=key, values=values, blank=mask, plan=plan, patience=wait)
    if wants_json():
        emit_record(done)
    else:
        emit_rows(done.touched, columns=("what", "rows"), empty="Nothing here holds rows of theirs.")
        for said in _sentences(done):
            say(said)
    if done.waiting:
        answer_no()


_MOST_SAID = 30


def _sentences(done: Erasure) -> Iterator[str]:
    if done.models:
        yield f"These models learned from them, and carry the tag stackcanvas.erased: {', '.join(done.models)}"
    if done.runs:
        yield f"{done.runs} runs and pieces of work read them; what steps of pipelines kept of that goes."
    yield from (f"Not reached: {said}." for said in done.unreached[:_MOST_SAID])
    if len(done.unreached) > _MOST_SAID:
        yield f"Not reached: {len(done.unreached) - _MOST_SAID:,} more. All are named by: --plan --format json"
    yield from (f"Left for now: {said}. Run the same command again." for said in done.waiting)


def _emit_going(going: Sequence[Going]) -> None:
    span = load("stackcanvas.canvas.units:format_duration")
    rows = [
        {"what": one.what, "keep": span(one.keep), "before": one.before, "go": one.count, "needed": one.needed}
        for one in going
    ]
    columns = ("what", "keep", "before", "go", "needed")
    emit_rows(going if wants_json() else rows, columns=columns, empty="Nothing is old enough to go.")


def _say_reclaimed(done: Reclaimed) -> None:
    if done.waiting:
        say(f"{len(done.waiting)} pieces of work were still writing; what they may need was left. Run it again later.")
        answer_no()


def _data_of(done: Reclaimed) -> dict[str, object]:
    if done.data is None:
        return {"data": "left: others push to this store"}
    return {"data_packs": done.data.removed, "data_bytes": done.data.removed_bytes}


def _refuse_afar(stack: Stack) -> None:
    if stack.is_served:
        raise load("stackcanvas.errors:Refused")(
            "what a stack keeps is looked after on its own machine",
            fix="Run the command there; its worker applies the canvas's retention once a day",
        )


def _ref(text: str) -> Ref:
    found: Ref = load("stackcanvas.metadata:Ref").parse(text)
    return found

"""`stackcanvas annotation`: items that people label."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.commands import Group, load
from stackcanvas.cli.output import answer_no, emit_record, emit_rows, emit_text, output_options, say, wants_json
from stackcanvas.cli.project import pass_stack
from stackcanvas.errors import BadInput, Usage
from stackcanvas.plain import cell, plain

if TYPE_CHECKING:
    from stackcanvas.data.annotation import Item, ItemView, Progress, Queue
    from stackcanvas.stack import Stack

_QUEUE = ("name", "kind", "question", "choices", "wanted", "state", "sources", "created")
_BY = click.option("--labeller", "--by", "labeller", metavar="NAME", help="Who; by default who runs the command.")


@click.group(
    "annotation",
    cls=Group,
    example=(
        "stackcanvas annotation create moods reviews --choice good --choice bad --question 'What is the mood?'",
        "stackcanvas annotation next moods",
        "stackcanvas annotation export moods --to moods-labelled",
    ),
)
def annotation() -> None:
    """Items that people label: queues, labels, agreement, decisions.

    The page /annotation of `stackcanvas up` gives items out one after the other.
    """


def _choosing_options(function: Any) -> Any:
    for option in (
        click.option("--limit", type=click.IntRange(min=1), help="No more items than these."),
        click.option("--below", type=float, metavar="SHARE", help="Only rows that a model was less sure of than this."),
        click.option(
            "--probability", metavar="COLUMN", help="The probability of one of two classes; near 0.5 comes first."
        ),
        click.option("--confidence", metavar="COLUMN", help="How sure a model was, 0 to 1; the least sure come first."),
        click.option(
            "--show", "shown", multiple=True, metavar="COLUMN", help="What a person sees; all columns by default."
        ),
    ):
        function = option(function)
    return function


@annotation.command(
    "create",
    example=(
        "stackcanvas annotation create moods reviews@2 --choice good --choice bad --show text",
        "stackcanvas annotation create names reviews --kind spans --text text --choice person --choice place",
        "stackcanvas annotation create unsure predictions/delay --choice yes --choice no --probability output.p",
    ),
)
@click.argument("name")
@click.argument("source", required=False)
@click.option(
    "--kind",
    type=click.Choice(["choice", "choices", "number", "spans"]),
    default="choice",
    show_default=True,
    help="One choice, several, a number, or spans of a text.",
)
@click.option("--choice", "choices", multiple=True, metavar="TEXT", help="What may be chosen; repeat.")
@click.option("--question", default="", help="What people are asked.")
@click.option("--text", metavar="COLUMN", help="With spans: the column whose text is marked.")
@click.option("--low", type=float, help="The lowest number.")
@click.option("--high", type=float, help="The highest number.")
@click.option("--labels-per-item", "wanted", type=int, help="How many people label each item; by default the canvas's.")
@click.option(
    "--keep",
    "claim_s",
    type=int,
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="How long an item is kept for a person.",
)
@click.option("--price", metavar="AMOUNT", help="What one label costs; by default the canvas's.")
@_choosing_options
@output_options
@pass_stack
def create(stack: Stack, /, name: str, source: str | None, price: str | None, **options: Any) -> None:
    """Make a queue, and fill it with the rows of a data version or a prediction log."""
    choosing = _choosing(options)
    made = stack.annotation.create(name, source, price=_money(price), choosing=choosing, **options)
    emit_record(made, fields=_QUEUE)
    if not wants_json():
        items = stack.annotation.progress(name).items
        say(f"{items:,} items. Label them on the page /annotation, or: stackcanvas annotation next {name}")


@annotation.command("add", example="stackcanvas annotation add moods reviews@3")
@click.argument("name")
@click.argument("source")
@_choosing_options
@output_options
@pass_stack
def add(stack: Stack, /, name: str, source: str, **options: Any) -> None:
    """Add the rows of a version that a queue does not have yet."""
    added = stack.annotation.add(name, source, choosing=_choosing(options))
    emit_record({"queue": name, "added": added})


@annotation.command("ls", example="stackcanvas annotation ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List the queues with how far they are."""
    emit_rows(
        [stack.annotation.progress(queue.name) for queue in stack.annotation.ls()],
        columns=("queue", "state", "items", "done", "labels", "wanted", "taken", "cost", "expected_cost", "currency"),
        empty="There is no queue. Make one: stackcanvas annotation create NAME DATA --choice A --choice B",
    )


@annotation.command("show", example="stackcanvas annotation show moods")
@click.argument("name")
@output_options
@pass_stack
def show(stack: Stack, name: str) -> None:
    """Show a queue: what it asks, how far it is, who did what, what it cost."""
    queue, progress = stack.annotation.get(name), stack.annotation.progress(name)
    if wants_json():
        emit_record({**plain(queue), "progress": progress})
        return
    emit_record(queue, fields=_QUEUE)
    emit_record(_told(progress))
    if progress.people:
        say("")
        emit_rows(progress.people, columns=("labeller", "labels", "skipped", "median_s"))


@annotation.command("next", example=("stackcanvas annotation next moods", "stackcanvas annotation next moods --by ada"))
@click.argument("name")
@_BY
@output_options
@pass_stack
def next_item(stack: Stack, name: str, labeller: str | None) -> None:
    """Take the next item in hand; exit code 1 when there is none left for this person."""
    claim = stack.annotation.claim(name, stack.annotation.person(labeller))
    if claim is None:
        emit_text("Nothing is left for you.", data=None)
        answer_no()
    queue = stack.annotation.get(name)
    if wants_json():
        emit_record(
            {"item": claim.item, "expires": claim.expires, "question": queue.question, "choices": queue.choices}
        )
        return
    emit_record({"item": claim.item.number, **claim.item.data})
    say(f"{queue.question}\n" if queue.question else "")
    say(f"Answer: stackcanvas annotation label {name} {claim.item.number} {_hint(queue)}")


@annotation.command(
    "label",
    example=(
        "stackcanvas annotation label moods 7 good",
        "stackcanvas annotation label names 7 0:5:person 12:18:place",
    ),
)
@click.argument("name")
@click.argument("item", type=int)
@click.argument("values", nargs=-1)
@click.option("--note", default="", help="What there is to say about it.")
@_BY
@output_options
@pass_stack
def label(  # noqa: PLR0917 - click passes them by name
    stack: Stack, name: str, item: int, values: tuple[str, ...], note: str, labeller: str | None
) -> None:
    """Say what an item is: a choice, several, a number, or spans as START:END:LABEL."""
    value = _value(stack.annotation.get(name), values)
    emit_record(
        stack.annotation.label(name, item, stack.annotation.person(labeller), value, note=note),
        fields=("number", "given", "state"),
    )


@annotation.command("skip", example="stackcanvas annotation skip moods 7 --note 'not in a language I read'")
@click.argument("name")
@click.argument("item", type=int)
@click.option("--note", default="", help="Why.")
@_BY
@output_options
@pass_stack
def skip(stack: Stack, name: str, item: int, note: str, labeller: str | None) -> None:
    """Leave an item to others for good."""
    stack.annotation.skip(name, item, stack.annotation.person(labeller), note=note)
    emit_record({"queue": name, "item": item, "skipped": True})


@annotation.command(
    "items", example=("stackcanvas annotation items moods", "stackcanvas annotation items moods --undecided")
)
@click.argument("name")
@click.option("--undecided", is_flag=True, help="Only those whose labels come to nothing: for somebody to decide.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most.")
@output_options
@pass_stack
def items(stack: Stack, name: str, undecided: bool, limit: int) -> None:
    """List items with what was said of them."""
    found = list(stack.annotation.items(name, undecided=undecided, limit=limit))
    if wants_json():
        emit_rows(found, columns=())
        return
    emit_rows(
        [_row(one) for one in found], columns=("item", "state", "value", "by", "labels", "data"), empty="No item."
    )


@annotation.command("decide", example="stackcanvas annotation decide moods 7 good")
@click.argument("name")
@click.argument("item", type=int)
@click.argument("values", nargs=-1)
@_BY
@output_options
@pass_stack
def decide(stack: Stack, name: str, item: int, values: tuple[str, ...], labeller: str | None) -> None:
    """Settle an item, whatever its labels say."""
    value = _value(stack.annotation.get(name), values)
    found: Item = stack.annotation.decide(name, item, value, by=stack.annotation.person(labeller))
    emit_record(found, fields=("number", "final", "final_by", "state"))


@annotation.command("agreement", example="stackcanvas annotation agreement moods")
@click.argument("name")
@output_options
@pass_stack
def agreement(stack: Stack, name: str) -> None:
    """Show how far people agree, beyond chance: Krippendorff's alpha, Fleiss' and Cohen's kappa."""
    found = stack.annotation.agreement(name)
    emit_record(found, fields=("queue", "kind", "items", "same", "alpha", "fleiss"))
    if found.pairs and not wants_json():
        say("")
        emit_rows(found.pairs, columns=("one", "two", "items", "same", "kappa"))


@annotation.command(
    "export",
    example=(
        "stackcanvas annotation export moods --to moods-labelled",
        "stackcanvas annotation export moods --label-studio tasks.json --config view.xml",
    ),
)
@click.argument("name")
@click.option("--to", metavar="DATA", help="Make what is decided the newest version of this data set.")
@click.option("--each", is_flag=True, help="With --to: a row for each label.")
@click.option("--message", "-m", default="", help="With --to: why, in a few words.")
@click.option(
    "--label-studio", "tasks", type=click.Path(path_type=Path, dir_okay=False), help="Write tasks of Label Studio."
)
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Write the labelling interface for it.")
@output_options
@pass_stack
def export(  # noqa: PLR0917 - click passes them by name
    stack: Stack, name: str, to: str | None, each: bool, message: str, tasks: Path | None, config: Path | None
) -> None:
    """Take out what was labelled: as a data version, or for Label Studio."""
    if to is None and tasks is None and config is None:
        raise Usage("nothing says where to", fix="Give --to DATA, --label-studio FILE or --config FILE")
    write = load("stackcanvas.data.analysis.write:write_text")
    done: dict[str, object] = {}
    if to is not None:
        made = stack.annotation.export(name, to, each=each, message=message)
        done |= {"ref": made.ref, "rows": made.rows, "digest": made.digest}
    if tasks is not None:
        found = stack.annotation.export_label_studio(name)
        write(json.dumps(plain(found), ensure_ascii=False, indent=1), tasks)
        done |= {"tasks": len(found), "file": tasks}
    if config is not None:
        write(stack.annotation.label_studio_config(name), config)
        done["config"] = config
    emit_record(done)


@annotation.command("import", example="stackcanvas annotation import moods project-1.json")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--labels-per-item", "wanted", type=int, help="For a new queue: how many people label each item.")
@output_options
@pass_stack
def import_tasks(stack: Stack, name: str, file: Path, wanted: int | None) -> None:
    """Bring tasks and annotations of Label Studio's JSON into a queue; one is made where there is none."""
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadInput(f"this is no JSON ({error})", where=str(file)) from error
    done = stack.annotation.import_label_studio(name, document, wanted=wanted)
    emit_record(
        {
            "queue": done.queue.name,
            "kind": done.queue.kind,
            "new items": done.items,
            "labels": done.labels,
            "decisions": done.decisions,
        }
    )


@annotation.command("close", example="stackcanvas annotation close moods")
@click.argument("name")
@output_options
@pass_stack
def close(stack: Stack, name: str) -> None:
    """Give no more items out."""
    emit_record(stack.annotation.close(name), fields=("name", "state"))


@annotation.command("open", example="stackcanvas annotation open moods")
@click.argument("name")
@output_options
@pass_stack
def open_again(stack: Stack, name: str) -> None:
    """Give items out again."""
    emit_record(stack.annotation.open(name), fields=("name", "state"))


def _choosing(options: dict[str, Any]) -> Any:
    names = ("shown", "confidence", "probability", "below", "limit")
    return load("stackcanvas.data.annotation:Choosing")(**{name: options.pop(name) for name in names})


def _money(price: str | None) -> Decimal | None:
    try:
        return None if price is None else Decimal(price)
    except InvalidOperation:
        raise Usage(f"--price {price} is no amount", fix="Say it as in --price 0.10") from None


def _value(queue: Queue, values: Sequence[str]) -> Any:
    """What the words of a command line say."""
    if queue.kind == "choices":
        return list(values)
    if queue.kind == "spans":
        return [_span(text) for text in values]
    if len(values) != 1:
        raise Usage(f"{len(values)} answers are given", fix=f"Give one: {_hint(queue)}")
    if queue.kind == "choice":
        return values[0]
    try:
        return float(values[0])
    except ValueError:
        raise BadInput(f"{values[0]!r} is no number") from None


def _span(text: str) -> dict[str, object]:
    start, _, rest = text.partition(":")
    end, _, name = rest.partition(":")
    if not (start.isdigit() and end.isdigit() and name):
        raise Usage(f"{text!r} is no span", fix="Say it as in 0:5:person")
    return {"start": int(start), "end": int(end), "label": name}


def _hint(queue: Queue) -> str:
    if queue.kind == "number":
        return "NUMBER"
    if queue.kind == "spans":
        return f"START:END:{queue.choices[0]}"
    return " | ".join(map(shlex.quote, queue.choices[:8]))


def _told(progress: Progress) -> dict[str, object]:
    money = f"{progress.cost:,.2f} of {progress.expected_cost:,.2f} {progress.currency}"
    return {
        "items": f"{progress.done:,} of {progress.items:,} done",
        "labels": f"{progress.labels:,} of {progress.wanted:,}",
        "in somebody's hands": progress.taken,
        "cost": money,
    }


def _row(one: ItemView) -> dict[str, object]:
    said = ", ".join(f"{label.labeller}: {cell(label.value)}" for label in one.labels)
    data = cell(one.item.data)
    return {
        "item": one.item.number,
        "state": one.item.state,
        "value": one.value,
        "by": one.item.final_by or ("people" if one.value is not None else ""),
        "labels": said,
        "data": data if len(data) <= 60 else f"{data[:59]}…",
    }

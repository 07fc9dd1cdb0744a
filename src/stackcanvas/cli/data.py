"""`stackcanvas data`: versions of data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli import analysis, remotes, sheets
from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import (
    answer_no,
    emit_record,
    emit_rows,
    emit_text,
    output_options,
    progress,
    say,
    wants_json,
)
from stackcanvas.cli.project import pass_stack
from stackcanvas.errors import Usage
from stackcanvas.plain import bytes_text, cell

if TYPE_CHECKING:
    from stackcanvas.data import DataDiff, DataVersion
    from stackcanvas.stack import Stack

_VERSION = ("ref", "rows", "files", "size_bytes", "new_bytes", "digest", "tags")
_FILE = click.Path(path_type=Path, dir_okay=False)
_DAMAGED_SHOWN = ("version", "path", "what", "pack", "offset", "chunk")


@click.group("data", cls=Group, example=("stackcanvas data commit flights data/*.csv", "stackcanvas data ls"))
def data() -> None:
    """Versions of data sets.

    A version is named by its number (flights@3), a tag (flights@january), or nothing for the newest.
    """


@data.command(
    "commit",
    example=(
        "stackcanvas data commit flights data/flights.csv --message 'January' --key flight",
        "stackcanvas data commit images images/",
        "stackcanvas data commit trips data/*.parquet --table",
    ),
)
@click.argument("name")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--table", is_flag=True, help="Keep the rows instead of the bytes: small edits then cost little.")
@click.option("--message", "-m", default="", help="Why, in a few words.")
@click.option("--key", multiple=True, metavar="COLUMN", help="A column that identifies a row; repeat for several.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A name for the version; may be repeated.")
@click.option("--expect", type=_FILE, metavar="FILE", help="What rows must be like, instead of what canvas.yaml says.")
@output_options
@pass_stack
def commit(  # noqa: PLR0917 - click passes them by name
    stack: Stack,
    name: str,
    paths: tuple[Path, ...],
    table: bool,
    message: str,
    key: tuple[str, ...],
    tags: tuple[str, ...],
    expect: Path | None,
) -> None:
    """Make files and folders the newest version of a data set."""
    with progress(f"Committing {name}") as advance:
        made = stack.data.commit(
            name, list(paths), table=table or None, message=message, key=key, tags=tags, expect=expect, progress=advance
        )
    _tell(made)


@data.command(
    "ingest",
    example=(
        "stackcanvas data ingest flights",
        "stackcanvas data ingest sales --from postgresql://reader@dwh/shop --query 'select * from sales'",
        "stackcanvas data ingest trips --from delta://lake/trips@12",
    ),
)
@click.argument("name")
@click.option("--from", "url", metavar="URL", help="Where from; by default the source of this name in canvas.yaml.")
@click.option("--query", metavar="SQL", help="For a database: a SELECT statement, or the name of a table.")
@click.option("--table", is_flag=True, help="Keep the rows instead of the bytes: small edits then cost little.")
@click.option("--message", "-m", default="", help="Why, in a few words.")
@click.option("--key", multiple=True, metavar="COLUMN", help="A column that identifies a row; repeat for several.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A name for the version; may be repeated.")
@click.option("--expect", type=_FILE, metavar="FILE", help="What rows must be like, instead of what canvas.yaml says.")
@output_options
@pass_stack
def ingest(stack: Stack, /, name: str, url: str | None, **options: Any) -> None:
    """Read a source and make what it gives the newest version of a data set.

    A source is a path, https://..., s3://..., a database by its address, or a Delta Lake table, which is not copied.
    """
    options["table"] = options["table"] or None
    with progress(f"Reading {name}") as advance:
        made = stack.data.ingest(name, url, progress=advance, **options)
    _tell(made)


@data.command(
    "check", example=("stackcanvas data check flights", "stackcanvas data check flights@3 --expect rules.yaml")
)
@click.argument("ref")
@click.option("--expect", type=_FILE, metavar="FILE", help="What rows must be like, instead of what canvas.yaml says.")
@output_options
@pass_stack
def check(stack: Stack, ref: str, expect: Path | None) -> None:
    """Tell what a version does not meet of what is expected of it; exit code 1 when there is something."""
    found = stack.data.check(ref, expect)
    emit_rows(found, columns=("column", "said", "count", "rows"), empty="All is as expected.")
    if found:
        answer_no()


@data.command("ls", example="stackcanvas data ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List the data sets with their newest versions."""
    emit_rows(
        stack.data.ls(),
        columns=("name", "number", "rows", "files", "size_bytes", "created", "tags", "message"),
        empty="There are no data sets. Commit one: stackcanvas data commit NAME PATH",
    )


@data.command("log", example="stackcanvas data log flights")
@click.argument("name")
@output_options
@pass_stack
def log(stack: Stack, name: str) -> None:
    """List the versions of a data set, newest first."""
    emit_rows(
        stack.data.log(name),
        columns=(
            "number",
            "created",
            "rows",
            "files",
            "size_bytes",
            "new_bytes",
            "tags",
            "message",
            "forgotten",
            "erased",
        ),
    )


@data.command("show", example=("stackcanvas data show flights", "stackcanvas data show flights@3 --format json"))
@click.argument("ref")
@output_options
@pass_stack
def show(stack: Stack, ref: str) -> None:
    """Show a version: what it holds, column by column, and where it came from."""
    found = stack.data.get(ref)
    emit_record({**found.to_dict(), "profile": found.profile} if wants_json() else _for_people(found))


@data.command("files", example=("stackcanvas data files images", "stackcanvas data files images@3 --format json"))
@click.argument("ref")
@output_options
@pass_stack
def files(stack: Stack, ref: str) -> None:
    """List the files of a version."""
    emit_rows(stack.data.files(ref), columns=("path", "size_bytes", "digest"))


@data.command("cat", example=("stackcanvas data cat flights", "stackcanvas data cat images@3 train/1.png > 1.png"))
@click.argument("ref")
@click.argument("path", required=False)
@pass_stack
def cat(stack: Stack, ref: str, path: str | None) -> None:
    """Write the bytes of one file of a version to stdout, without checking it out."""
    for piece in stack.data.content(ref, path)[1]:
        click.echo(piece, nl=False)


@data.command("diff", example=("stackcanvas data diff flights@1 flights@2", "stackcanvas data diff a@1 a --key id"))
@click.argument("before")
@click.argument("after")
@click.option("--key", multiple=True, metavar="COLUMN", help="Match rows by it; by default the key of the commit.")
@click.option("--samples", default=5, show_default=True, help="How many rows of each kind to show.")
@output_options
@pass_stack
def diff(stack: Stack, before: str, after: str, key: tuple[str, ...], samples: int) -> None:
    """Tell what changed from one version to another: files, columns, rows and values."""
    found = stack.data.diff(before, after, key=key, samples=samples)
    emit_text(_told(found), data=found)


@data.command(
    "checkout",
    example=(
        "stackcanvas data checkout",
        "stackcanvas data checkout flights@3 data/",
        "stackcanvas data checkout images /tmp/images --link",
        "stackcanvas data checkout images@3 /tmp/some --only 'train/*.png' --only labels.csv",
    ),
)
@click.argument("ref", required=False)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--only", multiple=True, metavar="PATH", help="Some files: a path, a folder or a pattern; repeatable.")
@click.option("--link", is_flag=True, help="Read-only links instead of copies: fast, and they cost no space.")
@click.option("--force", is_flag=True, help="Overwrite files that no version holds.")
@output_options
@pass_stack
def checkout(  # noqa: PLR0917 - click passes them by name
    stack: Stack, ref: str | None, folder: Path | None, only: tuple[str, ...], link: bool, force: bool
) -> None:
    """Bring the files of a version into a folder, by default to where they lay.

    Without a version, bring what data.lock names: what follows a git checkout.
    """
    if ref is None:
        if only:
            raise Usage("--only picks files of one version", fix="Name the version")
        remotes.tell_restored(stack.data.restore(link=link, force=force))
        return
    done = stack.data.checkout(ref, folder, only=only, link=link, force=force)
    emit_record(
        {
            "version": done.version.ref,
            "target": done.target,
            "written": done.written,
            "unchanged": done.unchanged,
            "removed": done.removed,
        }
    )


@data.command("status", example="stackcanvas data status")
@output_options
@pass_stack
def status(stack: Stack) -> None:
    """Tell which data in the project differ from what was committed."""
    emit_rows(
        stack.data.status(),
        columns=("name", "state", "number", "latest", "locked", "folder", "added", "removed", "changed"),
        empty="There are no data sets. Commit one: stackcanvas data commit NAME PATH",
    )


@data.command("tag", example=("stackcanvas data tag flights@3 january", "stackcanvas data tag flights good --move"))
@click.argument("ref")
@click.argument("tag")
@click.option("--move", is_flag=True, help="Take the tag from the version that has it.")
@output_options
@pass_stack
def tag(stack: Stack, ref: str, tag: str, move: bool) -> None:
    """Give a version a name."""
    emit_record(stack.data.tag(ref, tag, move=move), fields=("ref", "tags"))


@data.command("verify", example=("stackcanvas data verify", "stackcanvas data verify flights@3"))
@click.argument("ref", required=False)
@output_options
@pass_stack
def verify(stack: Stack, ref: str | None) -> None:
    """Read every byte of one version, or of all; exit code 1 when something is not as it was committed."""
    with progress("Verifying") as advance:
        found = stack.data.verify(ref, progress=advance)
    read = f"{found.versions} versions, {found.files} files, {bytes_text(found.size_bytes)} read"
    emit_rows(found.problems, columns=_DAMAGED_SHOWN, empty=f"All is as it was committed: {read}.")
    if not found.sound:
        say("Committing the same data again from a good copy mends what is damaged.")
        answer_no()


for command in (*remotes.COMMANDS, *sheets.COMMANDS, *analysis.COMMANDS):
    data.add_command(command)


def _tell(made: DataVersion) -> None:
    """Say what a commit has made."""
    emit_record(made, fields=_VERSION)
    if made.existed:
        say(f"Nothing has changed since {made.name}@{made.number}; no new version was made.")
    for broken in made.broken:
        say(f"Not as expected, and kept with a mark: {broken}")
    if made.changed_columns and not made.existed:
        say(f"Columns differ from the version before: {_columns(made.changed_columns)}")


def _for_people(version: DataVersion) -> dict[str, object]:
    """The version with its columns a line each."""
    shown = {name: value for name, value in version.to_dict().items() if name not in {"columns", "existed", "name"}}
    profile = version.profile
    width = max((len(name) for name in version.columns), default=0)
    kinds = max((len(kind) for kind in version.columns.values()), default=0)
    lines = []
    for name, kind in version.columns.items():
        about = profile.columns[name].to_dict() if profile else {}
        facts = [f"{word} {cell(about[word])}" for word in ("nulls", "minimum", "maximum", "mean") if word in about]
        lines.append(f"{name:{width}}  {kind:{kinds}}  {', '.join(facts)}".rstrip())
    return {**shown, "changed_columns": _columns(version.changed_columns), "columns": "\n".join(lines)}


def _columns(changed: dict[str, tuple[str | None, str | None]]) -> str:
    said = []
    for name, (before, now) in changed.items():
        if before is None:
            said.append(f"{name} {now} is new")
        elif now is None:
            said.append(f"{name} {before} is gone")
        else:
            said.append(f"{name} was {before}, is {now}")
    return ", ".join(said)


def _told(found: DataDiff) -> str:
    """The difference as lines."""
    lines = [f"{found.before.ref} to {found.after.ref}"]
    if found.same:
        return f"{lines[0]}: the same"
    for word, paths in (("added", found.added), ("removed", found.removed), ("changed", found.changed)):
        if paths:
            more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
            lines.append(f"files {word}: {', '.join(paths[:5])}{more}")
    if found.columns:
        lines.append(f"columns: {_columns(found.columns)}")
    if found.rows is not None:
        by = f"by {', '.join(found.rows.key)}" if found.rows.key else "as whole rows"
        lines.append(f"rows {by}: {found.rows.added} added, {found.rows.removed} removed, {found.rows.changed} changed")
        if found.rows.changed_by_column:
            counts = (f"{name} in {count}" for name, count in found.rows.changed_by_column.items())
            lines.append(f"changed columns: {', '.join(counts)}")
        for word, rows in found.rows.samples.items():
            show = _before_and_after if word == "changed" else _value
            lines += [f"  {word}: {', '.join(f'{name} {show(value)}' for name, value in row.items())}" for row in rows]
    if found.drift is not None and found.drift.drifted_columns:
        lines.append(f"values have moved in: {', '.join(found.drift.drifted_columns)}")
    return "\n".join(lines)


def _before_and_after(value: object) -> str:
    return " -> ".join(map(_value, value)) if isinstance(value, list) else _value(value)


def _value(value: object) -> str:
    return "null" if value is None else cell(value)

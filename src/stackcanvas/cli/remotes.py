"""`stackcanvas data push, pull, clone, forget, gc, detach`: versions between workspaces, and their space."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command
from stackcanvas.cli.output import answer_no, emit_record, emit_rows, output_options, progress, say, wants_json
from stackcanvas.cli.project import pass_stack
from stackcanvas.plain import bytes_text

if TYPE_CHECKING:
    from stackcanvas.data import Restored, Transfer
    from stackcanvas.stack import Stack

_URL = "A folder, or s3://bucket/prefix, gs://bucket/prefix, az://container/prefix; data.storage.remote by default."
_CLEARED = ("removed", "removed_bytes", "rewritten", "files", "packs", "needed_bytes", "waiting", "dry")


@click.command(
    "push",
    cls=Command,
    example=("stackcanvas data push", "stackcanvas data push flights images@3 --to s3://bucket/data"),
)
@click.argument("refs", nargs=-1, metavar="[NAME|VERSION]...")
@click.option("--to", metavar="URL", help=_URL)
@click.option("--move-tags", is_flag=True, help="Give tags that stand for other versions there to these.")
@output_options
@pass_stack
def push(stack: Stack, refs: tuple[str, ...], to: str | None, move_tags: bool) -> None:
    """Send versions to a remote, all by default; what broke off goes on where it was."""
    with progress("Sending") as advance:
        sent = stack.data.push(refs, to=to, move_tags=move_tags, progress=advance)
    _tell(sent)


@click.command(
    "pull",
    cls=Command,
    example=(
        "stackcanvas data pull",
        "stackcanvas data pull --locked",
        "stackcanvas data pull flights --from /mnt/data",
    ),
)
@click.argument("refs", nargs=-1, metavar="[NAME|VERSION]...")
@click.option("--from", "source", metavar="URL", help=_URL)
@click.option("--locked", is_flag=True, help="Only the versions that data.lock names.")
@output_options
@pass_stack
def pull(stack: Stack, refs: tuple[str, ...], source: str | None, locked: bool) -> None:
    """Bring versions from a remote; `data checkout` then brings their files into the project."""
    with progress("Receiving") as advance:
        got = stack.data.pull(refs, source=source, locked=locked, progress=advance)
    _tell(got)


@click.command("clone", cls=Command, example="stackcanvas data clone s3://bucket/data")
@click.argument("url")
@click.option("--link", is_flag=True, help="Read-only links instead of copies: fast, and they cost no space.")
@output_options
@pass_stack
def clone(stack: Stack, url: str, link: bool) -> None:
    """Bring everything from a remote, and the files of the versions that data.lock names."""
    with progress("Receiving") as advance:
        got = stack.data.pull(source=url, progress=advance)
    if wants_json():
        emit_record({"transfer": got, "restored": restored_rows(stack.data.restore(link=link))})
        return
    _tell(got)
    if stack.settings.remote is None:
        say(f"To push and pull without naming it, answer in canvas.yaml: data: {{storage: {{remote: {url}}}}}")
    tell_restored(stack.data.restore(link=link))


@click.command("detach", cls=Command, example="stackcanvas data detach images")
@click.argument("name")
@output_options
@pass_stack
def detach(stack: Stack, name: str) -> None:
    """Make the linked files of a data set copies of their own, which may be edited."""
    emit_record({"name": name, "copied": stack.data.detach(name)})


@click.command(
    "forget", cls=Command, example=("stackcanvas data forget flights@1 flights@2", "stackcanvas data forget --keep 12")
)
@click.argument("refs", nargs=-1, metavar="[VERSION]...")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Give up all but the newest N of each data set.")
@output_options
@pass_stack
def forget(stack: Stack, refs: tuple[str, ...], keep: int | None) -> None:
    """Give up the content of versions that nothing needs: no tag, no line in data.lock, no run that read them."""
    if bool(refs) == (keep is not None):
        raise click.UsageError("Name versions, or say how many to keep with --keep.")
    gone = stack.data.forget(refs, keep=keep)
    emit_rows(gone, columns=("ref", "created", "size_bytes", "forgotten"), empty="No version was free to go.")
    if gone:
        say("Their space comes back with: stackcanvas data gc")


@click.command("gc", cls=Command, example=("stackcanvas data gc --dry-run", "stackcanvas data gc"))
@click.option("--dry-run", "dry", is_flag=True, help="Only tell what would be removed.")
@click.option("--patience", default=60, show_default=True, metavar="SECONDS", help="How long to wait for commits.")
@output_options
@pass_stack
def gc(stack: Stack, dry: bool, patience: int) -> None:
    """Give back the space of what no version needs; safe beside commits and reads."""
    with progress("Clearing up") as advance:
        done = stack.data.gc(dry=dry, patience=timedelta(seconds=patience), progress=advance)
    emit_record(done, fields=_CLEARED)
    if done.waiting:
        say(f"Nothing was removed: {len(done.waiting)} commits were still at work. Run it again later.")
        answer_no()


def tell_restored(found: list[Restored]) -> None:
    """Say what became of each line of data.lock."""
    emit_rows(
        restored_rows(found),
        columns=("name", "version", "folder", "written", "unchanged", "removed", "said"),
        empty="data.lock names no data set.",
    )


def restored_rows(found: list[Restored]) -> list[dict[str, object]]:
    """What became of each line of data.lock, as records."""
    return [
        {
            "name": one.name,
            "version": one.version,
            "folder": str(one.done.target) if one.done else None,
            "written": one.done.written if one.done else 0,
            "unchanged": one.done.unchanged if one.done else 0,
            "removed": one.done.removed if one.done else 0,
            "said": one.said,
        }
        for one in found
    ]


def _tell(done: Transfer) -> None:
    emit_record(done, fields=("url", "versions", "packs", "size_bytes", "tags", "tags_kept"))
    if done.tags_kept:
        say(f"These tags stand for other versions on the other side and stay: {', '.join(done.tags_kept)}")
    elif not done.versions:
        say("Both sides had the same versions.")
    else:
        say(f"{len(done.versions)} versions, {bytes_text(done.size_bytes)}.")


COMMANDS = (push, pull, clone, detach, forget, gc)
"""The verbs, for the group `data`."""

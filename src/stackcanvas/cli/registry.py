"""`stackcanvas models`: registered models and their versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import answer_no, emit_record, emit_rows, output_options, say, wants_json
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.registry import ModelVersion
    from stackcanvas.stack import Stack

_VERSION = ("ref", "version", "format", "metrics", "aliases", "created")


@click.group("models", cls=Group, example=("stackcanvas models ls", "stackcanvas models show delay@champion"))
def models() -> None:
    """Registered models and their versions.

    A version is named by its number (delay@3), its semantic version (delay@v1.2.0), an alias (delay@champion), or
    nothing for the newest.
    """


@models.command("ls", example="stackcanvas models ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List the models."""
    rows = [
        {
            "name": model.name,
            "versions": model.versions,
            "latest": model.latest and model.latest.version,
            "created": model.latest.created if model.latest else model.created,
            "aliases": model.aliases,
        }
        for model in stack.registry.ls()
    ]
    emit_rows(
        rows,
        columns=("name", "versions", "latest", "created", "aliases"),
        empty="No model is registered. A pipeline registers one: stackcanvas run train",
    )


@models.command("versions", example="stackcanvas models versions delay")
@click.argument("name")
@output_options
@pass_stack
def versions(stack: Stack, name: str) -> None:
    """List the versions of a model, newest first."""
    emit_rows(stack.registry.versions(name), columns=_VERSION)


@models.command("show", example=("stackcanvas models show delay@champion", "stackcanvas models show delay@v1.2.0"))
@click.argument("ref")
@output_options
@pass_stack
def show(stack: Stack, ref: str) -> None:
    """Show a version: what it takes and gives, what it came from, how it was judged."""
    found = stack.registry.get(ref)
    emit_record(found if wants_json() else _for_people(found))


@models.command(
    "alias", example=("stackcanvas models alias delay@3 champion", "stackcanvas models alias delay challenger")
)
@click.argument("ref")
@click.argument("alias")
@output_options
@pass_stack
def alias(stack: Stack, ref: str, alias: str) -> None:
    """Let ALIAS name a version, whatever it named before."""
    emit_record(stack.registry.alias(ref, alias), fields=("ref", "version", "aliases"))


@models.command("unalias", example="stackcanvas models unalias delay challenger")
@click.argument("name")
@click.argument("alias")
@output_options
@pass_stack
def unalias(stack: Stack, name: str, alias: str) -> None:
    """Take an alias away from a model."""
    stack.registry.unalias(name, alias)
    say(f"{name} has no alias {alias} any more")


@models.command("get", example="stackcanvas models get delay@champion --to model")
@click.argument("ref")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder to write to; made when it is missing.",
)
@output_options
@pass_stack
def get(stack: Stack, ref: str, target: Path) -> None:
    """Write the files of a version into a folder."""
    contents = stack.registry.files(ref)
    target.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, content in contents.items():
        (target / name).write_bytes(content)
        rows.append({"file": str(target / name), "size_bytes": len(content)})
    emit_rows(rows, columns=("file", "size_bytes"))


@models.command("verify", example=("stackcanvas models verify", "stackcanvas models verify delay@3"))
@click.argument("ref", required=False)
@output_options
@pass_stack
def verify(stack: Stack, ref: str | None) -> None:
    """Compare the stored files of one version, or of all, with their digests; exit code 1 when one differs."""
    found = stack.registry.verify(ref)
    emit_rows(found, columns=("ref", "files", "ok", "problems"), empty="No model is registered.")
    if not all(one.ok for one in found):
        answer_no()


def _for_people(version: ModelVersion) -> dict[str, object]:
    """The version with its columns and findings a line each."""
    inputs = [
        f"{one.name}  {one.dtype}{', may be missing' if one.nullable else ''}" for one in version.signature.inputs
    ]
    outputs = [
        f"{one.name}  {one.dtype} {list(one.shape)}"
        + (f" of {', '.join(map(str, one.classes))}" if one.classes else "")
        for one in version.signature.outputs
    ]
    gate = [] if version.gate is None else [check.said for check in version.gate.checks]
    return {
        "ref": version.ref,
        "version": version.version,
        "aliases": version.aliases,
        "created": version.created,
        "actor": version.actor,
        "message": version.message,
        "run": version.run,
        "training": version.training,
        "metrics": version.metrics,
        "gate": "\n".join(gate),
        "format": version.format,
        "inputs": "\n".join(inputs),
        "outputs": "\n".join(outputs),
        "files": "\n".join(version.files),
        "digest": version.digest,
    }

"""`stackcanvas models`: registered models and their versions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import answer_no, emit_record, emit_rows, output_options, say, wants_json
from stackcanvas.cli.project import pass_stack
from stackcanvas.errors import BadInput, Conflict, NotFound, Unavailable, Usage
from stackcanvas.metadata import Ref
from stackcanvas.registry.extras import new_key
from stackcanvas.stack.carding import model_card

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
    emit_rows(_written(target, stack.registry.files(ref)), columns=("file", "size_bytes"))


@models.command("create", example="stackcanvas models create delay --description 'Is this flight late?'")
@click.argument("name")
@click.option("--description", default="", help="What it is.")
@output_options
@pass_stack
def create(stack: Stack, name: str, description: str) -> None:
    """Register a name, before there is any version."""
    emit_record(stack.registry.changes.create(name, description=description), fields=("name", "description", "created"))


@models.command(
    "describe",
    example=("stackcanvas models describe delay 'Late by 15 minutes?'", "stackcanvas models describe delay@3 best"),
)
@click.argument("ref")
@click.argument("text")
@output_options
@pass_stack
def describe(stack: Stack, ref: str, text: str) -> None:
    """Say what a model, or one of its versions, is."""
    stack.registry.changes.describe(Ref.parse(ref, kind="model"), text)
    say(f"{ref} is described")


@models.command(
    "tag", example=("stackcanvas models tag delay team risk", "stackcanvas models tag delay@3 reviewed yes")
)
@click.argument("ref")
@click.argument("key")
@click.argument("value")
@output_options
@pass_stack
def tag(stack: Stack, ref: str, key: str, value: str) -> None:
    """Put a tag on a model, or on one of its versions."""
    stack.registry.changes.tag(Ref.parse(ref, kind="model"), key, value)
    say(f"{ref} has the tag {key}")


@models.command("untag", example="stackcanvas models untag delay@3 reviewed")
@click.argument("ref")
@click.argument("key")
@output_options
@pass_stack
def untag(stack: Stack, ref: str, key: str) -> None:
    """Take a tag away."""
    if not stack.registry.changes.untag(Ref.parse(ref, kind="model"), key):
        raise NotFound(f"tag of {ref}", key)
    say(f"{ref} has no tag {key} any more")


@models.command("stage", example="stackcanvas models stage delay@3 production --archive-others")
@click.argument("ref")
@click.argument("stage")
@click.option("--archive-others", is_flag=True, help="Archive the versions that are in the stage.")
@output_options
@pass_stack
def stage(stack: Stack, ref: str, stage: str, archive_others: bool) -> None:
    """Bring a version to one of MLflow's stages: None, Staging, Production or Archived."""
    moved = stack.registry.changes.move(Ref.parse(ref, kind="model"), stage, archive_others=archive_others)
    emit_record(moved, fields=("ref", "version", "stage"))


@models.command("rename", example="stackcanvas models rename delay late")
@click.argument("name")
@click.argument("new")
@output_options
@pass_stack
def rename(stack: Stack, name: str, new: str) -> None:
    """Give a model another name; its versions keep their numbers."""
    emit_record(stack.registry.changes.rename(name, new), fields=("name", "versions", "updated"))


@models.command("rm", example=("stackcanvas models rm delay@2", "stackcanvas models rm delay --force"))
@click.argument("ref")
@click.option(
    "--force", is_flag=True, help="Also when something answers with it, it is the champion, or a model with versions."
)
@output_options
@pass_stack
def rm(stack: Stack, ref: str, force: bool) -> None:
    """Delete a version, or a model with all its versions; lineage and audit log keep what happened."""
    found = Ref.parse(ref, kind="model")
    emit_record({"deleted": str(found), "broke": stack.registry.delete(found, force=force)})


@models.command(
    "consent",
    example=("stackcanvas models consent delay@3 deploy", "stackcanvas models consent delay@3 python --note reviewed"),
)
@click.argument("ref")
@click.argument("action", type=click.Choice(["register", "deploy", "delete", "python"]))
@click.option("--note", default="", help="Why.")
@output_options
@pass_stack
def consent(stack: Stack, ref: str, action: str, note: str) -> None:
    """Agree that a version is registered, deployed or deleted, or that its Python code may run."""
    emit_rows(stack.registry.consents.give(ref, action, note=note), columns=("action", "given", "missing"))


@models.command(
    "export",
    example=("stackcanvas models export delay@champion model", "stackcanvas models export delay@3 model --as files"),
)
@click.argument("ref")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--as", "kind", type=click.Choice(["mlflow", "files"]), default="mlflow", show_default=True,
    help="A model folder of MLflow, or the registered files alone.",
)  # fmt: skip
@output_options
@pass_stack
def export(stack: Stack, ref: str, target: Path, kind: str) -> None:
    """Write a version into a folder that MLflow loads: mlflow.pyfunc.load_model("model")."""
    made = stack.registry.export(ref) if kind == "mlflow" else {}
    contents = stack.registry.files(ref)
    contents |= {path: stack.objects.get(key) for path, key in made.items() if path not in contents}
    emit_rows(_written(target, contents), columns=("file", "size_bytes"))


@models.command(
    "card", example=("stackcanvas models card delay@3", "stackcanvas models card delay@3 --as html --to card.html")
)
@click.argument("ref")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["markdown", "html"]),
    default="markdown",
    show_default=True,
    help="In which form.",
)
@click.option("--to", "target", type=click.Path(path_type=Path, dir_okay=False), help="A file, in place of the screen.")
@output_options
@pass_stack
def card(stack: Stack, ref: str, kind: str, target: Path | None) -> None:
    """Put the card of a version together from the records of all blocks."""
    made = model_card(stack, ref)
    _emit_text(made.html() if kind == "html" else made.markdown(), target, what="card")


@models.command("bom", example="stackcanvas models bom delay@3 --to delay.cdx.json")
@click.argument("ref")
@click.option("--to", "target", type=click.Path(path_type=Path, dir_okay=False), help="A file, in place of the screen.")
@output_options
@pass_stack
def bom(stack: Stack, ref: str, target: Path | None) -> None:
    """Write the bill of materials of a version, as CycloneDX JSON."""
    _emit_text(stack.registry.bill(ref), target, what="bom")


@models.command("key", example="stackcanvas models key --to signing.pem")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file for the private key.",
)
@output_options
def key(target: Path) -> None:
    """Make a key to sign versions with; keep the file where only you can read it."""
    private, public = new_key()
    try:
        number = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w") as file:
            file.write(private)
    except FileExistsError:
        raise Conflict(f"{target} is there already", fix="Name another file") from None
    except OSError as error:
        raise Unavailable(f"the key cannot be written ({error.strerror})", where=str(target)) from error
    emit_record({"private": str(target), "public": public})


@models.command(
    "sign", example=("stackcanvas models sign delay@3 --key signing.pem", "stackcanvas models sign delay@3")
)
@click.argument("ref")
@click.option(
    "--key", "file", type=click.Path(path_type=Path, dir_okay=False),
    help="The file of the private key; else it is taken from STACKCANVAS_SIGNING_KEY.",
)  # fmt: skip
@output_options
@pass_stack
def sign(stack: Stack, ref: str, file: Path | None) -> None:
    """Vouch for a version with an ed25519 key, over its name, number and digest."""
    public = stack.registry.sign(ref, _private_key(file))
    emit_record({"ref": str(stack.registry.get(ref).ref), "public": public})


@models.command("check-signature", example="stackcanvas models check-signature delay@3 --trust KEY")
@click.argument("ref")
@click.option("--trust", multiple=True, help="A public key that you trust; may be given again.")
@output_options
@pass_stack
def check_signature(stack: Stack, ref: str, trust: tuple[str, ...]) -> None:
    """Check the signatures of a version and its files; exit code 1 when none holds by a key that is trusted."""
    found = stack.registry.signatures(ref, trusted=list(trust) or None)
    emit_rows(found, columns=("key", "holds", "trusted", "actor", "time"))
    if not any(one.ok for one in found):
        answer_no()


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


def _written(target: Path, contents: Mapping[str, bytes]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    try:
        for name, content in contents.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(content)
            rows.append({"file": str(target / name), "size_bytes": len(content)})
    except OSError as error:
        raise Unavailable(f"the folder cannot be written ({error.strerror})", where=str(target)) from error
    return rows


def _emit_text(text: str, target: Path | None, *, what: str) -> None:
    """A document on the screen, in a file, or in the record that programs read."""
    if target is not None:
        try:
            target.write_text(text)
        except OSError as error:
            raise Unavailable(f"it cannot be written ({error.strerror})", where=str(target)) from error
        emit_record({"file": str(target), "size_bytes": len(text.encode())})
    elif wants_json():
        emit_record({what: text})
    else:
        click.echo(text, nl=False)


def _private_key(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"the key cannot be read ({type(error).__name__})", where=str(file)) from error
    given = os.environ.get("STACKCANVAS_SIGNING_KEY", "")
    if not given:
        raise Usage("no key is given", fix="Name its file with --key, or put it into STACKCANVAS_SIGNING_KEY")
    return given


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
        "stage": version.stage if version.stage != "None" else None,
        "tags": "\n".join(f"{name} = {value}" for name, value in version.tags.items()),
        "environment": "\n".join(version.environment.get("requirements", ())),
        "size_bytes": version.size_bytes,
        "source": version.source,
        "format": version.format,
        "inputs": "\n".join(inputs),
        "outputs": "\n".join(outputs),
        "files": "\n".join(version.files),
        "digest": version.digest,
    }

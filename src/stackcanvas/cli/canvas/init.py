"""`canvas init`: a canvas to begin with, empty or from a complete example."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options, say, wants_json
from stackcanvas.errors import Conflict, Unavailable

EXAMPLES = {
    "bakery": ("tactical", "how many loaves four bakeries bake tomorrow"),
    "windfarm": ("strategic", "which bearing of a wind turbine will fail"),
    "payments": ("transformational", "whether a card payment is stopped"),
}
"""The complete canvases that ship with this release: name -> level and what is predicted."""

_BY_LEVEL = {level: name for name, (level, _) in EXAMPLES.items()}
_EMPTY = """\
# What the stack is, one question at a time: `stackcanvas canvas ask` asks, and writes the answers here.
stackcanvas: 1

project: {name: new}
"""


@click.command(
    "init",
    cls=Command,
    example=(
        "stackcanvas canvas init --name churn",
        "stackcanvas canvas init --from windfarm",
        "stackcanvas canvas init --list",
    ),
)
@click.option(
    "--from",
    "example",
    type=click.Choice([*EXAMPLES, *_BY_LEVEL]),
    metavar="EXAMPLE",
    help="A complete example, by its name or by its level.",
)
@click.option("--name", metavar="NAME", help="What the project is called.")
@click.option("--list", "listing", is_flag=True, help="List the examples instead.")
@output_options
def init(example: str | None, name: str | None, listing: bool) -> None:
    """Write a canvas.yaml here: an empty one, or a complete example of another team to change into your own.

    A canvas that is there already is never touched.
    """
    if listing:
        _list()
        return
    folder: Path = click.get_current_context().find_root().params.get("project") or Path.cwd()
    chosen = _BY_LEVEL.get(example or "", example)
    file = begin(folder, example=chosen, name=name)
    if wants_json():
        emit_record({"file": file.resolve(), "example": chosen})
        return
    click.echo(f"Wrote {file}")
    say(
        "Next: `stackcanvas canvas ask`"
        if chosen is None
        else "Next: `stackcanvas canvas show`, then change it to your own"
    )


def begin(folder: Path, *, example: str | None = None, name: str | None = None) -> Path:
    """Write a canvas where there is none; its name is that of the folder unless the example or the caller has one.

    Raises:
        Conflict: there is one.
        BadInputs: no project can be called so.
        Unavailable: it cannot be written.
    """
    if example is None:
        text = _named(_EMPTY, name if name is not None else folder.resolve().name or "new")
    else:
        text = (files("stackcanvas.examples.canvases") / f"{example}.yaml").read_text("utf-8")
        text = text if name is None else _named(text, name)
    file = folder / "canvas.yaml"
    _write(file, text)
    return file


def _named(text: str, name: str) -> str:
    changed: str = load("stackcanvas.canvas.edit:apply")(text, [load("stackcanvas.canvas.edit:describe")("name", name)])
    load("stackcanvas.canvas:loads")(changed)  # a name that no canvas can hold is refused before anything is written
    return changed


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Exclusive: of two that write at once, one is told that the other was first.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise Conflict(
            f"{file} exists", fix="Change it with `stackcanvas canvas ask` or `stackcanvas canvas set`, or move it away"
        ) from None
    except OSError as error:
        raise Unavailable(f"the canvas cannot be written ({error.strerror})", where=str(file)) from None
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)


def _list() -> None:
    rows = [{"name": name, "level": level, "predicts": what} for name, (level, what) in EXAMPLES.items()]
    emit_rows(rows, columns=("name", "level", "predicts"))

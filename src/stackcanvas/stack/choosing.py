"""The tools of a project: its canvas by the catalogue that ships, under the catalogue.yaml of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from blake3 import blake3

from stackcanvas.canvas import Canvas
from stackcanvas.canvas.choose import Stack, catalogue, choose, decision_records
from stackcanvas.errors import Conflict, Unavailable
from stackcanvas.stack.costing import read_own

CATALOGUE = "catalogue.yaml"
"""The user's own tools, beside canvas.yaml."""
_SEAL = re.compile(r"\n<!-- stackcanvas ([0-9a-f]{16}) -->\n\Z")


def tools(
    canvas: Canvas,
    *,
    root: Path,
    own: Path | None = None,
    weights: Mapping[str, float] | None = None,
    model: str | None = None,
    environment: str | None = None,
    explain: bool = True,
) -> Stack:
    """Choose a tool for each block, from the project's own catalogue too, where it has one.

    Args:
        canvas: the answers.
        root: the project's folder.
        own: the user's catalogue; `catalogue.yaml` in the folder by default.
        weights: of preferences.
        model: whose answers to take.
        environment: in which environment.
        explain: also find what would change each choice.

    Raises:
        NotFound: no such file or environment.
        BadInput: the catalogue cannot be read, or there is no such preference.
        Unavailable: the file cannot be read.
    """
    file = own or root / CATALOGUE
    text = read_own(file) if own is not None or file.is_file() else None
    known = catalogue(text, label=file.name)
    return choose(canvas, known=known, weights=weights or {}, model=model, environment=environment, explain=explain)


def write_records(canvas: Canvas, stack: Stack, *, folder: Path, force: bool = False) -> list[Path]:
    """Write a decision record for each block; those that people have changed since are left alone.

    Args:
        canvas: the answers.
        stack: the choice.
        folder: where; made when it is not there.
        force: write over what people changed.

    Raises:
        Conflict: a record was changed by hand; nothing is written then.
        Unavailable: the folder cannot be written.
    """
    records = {folder / name: _sealed(text) for name, text in decision_records(canvas, stack).items()}
    try:
        changed = [file for file in records if file.is_file() and not _untouched(file.read_text(encoding="utf-8"))]
        if changed and not force:
            raise Conflict(
                f"{', '.join(file.name for file in changed)} changed since it was written",
                where=str(folder),
                fix="Rename it to keep it, or write over it with --force",
            )
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in records.items():
            file.write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"the decision records cannot be written ({error})", where=str(folder)) from None
    return list(records)


def _sealed(text: str) -> str:
    return f"{text}\n<!-- stackcanvas {blake3(text.encode()).hexdigest(length=8)} -->\n"


def _untouched(text: str) -> bool:
    seal = _SEAL.search(text)
    return seal is not None and blake3(text[: seal.start()].encode()).hexdigest(length=8) == seal[1]

"""The canvas as a printed page, A3 landscape: PDF, SVG or PNG, drawn by typst."""

from __future__ import annotations

import json
import re
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Literal

from stackcanvas.canvas.show.sheet import Line, Sheet, SheetBlock, fold, reads_from_right
from stackcanvas.errors import Unavailable
from stackcanvas.late import late

if TYPE_CHECKING:
    import typst
else:
    typst = late("typst")

Format = Literal["pdf", "svg", "png"]

_FOLDS = (None, 400, 240, 150, 100, 64, 40, 24)
"""How many letters an answer may have; a cell takes the first that fits when its type is as small as it may be."""
_PPI = 144.0
_LONG_WORD = re.compile(r"\S{22,}")
_MARK = re.compile(r"[/.:_&?=-](?=[A-Za-z0-9])")
_PIECE = 16


def printed(page: Sheet, form: Format) -> bytes:
    """The page as a file.

    Letters that the shipped font lacks, such as Chinese or Arabic, come from the fonts of the machine.

    Raises:
        Unavailable: typst cannot draw it.
    """
    with as_file(files("stackcanvas.canvas.show")) as folder:
        try:
            drawn = typst.compile(
                str(folder / "page.typ"),
                root=str(folder),
                font_paths=[str(folder / "vendor" / "source-sans-pro")],
                format=form,
                ppi=_PPI,
                sys_inputs={"page": data(page)},
            )
        except typst.TypstError as error:
            raise Unavailable(f"the page cannot be drawn ({error})") from error
    return bytes(drawn)


def families() -> tuple[str, ...]:
    """The families of fonts on this machine."""
    return tuple(typst.Fonts(include_system_fonts=True).families())


def data(page: Sheet) -> str:
    """What `page.typ` draws, as JSON: each block folded in every way that it may have to be."""
    drawn = {
        "project": _text(fold(page.project, 120)),
        "date": page.date,
        "team": _text(fold(", ".join(page.team), 160)),
        "facts": list(page.facts),
        "statements": [_text(fold(page.statement, longest)) for longest in (900, 420, 240)] if page.statement else [],
        "blocks": {block.id: _block(block) for block in page.blocks},
        "credit": page.credit,
    }
    return json.dumps(drawn, ensure_ascii=False)


def _block(block: SheetBlock) -> dict[str, object]:
    lines = [line for line in block.lines if not (block.id == "value" and line.label == "Positioning")]
    return {
        "number": block.number,
        "title": block.title,
        "hint": "" if block.lines else block.hint,
        "asks": list(block.asks),
        "state": block.state,
        # Where folding changes nothing it is not tried again.
        "folds": list({json.dumps(one): one for one in (_folded(lines, longest) for longest in _FOLDS)}.values()),
    }


def _folded(lines: list[Line], longest: int | None) -> list[dict[str, object]]:
    shown = lines if longest is None else [line.folded(longest) for line in lines]
    return [{"label": line.label, **_text(line.text)} for line in shown]


def _text(text: str) -> dict[str, object]:
    return {"text": _LONG_WORD.sub(_breakable, text), "right": reads_from_right(text)}


def _breakable(word: re.Match[str]) -> str:
    """A word that would not fit on a line, with places to break it: after its own marks, else anywhere."""
    text = _MARK.sub("\\g<0>\u200b", word[0])
    return "\u200b".join(part for run in text.split("\u200b") for part in _pieces(run))


def _pieces(run: str) -> list[str]:
    return [run[start : start + _PIECE] for start in range(0, len(run), _PIECE)]

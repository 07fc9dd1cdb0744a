"""The canvas in a terminal: five columns where there is room, one below the other where there is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rich.cells import cell_len, chop_cells

from stackcanvas.canvas.show.sheet import Sheet, SheetBlock, fold

_COLUMNS = (
    ("experiments", "features"),
    ("data", "foundations"),
    ("value", "dilemma"),
    ("pipelines", "monitoring"),
    ("registry", "deployment", "serving"),
)
_NARROWEST = 130
_LONGEST = 150

Style = Callable[[str, str], str]
"""Gives a text a look: `title`, `soft` or `strong`."""


def terminal(page: Sheet, *, width: int = 160, style: Style = lambda text, _look: text) -> str:
    """The page as text.

    Args:
        page: what it says.
        width: columns of the terminal; wide letters count twice.
        style: how parts of it look; plain text by default.
    """
    width = max(40, width)
    body = _grid(page, width, style) if width >= _NARROWEST else _stack(page, width, style)
    return "\n".join(line.rstrip() for line in (*_header(page, width, style), *body, *_footer(page, width, style)))


def _header(page: Sheet, width: int, style: Style) -> list[str]:
    told = " · ".join(part for part in (page.date, ", ".join(page.team), *page.facts) if part)
    lines = [style(line, "strong") for line in wrap(page.project, width)]
    return [*lines, *(style(line, "soft") for line in wrap(told, width)), ""]


def _footer(page: Sheet, width: int, style: Style) -> list[str]:
    return ["", *(style(line, "soft") for line in wrap(page.credit, width))]


def _stack(page: Sheet, width: int, style: Style) -> list[str]:
    lines: list[str] = []
    for block in page.blocks:
        lines += [*_framed(_cell(page, block, width - 4, style), width)]
    return lines


def _grid(page: Sheet, width: int, style: Style) -> list[str]:
    """Columns of cells that end at the same height, over the footer of the canvas."""
    inner = (width - 16) // 5
    columns = [[_cell(page, page.block(name), inner, style) for name in names] for names in _COLUMNS]
    height = max(sum(len(cell) for cell in cells) + len(cells) - 1 for cells in columns)
    drawn = [_column(cells, inner, height) for cells in columns]
    rule = "─" * (inner + 2)
    lines = [f"┌{'┬'.join([rule] * 5)}┐"]
    for row in range(height):
        parts = [column[row] for column in drawn]
        text = "│".join(rule if part is None else f" {_padded(part, inner)} " for part in parts)
        lines.append(_joined(text, parts, inner))
    whole = 5 * (inner + 2) + 4
    lines.append(f"├{'┴'.join([rule] * 5)}┤")
    lines += [f"│ {_padded(line, whole - 2)} │" for line in _cell(page, page.block("metadata"), whole - 2, style)]
    return [*lines, f"└{'─' * whole}┘"]


def _column(cells: Sequence[list[str]], width: int, height: int) -> list[str | None]:
    """The lines of a column; None is a rule between two cells. What is left over is shared out."""
    del width
    spare = height - sum(len(cell) for cell in cells) - (len(cells) - 1)
    lines: list[str | None] = []
    for place, cell in enumerate(cells):
        extra = spare // len(cells) + (1 if place < spare % len(cells) else 0)
        lines += [*cell, *[""] * extra]
        if place < len(cells) - 1:
            lines.append(None)
    return lines


def _joined(text: str, parts: Sequence[str | None], inner: int) -> str:
    """Rules meet the lines beside them."""
    if all(part is not None for part in parts):
        return f"│{text}│"
    rules = [part is None for part in parts]
    marks = [_mark(left, right) for left, right in zip([False, *rules], [*rules, False], strict=True)]
    cells = ["─" * (inner + 2) if part is None else f" {_padded(part, inner)} " for part in parts]
    return "".join(f"{mark}{cell}" for mark, cell in zip(marks, [*cells, ""], strict=True))


def _mark(left: bool, right: bool) -> str:
    return {(True, True): "┼", (True, False): "┤", (False, True): "├"}.get((left, right), "│")


def _cell(page: Sheet, block: SheetBlock, width: int, style: Style) -> list[str]:
    lines = [style(line, "title") for line in wrap(f"{block.number}  {block.title}", width)]
    if block.id == "value" and page.statement:
        lines += [*wrap(page.statement, width), ""]
    shown = [line for line in block.lines if not (block.id == "value" and line.label == "Positioning")]
    for line in shown:
        lines += wrap(f"{line.label}: {fold(line.text, _LONGEST)}", width, look=partial(_soft_label, line.label, style))
    if not block.lines:
        lines += [style(line, "soft") for line in wrap(block.hint, width)]
    return [*lines, style(block.state, "soft")]


def _soft_label(name: str, style: Style, lines: list[str]) -> list[str]:
    head = f"{name}:"
    if lines and lines[0].startswith(head):
        return [style(head, "soft") + lines[0][len(head) :], *lines[1:]]
    return lines


def _framed(lines: Sequence[str], width: int) -> list[str]:
    rule = "─" * (width - 2)
    return [f"┌{rule}┐", *(f"│ {_padded(line, width - 4)} │" for line in lines), f"└{rule}┘"]


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - cell_len(_bare(text)))


def _bare(text: str) -> str:
    """The text without the marks of its look."""
    while "\x1b[" in text:
        before, _, after = text.partition("\x1b[")
        text = before + after.partition("m")[2]
    return text


def wrap(text: str, width: int, *, look: Callable[[list[str]], list[str]] = lambda lines: lines) -> list[str]:
    """Lines no wider than that; a word that is wider is cut.

    Example:
        >>> wrap("a canary in steps", 9)
        ['a canary', 'in steps']
    """
    lines: list[str] = []
    here = ""
    for word in text.split():
        for part in chop_cells(word, width):
            joined = f"{here} {part}" if here else part
            if cell_len(joined) <= width and (part == word or not here):
                here = joined
            else:
                lines += [here] if here else []
                here = part
    return look([*lines, here] if here else lines)

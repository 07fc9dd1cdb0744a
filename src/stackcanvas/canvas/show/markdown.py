"""The canvas as Markdown."""

from __future__ import annotations

import re

from stackcanvas.canvas.questions import AREAS
from stackcanvas.canvas.show.sheet import Sheet, SheetBlock

_MARKS = re.compile(r"([\\`*_{}\[\]<>|~#])")


def markdown(page: Sheet) -> str:
    """The page as a document: a heading for each area, a table for each block."""
    told = " · ".join(part for part in (page.date, ", ".join(page.team), *page.facts) if part)
    parts = [f"# {escaped(page.project)}"]
    if told:
        parts.append(escaped(told))
    if page.statement:
        parts.append(f"> {escaped(page.statement)}")
    for area in AREAS:
        blocks = [block for block in page.blocks if block.area == area]
        if len(blocks) > 1:
            parts.append(f"## {area[:1].upper()}{area[1:]}")
        parts += [_block(block, deep=len(blocks) > 1) for block in blocks]
    parts.append(f"*{escaped(page.credit)}*")
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    r"""Text that Markdown takes as it stands.

    Example:
        >>> print(escaped("a|b <i>"))
        a\|b \<i\>
    """
    return _MARKS.sub(r"\\\1", text)


def _block(block: SheetBlock, *, deep: bool) -> str:
    heading = f"{'###' if deep else '##'} {block.number}. {block.title}"
    if not block.lines:
        return f"{heading}\n\n*{escaped(block.hint)}* ({block.state})"
    rows = [f"| {escaped(line.label)} | {escaped(line.text)} |" for line in block.lines]
    return "\n".join([heading, "", f"| {block.state} | |", "|---|---|", *rows])

"""The canvas as one HTML file that needs nothing else."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, Template

from stackcanvas.canvas.show.sheet import Sheet


def html(page: Sheet) -> str:
    """The page; it prints on A3 landscape."""
    return _template().render(page=page, column=_column)


@cache
def _template() -> Template:
    text = files("stackcanvas.canvas.show").joinpath("page.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)


def _column(area: str) -> str:
    return area.split(" ", maxsplit=1)[0]

"""The canvas on one page, in its own layout: terminal, HTML, Markdown, and printed as PDF, SVG or PNG.

`page` draws with typst and `html` with Jinja2: they are imported by their own names, by those who need them.
"""

from stackcanvas.canvas.show.markdown import markdown
from stackcanvas.canvas.show.sheet import Line, Sheet, SheetBlock, fold, sheet

__all__ = ["Line", "Sheet", "SheetBlock", "fold", "markdown", "sheet"]

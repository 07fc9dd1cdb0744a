"""What stands around every page."""

from __future__ import annotations

from importlib.metadata import version

from stackcanvas.stack import Stack
from stackcanvas.ui.context import Shell
from stackcanvas.ui.links import Links
from stackcanvas.ui.sheet import rooms
from stackcanvas.ui.written import news


def shell(stack: Stack, links: Links, *, title: str, here: str) -> Shell:
    """The frame of one page."""
    return Shell(
        title=title,
        here=here,
        project=stack.canvas.project.name,
        version=version("stackcanvas"),
        rooms=rooms(links),
        tools=(
            ("Ask", links.ask()),
            ("Check", links.check()),
            ("Maturity", links.assess()),
            ("Cost", links.cost()),
            ("Tools", links.tools()),
            ("Plan", links.plan()),
        ),
        news=news(stack),
    )

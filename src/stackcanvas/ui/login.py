"""The pages that show nothing of a stack: the one that asks for a token, and that of a workspace that is not there."""

from __future__ import annotations

from stackcanvas.ui.links import Links
from stackcanvas.ui.render import draw


def login_page(after: str, *, base: str = "", said: str | None = None) -> str:
    """The page.

    Args:
        after: the address on this server to go to.
        base: what stands before every path.
        said: why the last try was refused.
    """
    return draw("login.html", after=after, said=said, links=Links(base))


def missing_page(name: str, *, base: str) -> str:
    """The page of a workspace that is not there: it says how to make it.

    Args:
        name: of the workspace.
        base: what stands before every path.
    """
    return draw("missing_workspace.html", name=name, links=Links(base))

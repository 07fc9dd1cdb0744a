"""The page that asks for a token; it shows nothing of the stack."""

from __future__ import annotations

from stackcanvas.ui.links import Links
from stackcanvas.ui.render import draw


def login_page(after: str, *, said: str | None = None) -> str:
    """The page.

    Args:
        after: the address on this server to go to.
        said: why the last try was refused.
    """
    return draw("login.html", after=after, said=said, links=Links())

"""What a page builder gives, and the shape that all of them have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from stackcanvas.stack import Stack
from stackcanvas.ui.links import Links


@dataclass(frozen=True, slots=True)
class Page:
    """A page before it is drawn.

    Args:
        template: draws it.
        title: of the browser's window.
        context: what it shows; also its JSON twin.
    """

    template: str
    title: str
    context: object


Build: TypeAlias = Callable[[Stack, Links, Mapping[str, str]], Page]
"""A page builder: takes the stack, the maker of links, and what was asked for in path and query."""

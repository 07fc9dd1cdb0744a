"""Heavy libraries, imported when they are first used and not when a command starts."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class _Late(ModuleType):
    """Stands for a library until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, found)  # the next time it is an attribute like any other
        return found


def late(name: str) -> Any:
    """A library by its dotted name, imported when something of it is used.

    The caller gives types to it as follows, so that a type checker sees the library itself:

        if TYPE_CHECKING:
            import polars as pl
        else:
            pl = late("polars")

    Args:
        name: of the library, never of a module of our own.

    Example:
        >>> late("colorsys").rgb_to_hsv(0, 0, 1)
        (0.6666666666666666, 1.0, 1)
    """
    return _Late(name)

"""What a room shows of its block's records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stackcanvas.errors import StackCanvasError
from stackcanvas.ui.context import Cell, Chart, Table


@dataclass(frozen=True, slots=True)
class Room:
    """Tables, and charts above them."""

    tables: tuple[Table, ...]
    charts: tuple[Chart, ...] = ()


def table(title: str, columns: tuple[str, ...], rows: Callable[[], Iterable[tuple[Cell, ...]]], *, empty: str) -> Table:
    """A table of what a block gives; where the block says why it cannot, the table says it instead of its rows.

    One part of a room that cannot be shown, such as views whose file has a fault, leaves the others.
    """
    try:
        return Table(title, columns, tuple(rows()), empty)
    except StackCanvasError as error:
        return Table(title, columns, (), error.sentence())

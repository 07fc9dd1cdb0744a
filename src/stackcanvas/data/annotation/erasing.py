"""Erasing items about a person from the queues of annotation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, select, update

from stackcanvas.data.annotation.tables import annotation_claim, annotation_item, annotation_label

Item = tuple[str, int]
"""A queue and the number of an item in it."""


def items_of(
    connection: Connection, *, column: str, means: Callable[[object], bool], blank: Sequence[str] = ()
) -> list[Item]:
    """The items about a person: by what is shown, or by the key of their row.

    Args:
        blank: only those in which one of these is filled; all when there are none.
    """
    item = annotation_item.c
    found = []
    for row in connection.execute(select(item.queue, item.number, item.key, item.data)):
        if not (means(row.data.get(column)) or means(_key(row.key).get(column))):
            continue
        if not blank or any(row.data.get(name) is not None or name in _key(row.key) for name in blank):
            found.append((row.queue, row.number))
    return found


def erase_items(tx: Connection, items: Sequence[Item], *, blank: Sequence[str] = ()) -> None:
    """Remove items with all that was said of them, inside the caller's transaction, or empty some of what is shown."""
    for queue, number in items:
        here = and_(annotation_item.c.queue == queue, annotation_item.c.number == number)
        if blank:
            row = tx.execute(select(annotation_item.c.data, annotation_item.c.key).where(here)).one()
            data = {name: None if name in blank else value for name, value in row.data.items()}
            key = f"erased {number}" if set(blank) & _key(row.key).keys() else row.key
            tx.execute(update(annotation_item).where(here).values(data=data, key=key))
            continue
        for table in (annotation_label, annotation_claim):
            tx.execute(delete(table).where(table.c.queue == queue, table.c.item == number))
        tx.execute(delete(annotation_item).where(here))


def _key(text: str) -> Mapping[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:  # a digest
        return {}
    return told if isinstance(told, dict) else {}

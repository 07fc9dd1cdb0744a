"""Erasing what labels say of a person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from sqlalchemy import Connection, delete, select

from stackcanvas.monitoring.labelling import entity_of
from stackcanvas.monitoring.tables import monitor_label

_CHUNK = 500


def labels_of(
    connection: Connection, *, column: str, means: Callable[[object], bool], predictions: Collection[str]
) -> list[str]:
    """The ids of the labels about a person: by their entity key, or about a prediction of theirs."""
    found = []
    for row in connection.execute(select(monitor_label.c.id, monitor_label.c.key, monitor_label.c.prediction_id)):
        entity = entity_of(row.key)
        theirs = row.key in predictions or row.prediction_id in predictions
        if theirs or (entity is not None and means(entity.get(column))):
            found.append(row.id)
    return found


def erase_labels(tx: Connection, ids: Sequence[str]) -> int:
    """Remove labels, inside the caller's transaction; returns how many there were."""
    return sum(tx.execute(delete(monitor_label).where(monitor_label.c.id.in_(some))).rowcount for some in _chunks(ids))


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]

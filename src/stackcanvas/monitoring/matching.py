"""Finding the predictions that labels are about, in the prediction log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from stackcanvas.late import late
from stackcanvas.monitoring.labelling import EVENT_TIME, Label, entity_of, entity_text
from stackcanvas.monitoring.sources import SERVED, Predictions, has_rows

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

# Most labels are about predictions of the last hours: the log is read further back only for those that are not.
_REACHES = (timedelta(days=1), timedelta(days=8), timedelta(days=64))
_MOMENT = timedelta(microseconds=1)

Match = tuple[str, datetime]
"""The id of a prediction and its time."""


def match(predictions: Predictions, endpoint: str, labels: Sequence[Label], *, within: timedelta) -> dict[str, Match]:
    """The prediction that each label is about, by the id of the label; labels without one are left out.

    A label with a prediction's id is about that one. A label with an entity is about the latest prediction for that
    entity at or before the event time.

    Args:
        predictions: the log.
        endpoint: whose predictions.
        labels: from one endpoint.
        within: how long before its observation, or before its event, a prediction may lie.
    """
    found: dict[str, Match] = {}
    for names, group in _by_key(labels).items():
        anchors = [_event(label) if names else label.observed for label in group]
        # A prediction's id is certain, whatever the clocks say; an entity's prediction comes before the event.
        last = max(anchors) + _MOMENT if names else None
        waiting = group
        for start, end in _stretches(min(anchors), within, last):
            if not waiting:
                break
            log = predictions.scan(endpoint, start=start, end=end)
            if not has_rows(log):
                continue
            log = log.filter(pl.col("status").is_in(SERVED))
            found |= _by_entity(log, waiting, names, within=within) if names else _by_id(log, waiting)
            waiting = [label for label in waiting if label.id not in found]
    return found


def _by_key(labels: Sequence[Label]) -> dict[tuple[str, ...], list[Label]]:
    """Labels by the names of their entity keys; those with a prediction's id under the empty tuple."""
    groups: dict[tuple[str, ...], list[Label]] = defaultdict(list)
    for label in labels:
        entity = entity_of(label.key)
        groups[tuple(name for name in entity if name != EVENT_TIME) if entity else ()].append(label)
    return groups


def _stretches(
    earliest: datetime, within: timedelta, last: datetime | None
) -> Iterator[tuple[datetime, datetime | None]]:
    """Stretches of the log, from the newest back to the farthest."""
    end = last
    for reach in (*_REACHES, within):
        start = earliest - min(reach, within)
        if end is None or start < end:
            yield start, end
            end = start


def _by_id(log: pl.LazyFrame, labels: Sequence[Label]) -> dict[str, Match]:
    given = pl.LazyFrame({"label": [label.id for label in labels], "prediction_id": [label.key for label in labels]})
    rows = given.join(log.select("prediction_id", "time"), on="prediction_id").select("label", "prediction_id", "time")
    return _matches(rows)


def _by_entity(
    log: pl.LazyFrame, labels: Sequence[Label], names: tuple[str, ...], *, within: timedelta
) -> dict[str, Match]:
    """As of the event; a key may be a feature of the model or stand beside the features."""
    schema = log.collect_schema()["features"]
    inside = {one.name for one in schema.fields} if isinstance(schema, pl.Struct) else set()
    keys = [
        pl.col("features").struct.field(name)
        if name in inside
        else pl.col("entity").str.json_path_match(f"$['{name}']")
        for name in names
    ]
    seen = log.select(
        "prediction_id", "time", *(entity_text(key).alias(name) for key, name in zip(keys, names, strict=True))
    )
    entities = [entity_of(label.key) or {} for label in labels]
    given = pl.LazyFrame(
        {
            "label": [label.id for label in labels],
            "event": [_event(label) for label in labels],
            **{name: [str(entity[name]) for entity in entities] for name in names},
        },
        schema_overrides={"event": pl.Datetime("us", "UTC")},
    )
    joined = given.sort("event").join_asof(
        seen.sort("time"), left_on="event", right_on="time", by=list(names), tolerance=within, coalesce=False
    )
    return _matches(joined.filter(pl.col("prediction_id").is_not_null()).select("label", "prediction_id", "time"))


def _event(label: Label) -> datetime:
    entity = entity_of(label.key)
    assert entity is not None
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(entity[EVENT_TIME]))


def _matches(rows: pl.LazyFrame) -> dict[str, Match]:
    return {label: (prediction, time) for label, prediction, time in rows.collect().iter_rows()}

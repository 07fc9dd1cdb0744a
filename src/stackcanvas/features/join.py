"""The point-in-time join: every entity row gets what was known of its keys at its own time, and nothing later.

A row of a view becomes available at the later of its event time and its knowledge time. Among the rows that are
available, the one with the greatest (event time, knowledge time, position) is the current one; its *event* time must
lie within the view's time to live, both ends included. Keeping only the last-known row of each event before joining
would be wrong: a correction that arrives later would erase what was known until then. So the rows of a key are sorted
by availability and carry the running maximum, and one as-of join finds the place of each entity row in them.

Rows that lack a key, an event time or a knowledge time (where the view has one) are never available; entity rows that
lack a key or a time get nulls. A null in the current row is the answer: it does not fall back to an older value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from stackcanvas.errors import BadInput
from stackcanvas.features.columns import instants_us, key_expressions, require_columns
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

ROW = "__row"
SOURCE = "__source"
_AT = "__at"
_PLACE = "__place"
_EVENT = "__event"
_KNOWN = "__known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """The rows of one view, and which of its columns are keys, times and features.

    Args:
        name: the view, as errors call it.
        frame: the rows; read when the join comes to them, so that one view at a time is in memory.
        keys: columns that entity rows carry under the same names.
        event_time: when a row became true.
        known_time: when it became known; None means at its event time.
        ttl: how old an event may be; None means any age.
        features: the columns to add to entity rows.
        timezone: the zone of times that say none; such times are refused without it.
        computing: what stands around the reading of the rows, to tell whose fault it is when that fails.
    """

    name: str
    frame: pl.LazyFrame
    keys: tuple[str, ...]
    event_time: str
    known_time: str | None = None
    ttl: timedelta | None = None
    features: tuple[str, ...]
    timezone: str | None = None
    computing: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def columns(self) -> list[str]:
        """What the join reads of the rows, each once."""
        times = [self.event_time] if self.known_time is None else [self.event_time, self.known_time]
        return list(dict.fromkeys([*self.keys, *times, *self.features]))


Current: TypeAlias = "Callable[[pl.DataFrame, Observations, pl.Schema, Sequence[pl.Expr], int], pl.DataFrame]"
"""Finds the features of one view: given the asked rows, the view, its schema, its keys and how many rows to give."""


def point_in_time(
    entities: pl.DataFrame, views: Iterable[Observations], *, time: str, timezone: str | None = None
) -> pl.DataFrame:
    """Add to each entity row the features that were known at its time; same rows, same order.

    Args:
        entities: one row for each thing to know about, with its keys and its time.
        views: where the features come from.
        time: the column of `entities` that says at which instant each row is asked.
        timezone: the zone of these instants where they say none; without it such times are refused. Of an hour that
            the change of the clocks repeats the earlier one is meant.

    Returns:
        The entity rows with one column more for each feature.

    Raises:
        BadInput: a column is missing, has the wrong type or would appear twice.

    Example:
        >>> from datetime import UTC, datetime
        >>> hours = [datetime(2013, 5, 1, hour, tzinfo=UTC) for hour in range(4)]
        >>> weather = Observations(
        ...     name="weather",
        ...     frame=pl.LazyFrame({"origin": "JFK", "stamp": hours[:2], "known": hours[1:3], "wind": [5.0, 9.0]}),
        ...     keys=("origin",),
        ...     event_time="stamp",
        ...     known_time="known",
        ...     features=("wind",),
        ... )
        >>> asked = pl.DataFrame({"origin": ["JFK"] * 3, "time": hours[:3]})
        >>> point_in_time(asked, [weather], time="time")["wind"].to_list()
        [None, 5.0, 9.0]
    """
    return join_with(in_memory, entities, views, time=time, timezone=timezone)


def join_with(
    current: Current, entities: pl.DataFrame, views: Iterable[Observations], *, time: str, timezone: str | None
) -> pl.DataFrame:
    """The join, with the features of each view found by a function: in memory, or part by part from files."""
    require_columns(entities.schema, [time], where="entity rows")
    joined = [entities]
    taken = dict.fromkeys(entities.columns, "the entity rows")
    asked_by_keys: dict[tuple[str, ...], pl.DataFrame] = {}
    for view in views:
        for feature in view.features:
            if feature in taken:
                raise BadInput(
                    f"column {feature!r} of view {view.name} is already a column of {taken[feature]}",
                    fix="Rename it in the view's transform, or ask for full names",
                )
            taken[feature] = f"view {view.name}"
        require_columns(entities.schema, view.keys, where="entity rows")
        schema = view.frame.collect_schema()
        require_columns(schema, view.columns, where=f"view {view.name}")
        # The keys of both sides meet in one type, which may differ from view to view.
        left_keys, right_keys = key_expressions(entities.schema, schema, view.keys, view=view.name)
        signature = (*view.keys, *map(str, left_keys))
        if signature not in asked_by_keys:
            asked_by_keys[signature] = _asked(entities, left_keys, time, timezone)
        joined.append(current(asked_by_keys[signature], view, schema, right_keys, entities.height))
    return pl.concat(joined, how="horizontal")


def in_memory(
    asked: pl.DataFrame, view: Observations, schema: pl.Schema, keys: Sequence[pl.Expr], rows: int
) -> pl.DataFrame:
    """The view's features for each of `rows` entity rows, with all of the view in memory."""
    with view.computing():
        frame = view.frame.select(view.columns).collect()
    found = match(asked, frame.lazy().with_row_index(ROW), view, schema, keys)
    return frame.select(pl.col(list(view.features)).gather(place(found, rows)))


def match(
    asked: pl.DataFrame, numbered: pl.LazyFrame, view: Observations, schema: pl.Schema, keys: Sequence[pl.Expr]
) -> pl.DataFrame:
    """For each asked row that has one, the number of the view's row that is current for it.

    Args:
        asked: rows by time, as `point_in_time` makes them.
        numbered: rows of the view with their numbers, in their order.
    """
    where, zone = f"view {view.name}", view.timezone
    event = instants_us(schema, view.event_time, up=True, where=where, zone=zone).alias(_EVENT)
    names = [f"__key{position}" for position in range(len(keys))]
    if view.known_time is None:
        observed = numbered.select(ROW, *keys, event).drop_nulls()
        ranked = observed.sort(_EVENT, maintain_order=True).with_row_index(_PLACE).collect()
        places = ranked.lazy().select(*names, _PLACE, pl.col(_EVENT).alias(_AT))
    else:
        known = instants_us(schema, view.known_time, up=True, where=where, zone=zone)
        observed = numbered.select(ROW, *keys, event, known.alias(_KNOWN)).drop_nulls()
        ranked = observed.sort(_EVENT, _KNOWN, maintain_order=True).with_row_index(_PLACE).collect()
        places = (
            ranked.lazy()
            .select(*names, _PLACE, pl.max_horizontal(_EVENT, _KNOWN).alias(_AT))
            .sort(_AT, maintain_order=True)
            .with_columns(pl.col(_PLACE).cum_max().over(names))
        )
    # Of rows that tie on the time the backward search takes the last, which is the greatest: the sorts are stable.
    # Only places go through the join; the wide rows are gathered once, at the end.
    found = (
        asked.lazy()
        .join_asof(places, on=_AT, by=names, check_sortedness=False)
        .select(ROW, _AT, _PLACE)
        .collect(engine="streaming")
    )
    source = ranked[ROW].gather(found[_PLACE])
    if view.ttl is not None:
        oldest = found[_AT] - view.ttl // timedelta(microseconds=1)
        fresh = ranked[_EVENT].gather(found[_PLACE]) >= oldest
        source = pl.select(pl.when(fresh).then(source)).to_series()
    return pl.DataFrame([found[ROW], source.alias(SOURCE)])


def place(found: pl.DataFrame, rows: int) -> pl.Series:
    """For each of `rows` entity rows the number of its row in the view, null where it has none."""
    empty = pl.select(pl.repeat(None, rows, dtype=pl.get_index_type())).to_series()
    return empty.scatter(found[ROW], found[SOURCE])


def _asked(entities: pl.DataFrame, keys: Sequence[pl.Expr], time: str, timezone: str | None) -> pl.DataFrame:
    """The entity rows that can match at all, by time."""
    at = instants_us(entities.schema, time, up=False, where="entity rows", zone=timezone)
    return entities.lazy().select(*keys, at.alias(_AT)).with_row_index(ROW).drop_nulls().sort(_AT).collect()

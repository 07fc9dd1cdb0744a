"""Feature views: which columns of which data set describe which entity, and since when they are known."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from stackcanvas.canvas.units import format_duration, parse_duration
from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.metadata import Ref

Transform = Callable[[pl.LazyFrame], pl.LazyFrame]


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that features describe, and the columns that tell which one it is.

    Args:
        name: what it is called.
        keys: columns; together they identify one thing.

    Raises:
        BadInput: there is no key, or one is named twice.

    Example:
        >>> Entity("airport", ("origin",)).keys
        ('origin',)
    """

    name: str
    keys: tuple[str, ...]

    def __init__(self, name: str, keys: Sequence[str]) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "keys", _names(keys))
        problems = _column_problems("key", self.keys)
        if problems:
            raise BadInput("; ".join(problems), where=f"entity {name!r}", expected="one column or more, each once")


@dataclass(frozen=True, slots=True)
class FeatureView:
    """Features of one entity, taken from one data set, with the times that tell when they were known.

    Args:
        name: what it is called; features are read online as `name:feature`.
        entity: what it describes, or the key columns.
        source: the data set that its rows come from.
        event_time: the column that says when a row became true.
        known_time: the column that says when it became known, where that is later than the event.
        ttl: how old an event may be to count still, such as `2h` or `7d`; any age when None.
        features: the columns that describe the entity.
        transform: turns rows of the data set into rows with these columns; looks only backward in time, since what
            it computes for a row counts as known at the row's time.

    Raises:
        BadInputs: everything that is wrong with the definition, at once.

    Example:
        >>> weather = FeatureView(
        ...     "weather",
        ...     entity=["origin"],
        ...     source="weather",
        ...     event_time="hour",
        ...     ttl="6h",
        ...     features=["temp", "wind_speed"],
        ... )
        >>> weather.keys, weather.ttl
        (('origin',), datetime.timedelta(seconds=21600))
    """

    name: str
    entity: Entity
    source: str
    event_time: str
    known_time: str | None
    ttl: timedelta | None
    features: tuple[str, ...]
    transform: Transform | None

    def __init__(
        self,
        name: str,
        *,
        entity: Entity | Sequence[str],
        source: str,
        event_time: str,
        known_time: str | None = None,
        ttl: timedelta | str | None = None,
        features: Sequence[str],
        transform: Transform | None = None,
    ) -> None:
        keys = entity.keys if isinstance(entity, Entity) else _names(entity)
        described = _names(features)
        age, problems = _age(ttl)
        problems += _name_problems(name, source)
        problems += _column_problems("key", keys) + _column_problems("feature", described)
        times = [column for column in (event_time, known_time) if column is not None]
        problems += _column_problems("time", times)
        problems += [f"{column!r} is a key and a {kind}" for kind, column in _clashes(keys, times, described)]
        problems += _transform_problems(transform)
        if problems:
            raise BadInputs([BadInput(problem, where=f"feature view {name!r}") for problem in problems])
        of = entity if isinstance(entity, Entity) else Entity("_".join(keys), keys)
        for field, value in (
            ("name", name),
            ("entity", of),
            ("source", source),
            ("event_time", event_time),
            ("known_time", known_time),
            ("ttl", age),
            ("features", described),
            ("transform", transform),
        ):
            object.__setattr__(self, field, value)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that identify the entity."""
        return self.entity.keys

    @property
    def definition(self) -> dict[str, object]:
        """The definition as a record keeps it; of the transform its source text."""
        return {
            "entity": {"name": self.entity.name, "keys": list(self.keys)},
            "source": self.source,
            "event_time": self.event_time,
            "known_time": self.known_time,
            "ttl": None if self.ttl is None else format_duration(self.ttl),
            "features": list(self.features),
            "transform": _source_text(self.transform),
        }

    @property
    def digest(self) -> str:
        """Tells two definitions apart."""
        return hashlib.sha256(json.dumps(self.definition, sort_keys=True).encode()).hexdigest()

    @property
    def ref(self) -> Ref:
        """The view as it is defined now; a changed definition has another ref."""
        return Ref("view", self.name, self.digest[:12])

    def rows(self, source: pl.LazyFrame) -> pl.LazyFrame:
        """The view's rows, from those of its data set.

        Raises:
            BadInput: the transform gives something else than a lazy frame.
        """
        if self.transform is None:
            return source
        rows = self.transform(source)
        if not isinstance(rows, pl.LazyFrame):
            raise BadInput(
                f"the transform gives a {type(rows).__name__}",
                where=f"feature view {self.name!r}",
                expected="a polars LazyFrame",
                fix="Return the lazy frame without collecting it",
            )
        return rows


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    # One text is a sequence of letters, and surely meant as one name.
    return (columns,) if isinstance(columns, str) else tuple(columns)


def _age(ttl: timedelta | str | None) -> tuple[timedelta | None, list[str]]:
    if isinstance(ttl, str):
        try:
            ttl = parse_duration(ttl)
        except BadInput as error:
            return None, [f"the ttl {error.what}; expected {error.expected}"]
    if ttl is not None and ttl <= timedelta(0):
        return None, [f"the ttl is {ttl}, which nothing can be younger than"]
    return ttl, []


def _name_problems(name: str, source: str) -> list[str]:
    problems = []
    for kind, given in (("view", name), ("data", source)):
        try:
            Ref(kind, given)
        except BadInput as error:
            problems.append(error.what)
    if ":" in name:
        problems.append("the name holds a colon, which stands between view and feature")
    return problems


def _column_problems(kind: str, columns: Sequence[str]) -> list[str]:
    problems = [] if columns else [f"it has no {kind}"]
    problems += [f"a {kind} is {column!r}, which is no name of a column" for column in columns if not _is_name(column)]
    twice = sorted({str(column) for column in columns if list(columns).count(column) > 1})
    return problems + [f"the {kind} {column!r} is named twice" for column in twice]


def _is_name(column: object) -> bool:
    return isinstance(column, str) and bool(column) and not column.startswith("__")


def _clashes(keys: Sequence[str], times: Sequence[str], features: Sequence[str]) -> list[tuple[str, str]]:
    found = [("time", column) for column in times if column in keys]
    return found + [("feature", column) for column in features if column in keys]


def _transform_problems(transform: object) -> list[str]:
    if transform is None or callable(transform):
        return []
    return [f"the transform is {transform!r}, which cannot be called"]


def _source_text(transform: Callable[..., object] | None) -> str | None:
    if transform is None:
        return None
    if isinstance(transform, functools.partial):
        return f"{_source_text(transform.func)}{transform.args}{transform.keywords}"
    try:
        return inspect.getsource(transform)
    except (OSError, TypeError):
        return getattr(transform, "__qualname__", repr(type(transform)))

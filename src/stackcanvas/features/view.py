"""Feature views: which columns of which data set describe which entity, and since when they are known."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from stackcanvas.canvas.units import format_duration
from stackcanvas.errors import BadInput, BadInputs, StackCanvasError
from stackcanvas.features.checks import (
    age_of,
    column_problems,
    meaning,
    name_problems,
    names_of,
    source_text,
    transform_problems,
    zone_problems,
)
from stackcanvas.late import late
from stackcanvas.metadata import Ref

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

Transform: TypeAlias = "Callable[[pl.LazyFrame], pl.LazyFrame]"


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that features describe, and the columns that tell which one it is.

    Args:
        name: what it is called.
        keys: columns; together they identify one thing.
        description: in a sentence, for people.

    Raises:
        BadInput: there is no key, or one is named twice.

    Example:
        >>> Entity("airport", ("origin",)).keys
        ('origin',)
    """

    name: str
    keys: tuple[str, ...]
    description: str = ""

    def __init__(self, name: str, keys: Sequence[str], *, description: str = "") -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "keys", names_of(keys))
        object.__setattr__(self, "description", description)
        problems = column_problems("key", self.keys)
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
        timezone: the zone of times that say none; without it such times are refused. Of an hour that the change of
            the clocks repeats the later one is meant, so that nothing is known too early.
        stream: rows are pushed as they happen, and reach the data set afterwards; there is no transform then.
        description, owner, tags: for those who look for features; they do not change what the view is.

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
    timezone: str | None
    stream: bool
    description: str
    owner: str
    tags: tuple[str, ...]
    text: str | None = field(compare=False, repr=False)

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
        timezone: str | None = None,
        stream: bool = False,
        description: str = "",
        owner: str = "",
        tags: Sequence[str] = (),
    ) -> None:
        keys = entity.keys if isinstance(entity, Entity) else names_of(entity)
        described = names_of(features)
        age, problems = age_of(ttl)
        problems += name_problems(name, source=source)
        problems += column_problems("key", keys) + column_problems("feature", described)
        times = [column for column in (event_time, known_time) if column is not None]
        problems += column_problems("time", times) + zone_problems(timezone)
        problems += [f"{column!r} is a key and a {kind}" for kind, column in _clashes(keys, times, described)]
        problems += transform_problems(transform)
        if stream and transform is not None:
            problems.append("it is a stream and has a transform, which would see one pushed row at a time")
        if problems:
            raise BadInputs([BadInput(problem, where=f"feature view {name!r}") for problem in problems])
        of = entity if isinstance(entity, Entity) else Entity("_".join(keys), keys)
        for name_of, value in (
            ("name", name),
            ("entity", of),
            ("source", source),
            ("event_time", event_time),
            ("known_time", known_time),
            ("ttl", age),
            ("features", described),
            ("transform", transform),
            ("timezone", timezone),
            ("stream", stream),
            ("description", description),
            ("owner", owner),
            ("tags", names_of(tags)),
            # Read now: the file may be another one by the time that somebody asks.
            ("text", source_text(transform)),
        ):
            object.__setattr__(self, name_of, value)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that identify the entity."""
        return self.entity.keys

    @property
    def times(self) -> tuple[str, ...]:
        """The columns that say when a row happened and when it was known."""
        return (self.event_time,) if self.known_time is None else (self.event_time, self.known_time)

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
            "transform": self.text,
            "timezone": self.timezone,
            "stream": self.stream,
        }

    @property
    def digest(self) -> str:
        """Tells two definitions apart; how a transform is laid out does not matter."""
        facts = {**self.definition, "transform": meaning(self.text)}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def ref(self) -> Ref:
        """The view as it is defined now; a changed definition has another ref."""
        return Ref("view", self.name, self.digest[:12])

    def rows(self, source: pl.LazyFrame) -> pl.LazyFrame:
        """The view's rows, from those of its data set.

        Raises:
            BadInput: the transform fails, or gives something else than a lazy frame.
        """
        if self.transform is None:
            return source
        with self.computing():
            rows = self.transform(source)
            if isinstance(rows, pl.LazyFrame):
                rows.collect_schema()  # what names a column that is not there is found here
        if not isinstance(rows, pl.LazyFrame):
            raise BadInput(
                f"the transform gives a {type(rows).__name__}",
                where=f"feature view {self.name!r}",
                expected="a polars LazyFrame",
                fix="Return the lazy frame without collecting it",
            )
        return rows

    @contextmanager
    def computing(self) -> Iterator[None]:
        """While the view's rows are computed: what fails there is the transform's failure.

        Raises:
            BadInput: names the line of the transform.
        """
        try:
            yield
        except StackCanvasError:
            raise
        except Exception as error:
            if self.transform is None:
                raise
            what = (str(error).strip().splitlines() or [""])[0]
            raise BadInput(
                f"the transform of feature view {self.name!r} failed: {type(error).__name__}: {what}"[:400],
                where=_line_of(self.transform, error),
            ) from error


def _line_of(function: Callable[..., object], error: Exception) -> str | None:
    """The line of a user's function where an error arose, or where it begins."""
    code = getattr(getattr(function, "func", function), "__code__", None)
    if code is None:
        return None
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == code.co_filename]
    return f"{Path(code.co_filename).name}:{lines[-1] if lines else code.co_firstlineno}"


def _clashes(keys: Sequence[str], times: Sequence[str], features: Sequence[str]) -> list[tuple[str, str]]:
    found = [("time", column) for column in times if column in keys]
    return found + [("feature", column) for column in features if column in keys]

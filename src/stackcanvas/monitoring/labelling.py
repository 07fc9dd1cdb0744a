"""Frames of labels as they are given: checked, typed, and keyed so that the same label is known again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from stackcanvas.clock import to_us
from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

PREDICTION_ID, VALUE, OBSERVED, EVENT_TIME = "prediction_id", "value", "observed_at", "event_time"
_EXPECTED = "prediction_id and value; or entity keys, event_time and value; and observed_at, where it is known"


@dataclass(frozen=True, slots=True)
class Label:
    """One true outcome.

    Attributes:
        id: digest of what it says.
        key: the prediction's id, or the JSON text of entity and event time.
        value: a truth value, a number or a text.
        observed: when the outcome became known.
    """

    id: str
    key: str
    value: bool | int | float | str
    observed: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """A frame of labels.

    Attributes:
        labels: each once.
        empty: rows without a value: outcomes that never came to be, such as those of cancelled flights.
        dated: whether the frame said when the values were observed.
    """

    labels: list[Label]
    empty: int
    dated: bool


def read_labels(endpoint: str, frame: Any, *, now: datetime) -> Given:
    """The labels in a frame.

    Args:
        endpoint: whose predictions they are about.
        frame: anything that Polars takes: a frame, Arrow, a list of dictionaries.
        now: when values without `observed_at` were observed.

    Raises:
        BadInput: columns are missing, or a key, an instant or a value cannot be used.
    """
    table = _frame(frame)
    keys = _keys(table)
    values = _values(table)
    dated = OBSERVED in table.columns
    observed = _instants(table, OBSERVED) if dated else [now] * table.height
    labels: dict[str, Label] = {}
    empty = 0
    for key, value, instant in zip(keys, values, observed, strict=True):
        if value is None:
            empty += 1
            continue
        text = f"{endpoint}\n{key}\n{to_us(instant)}\n{json.dumps(value)}"
        label = Label(blake3(text.encode()).hexdigest()[:32], key, value, instant)
        labels[label.id] = label
    return Given(list(labels.values()), empty, dated)


def read_file(path: Path) -> pl.DataFrame:
    """A frame of labels from a file: `.csv`, `.parquet`, `.json` (an array of objects) or `.jsonl`.

    Raises:
        BadInput: there is no such file, its ending is none of these, or it is not what its ending says.
    """
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        # The id is hexadecimal, and some of them look like numbers.
        ".csv": lambda found: pl.read_csv(found, schema_overrides={PREDICTION_ID: pl.String}, infer_schema_length=None),
        ".parquet": pl.read_parquet,
        ".json": pl.read_json,
        ".jsonl": pl.read_ndjson,
        ".ndjson": pl.read_ndjson,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BadInput(f"the file ends in {path.suffix or 'nothing'!r}", where=str(path), expected=", ".join(readers))
    try:
        return reader(path)
    except FileNotFoundError:
        raise BadInput("there is no such file", where=str(path)) from None
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"the file cannot be read: {reason}", where=str(path), expected=_EXPECTED) from error


def entity_of(key: str) -> dict[str, Any] | None:
    """The entity and event time of a key; None when the key is a prediction's id.

    Example:
        >>> entity_of('{"event_time":0,"flight":"UA 1"}'), entity_of("013e5d63780070058000000000000005")
        ({'event_time': 0, 'flight': 'UA 1'}, None)
    """
    if not key.startswith("{"):
        return None
    entity: dict[str, Any] = json.loads(key)
    return entity


def entity_text(column: pl.Expr) -> pl.Expr:
    """A column of entity keys as text that is equal for equal keys: a whole number has no `.0`."""
    return column.cast(pl.String).str.strip_suffix(".0")


def as_values(stored: pl.Series) -> pl.Series:
    """Values from their JSON texts, all of one kind: truth values, whole numbers, numbers or texts.

    Truth values among numbers become numbers, and both among texts become texts.

    Example:
        >>> as_values(pl.Series(["true", "false"])).to_list(), as_values(pl.Series(["true", "2.5"])).to_list()
        ([True, False], [1.0, 2.5])
    """
    if stored.is_in(["true", "false"]).all():
        return stored == "true"
    if stored.str.starts_with('"').any():
        return pl.Series([str(json.loads(text)) for text in stored], dtype=pl.String)
    numbers = stored.replace({"true": "1", "false": "0"})
    whole = numbers.cast(pl.Int64, strict=False)
    return numbers.cast(pl.Float64) if whole.is_null().any() else whole


def _frame(given: Any) -> pl.DataFrame:
    try:
        table = given if isinstance(given, pl.DataFrame) else pl.DataFrame(given)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"the labels are no table: {error}", expected=_EXPECTED) from error
    missing = [] if VALUE in table.columns else [VALUE]
    entity = [name for name in table.columns if name not in {PREDICTION_ID, VALUE, OBSERVED, EVENT_TIME}]
    if PREDICTION_ID not in table.columns:
        missing += [EVENT_TIME] if EVENT_TIME not in table.columns else []
        missing += ["an entity key, or prediction_id"] if not entity else []
    if missing:
        raise BadInput(f"the labels lack {' and '.join(missing)}", expected=_EXPECTED)
    return table


def _keys(table: pl.DataFrame) -> list[str]:
    if PREDICTION_ID in table.columns:
        _no_null(table, PREDICTION_ID)
        found: list[str] = table[PREDICTION_ID].cast(pl.String).to_list()
        return found
    entity = sorted(name for name in table.columns if name not in {VALUE, OBSERVED, EVENT_TIME})
    for name in entity:
        _no_null(table, name)
        kind = table.schema[name]
        if kind.is_nested() or kind.is_temporal():
            raise BadInput(f"the entity key {name!r} is a {kind}", expected="texts, whole numbers or truth values")
    texts = table.select(entity_text(pl.col(name)) for name in entity)
    events = _instants(table, EVENT_TIME)
    return [
        json.dumps({**row, EVENT_TIME: to_us(event)}, sort_keys=True, separators=(",", ":"))
        for row, event in zip(texts.iter_rows(named=True), events, strict=True)
    ]


def _values(table: pl.DataFrame) -> list[Any]:
    kind = table.schema[VALUE]
    if kind in {pl.Boolean, pl.String, pl.Null} or kind.is_integer():
        return table[VALUE].to_list()
    if isinstance(kind, pl.Categorical | pl.Enum):
        return table[VALUE].cast(pl.String).to_list()
    if kind.is_numeric():
        return table[VALUE].cast(pl.Float64).fill_nan(None).to_list()
    raise BadInput(f"the values are {kind}", expected="truth values, numbers or texts")


def _instants(table: pl.DataFrame, name: str) -> list[datetime]:
    _no_null(table, name)
    column, kind = table[name], table.schema[name]
    try:
        if kind == pl.String:
            column = column.str.to_datetime(time_unit="us", time_zone="UTC", strict=True)
        elif isinstance(kind, pl.Datetime) and kind.time_zone is None:
            column = column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        else:
            column = column.cast(pl.Datetime("us", "UTC"))
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"the column {name!r} holds no instants: {error}", expected="2013-05-01T12:00:00Z") from error
    found: list[datetime] = column.to_list()
    return found


def _no_null(table: pl.DataFrame, name: str) -> None:
    missing = table[name].is_null()
    if missing.any():
        row = missing.arg_true()[0] + 1
        raise BadInput(f"{missing.sum()} rows have no {name}, the first is row {row}", expected=f"a {name} in each row")

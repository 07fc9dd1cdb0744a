"""Erasing rows about a person from the prediction log of this machine: day by day, each file replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import Conflict
from stackcanvas.late import late
from stackcanvas.serving.compact import alone_at, segment_frame
from stackcanvas.serving.days import SEGMENTS, day_files, endpoint_folder, endpoints, merged_segments, write_day
from stackcanvas.serving.server.hashing import hashed
from stackcanvas.serving.server.segments import OPEN

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")


@dataclass(frozen=True, slots=True)
class Told:
    """How rows of the log tell whose they are.

    Args:
        column: an entity key or a feature.
        values: of it, as text.
        blank: columns to empty instead of removing the rows; none to remove them.
    """

    column: str
    values: frozenset[str]
    blank: tuple[str, ...] = ()

    @property
    def forms(self) -> frozenset[str]:
        """The values as the log may hold them: as they are, or as the hash that is kept in their place."""
        found = set(self.values)
        for value in self.values:
            found.add(hashed(value) or value)
            try:
                found.add(hashed(json.loads(value)) or value)
            except ValueError:
                continue
        return frozenset(found)


@dataclass(slots=True)
class Found:
    """Rows of a person in the log.

    Args:
        rows: how many, by endpoint.
        ids: of the predictions.
        writing: rows in segments that a prediction server is writing still.
    """

    rows: dict[str, int] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    writing: int = 0


def find(root: Path, told: Told) -> Found:
    """The rows of a person, wherever they lie."""
    found = Found()
    for endpoint in endpoints(root):
        for file in day_files(endpoint_folder(root, endpoint)):
            _note(found, endpoint, pl.read_parquet(file.path), told)
    for path in sorted((root / SEGMENTS).glob(f"*{OPEN}")):
        try:
            rows = segment_frame(path)
        except FileNotFoundError:  # compacted meanwhile
            continue
        if rows.height:
            found.writing += _note(found, rows["endpoint"][0], rows, told)
    return found


def erase(root: Path, told: Told) -> Found:
    """Take the rows of a person out of all days, or empty their columns; what is being written is only counted.

    Raises:
        Conflict: the log is being compacted.
    """
    found = Found()
    with alone_at(root) as alone:
        if not alone:
            raise Conflict("the prediction log is being compacted", fix="Run the same command again")
        for endpoint in endpoints(root):
            for file in day_files(endpoint_folder(root, endpoint)):
                rows = pl.read_parquet(file.path)
                if not _note(found, endpoint, rows, told):
                    continue
                left = _left(rows, told)
                if left.is_empty():
                    file.path.unlink()
                else:
                    write_day(file, left, merged_segments(file.path))
    return found


def _note(found: Found, endpoint: str, rows: pl.DataFrame, told: Told) -> int:
    mine = rows.filter(_mine(rows, told))
    if mine.height:
        found.rows[endpoint] = found.rows.get(endpoint, 0) + mine.height
        found.ids.update(mine["prediction_id"].to_list())
    return mine.height


def _left(rows: pl.DataFrame, told: Told) -> pl.DataFrame:
    mine = _mine(rows, told)
    if not told.blank:
        return rows.filter(~mine)
    columns = [
        pl.when(mine)
        .then(pl.col("entity").map_elements(_emptied(told.blank), return_dtype=pl.String))
        .otherwise(pl.col("entity"))
        .alias("entity")
    ]
    for name in ("features", "output"):
        kind = rows.schema[name]
        if isinstance(kind, pl.Struct) and any(one.name in told.blank for one in kind.fields):
            parts = [
                pl.lit(None, one.dtype).alias(one.name)
                if one.name in told.blank
                else pl.col(name).struct.field(one.name)
                for one in kind.fields
            ]
            columns.append(pl.when(mine).then(pl.struct(parts)).otherwise(pl.col(name)).alias(name))
    return rows.with_columns(columns)


def _mine(rows: pl.DataFrame, told: Told) -> pl.Series:
    """Which rows are of the person, and, where columns are to be emptied, not empty yet."""
    forms = told.forms
    found = pl.Series([_says(text, told.column, forms) for text in rows["entity"].to_list()], dtype=pl.Boolean)
    kind = rows.schema["features"]
    names = [one.name for one in kind.fields] if isinstance(kind, pl.Struct) else []
    if told.column in names:
        values = rows["features"].struct.field(told.column).to_list()
        found |= pl.Series([_text(value) in forms for value in values], dtype=pl.Boolean)
    if told.blank:
        full = pl.Series([_filled(text, told.blank) for text in rows["entity"].to_list()], dtype=pl.Boolean)
        for name in set(names) & set(told.blank):
            full |= rows["features"].struct.field(name).is_not_null()
        found &= full
    return found


def _says(text: str | None, column: str, forms: Collection[str]) -> bool:
    return text is not None and column in text and _text(json.loads(text).get(column)) in forms


def _filled(text: str | None, blank: Collection[str]) -> bool:
    return text is not None and any(json.loads(text).get(name) is not None for name in blank)


def _text(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value is None else str(value)


def _emptied(blank: Collection[str]) -> Callable[[str], str]:
    def empty(text: str) -> str:
        told = json.loads(text)
        return json.dumps({name: None if name in blank else value for name, value in told.items()}, sort_keys=True)

    return empty

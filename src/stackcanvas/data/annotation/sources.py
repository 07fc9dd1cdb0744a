"""Items from rows: what is shown, by which key they are known again, which come first."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcanvas.data.manifest import digest_of
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.plain import plain

if TYPE_CHECKING:
    import polars as pl

_PART_ROWS = 1 << 14
_LONGEST_ITEM = 1 << 20


@dataclass(frozen=True, slots=True)
class Choosing:
    """Which rows become items.

    Args:
        shown: the columns that a person sees; all when empty.
        key: the columns that identify a row; its whole content when empty.
        confidence: a column that says how sure a model was; the least sure come first. A part of a record is named with
            a dot, such as `output.score`.
        probability: a column with the probability of one of two classes, in its place: near one half is least sure.
        below: only rows less sure than this.
        limit: no more items than these.
    """

    shown: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    confidence: str | None = None
    probability: str | None = None
    below: float | None = None
    limit: int | None = None


def chosen(rows: pl.LazyFrame, choosing: Choosing) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Key, content and priority of each item.

    Raises:
        NotFound: a column that is named does not exist.
        BadInput: a confidence is no number, or a row is too large.
    """
    sure = choosing.confidence or choosing.probability
    if choosing.confidence and choosing.probability:
        raise BadInput("confidence and probability exclude each other", fix="Name one of the two columns")
    if sure is None and choosing.below is not None:
        raise BadInput("nothing says how sure a model was", fix="Name the column: --confidence COLUMN")
    names = rows.collect_schema().names()
    for name in (*choosing.shown, *((sure.split(".")[0],) if sure else ())):
        if name not in names:
            raise NotFound("column", name, known=names)
    items = _items(rows, choosing, sure)
    if choosing.limit is None:
        return items
    # Of equal ones the first: a heap is stable when the place is part of what it compares.
    numbered = ((priority, place, key, data) for place, (key, data, priority) in enumerate(items))
    return ((key, data, priority) for priority, _, key, data in heapq.nsmallest(choosing.limit, numbered))


def keyed(rows: pl.LazyFrame, choosing: Choosing) -> Iterator[tuple[pl.DataFrame, list[str]]]:
    """The rows part by part, each with the keys of its rows."""
    for part in rows.collect_batches(chunk_size=_PART_ROWS, maintain_order=True):
        shown = part.select(choosing.shown) if choosing.shown else part
        yield (
            shown,
            [key_of(row, choosing.key) for row in part.select(choosing.key or shown.columns).iter_rows(named=True)],
        )


def key_of(row: Mapping[str, Any], key: Sequence[str] = ()) -> str:
    """By what an item is known again."""
    told = plain({name: row[name] for name in key} if key else row)
    text = json.dumps(told, sort_keys=True, ensure_ascii=True)
    return text if key and len(text) <= 500 else digest_of(text.encode())


def _items(rows: pl.LazyFrame, choosing: Choosing, sure: str | None) -> Iterator[tuple[str, dict[str, Any], float]]:
    place = 0
    for part in rows.collect_batches(chunk_size=_PART_ROWS, maintain_order=True):
        shown = choosing.shown or tuple(part.columns)
        for row in part.iter_rows(named=True):
            place += 1
            priority = 0.0 if sure is None else _confidence(row, sure, probability=choosing.probability is not None)
            if choosing.below is not None and priority >= choosing.below:
                continue
            own = {name: row[name] for name in shown}
            data = _content(own, place)
            yield key_of(row if choosing.key else own, choosing.key), data, priority


def _content(row: Mapping[str, Any], place: int) -> dict[str, Any]:
    try:
        data: dict[str, Any] = plain(row)
    except TypeError as error:
        raise BadInput(f"row {place} cannot be shown: {error}", fix="Leave the column out with --show") from error
    if len(json.dumps(data)) > _LONGEST_ITEM:
        raise BadInput(f"row {place} is larger than a page can show", expected="up to 1 MB", fix="Show fewer columns")
    return data


def _confidence(row: Mapping[str, Any], path: str, *, probability: bool) -> float:
    value: Any = row
    for name in (path,) if path in row else path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None or value != value:  # noqa: PLR0124 - NaN; what says nothing is least sure
        return -1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadInput(f"{path} is {value!r} in a row", expected="a number from 0 to 1")
    return float(max(value, 1 - value) if probability else value)

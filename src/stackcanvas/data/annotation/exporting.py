"""What was labelled as rows: the columns of the source, of their own types, with what people said beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from stackcanvas.data.annotation.kinds import Queue, comparable
from stackcanvas.data.annotation.sources import Choosing, keyed
from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_ITEM = "annotation_item"


def exported(
    queue: Queue,
    views: Sequence[Any],
    choosing: Callable[[str], Choosing],
    scan: Callable[[str], pl.LazyFrame],
    *,
    each: bool,
) -> pl.DataFrame:
    """The rows of a queue.

    Args:
        views: every item with its labels.
        choosing: how the items of a source were chosen.
        scan: gives the rows of a source.
        each: a row for each label in place of one for each decided item.

    Raises:
        BadInput: there is nothing to export, or a column of the items has one of our names.
    """
    said = _each(queue, views) if each else _decided(queue, views)
    if not said.height:
        raise BadInput(f"nothing of the queue {queue.name!r} is {'labelled' if each else 'decided'} yet")
    wanted = set(said[_ITEM].to_list())
    content = _content(queue, [one for one in views if one.item.number in wanted], choosing, scan)
    clash = sorted(set(content.columns) & set(said.columns) - {_ITEM})
    if clash:
        raise BadInput(f"the items have a column {clash[0]!r}, too", fix="Rename it in the source, or do not show it")
    return content.join(said, on=_ITEM, how="inner", maintain_order="right")


def _decided(queue: Queue, views: Sequence[Any]) -> pl.DataFrame:
    rows = []
    for one in views:
        if one.value is None:
            continue
        final = comparable(queue.kind, one.value)
        same = [comparable(queue.kind, label.value) == final for label in one.labels]
        agreed = sum(same) / len(same) if same else None
        rows.append((one.item.number, one.value, len(one.labels), agreed, one.item.final_by or "people"))
    names: dict[str, Any] = {
        "annotation": _type(queue.kind),
        "annotation_labels": pl.Int64,
        "annotation_agreement": pl.Float64,
    }
    return pl.DataFrame(rows, schema={_ITEM: pl.Int64, **names, "annotation_by": pl.String}, orient="row")


def _each(queue: Queue, views: Sequence[Any]) -> pl.DataFrame:
    rows = [
        (one.item.number, label.value, label.labeller, label.note, label.took_s, label.made)
        for one in views
        for label in one.labels
    ]
    names: dict[str, Any] = {"annotation": _type(queue.kind), "annotation_by": pl.String, "annotation_note": pl.String}
    times: dict[str, Any] = {"annotation_took_s": pl.Float64, "annotation_made": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema={_ITEM: pl.Int64, **names, **times}, orient="row")


def _content(
    queue: Queue, views: Sequence[Any], choosing: Callable[[str], Choosing], scan: Callable[[str], pl.LazyFrame]
) -> pl.DataFrame:
    """The rows that the items came from; those that no source has are made from what was shown."""
    numbers = {one.item.key: one.item.number for one in views}
    found: list[pl.DataFrame] = []
    for source in queue.sources:
        for part, keys in keyed(scan(source), choosing(source)):
            own = [numbers.pop(key, None) for key in keys]
            rows = part.with_columns(pl.Series(_ITEM, own, pl.Int64)).filter(pl.col(_ITEM).is_not_null())
            if rows.height:
                found.append(rows)
    left = set(numbers.values())
    rest = [{**one.item.data, _ITEM: one.item.number} for one in views if one.item.number in left]
    if rest:
        found.append(pl.DataFrame(rest, infer_schema_length=None, strict=False))
    try:
        return pl.concat(found, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"the sources of the queue do not fit together: {str(error).splitlines()[0]}") from error


def _type(kind: str) -> Any:
    """What a column of labels of this kind holds."""
    if kind == "spans":
        return pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "label": pl.String}))
    return {"choice": pl.String, "choices": pl.List(pl.String), "number": pl.Float64}[kind]

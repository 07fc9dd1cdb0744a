"""Two tables compared to the bit, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stackcanvas.late import late

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")
    pl = late("polars")


_COMPARED_ROWS = 1 << 18


def differences(rebuilt: pl.LazyFrame, stored: pl.LazyFrame) -> tuple[list[str], int]:
    """The columns in which rows differ, and how many rows there are."""
    if rebuilt.collect_schema() != stored.collect_schema():
        before, now = stored.collect_schema(), rebuilt.collect_schema()
        names = dict.fromkeys([*before.names(), *now.names()])
        return [name for name in names if before.get(name) != now.get(name)] or ["(order of columns)"], 0
    differs: dict[str, None] = {}
    count = 0
    right = _even(stored)
    for ours in _even(rebuilt):
        theirs = next(right, ours.clear())
        count += ours.height
        if ours.height != theirs.height:
            return ["(number of rows)"], count
        differs.update(dict.fromkeys(name for name in ours.columns if not _same(ours[name], theirs[name])))
    return (["(number of rows)"], count) if any(more.height for more in right) else (list(differs), count)


def _even(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The rows in parts of one size, whatever the batches are that they come in."""
    waiting = rows.collect_schema().to_frame()
    for batch in rows.collect_batches(chunk_size=_COMPARED_ROWS, maintain_order=True):
        waiting = pl.concat([waiting, batch])
        while waiting.height >= _COMPARED_ROWS:
            yield waiting.head(_COMPARED_ROWS)
            waiting = waiting.slice(_COMPARED_ROWS)
    if waiting.height:
        yield waiting


def _same(left: pl.Series, right: pl.Series) -> bool:
    if not left.equals(right, null_equal=True):
        return False
    if left.dtype.is_float() and not left.is_empty():  # equal numbers may differ in bits: 0.0 and -0.0
        ours, theirs = (one.fill_null(0.0).to_numpy().view(np.uint8) for one in (left, right))
        return bool(np.array_equal(ours, theirs))
    return True

"""The point-in-time join for tables that do not fit in memory: entity rows part by part, views from files.

Of each view only keys and times are looked at, those of some keys at a time; of its features only the rows that a part
of the entity rows needs are read. Each view is computed once, into a file, since a transform need not give its rows in
the same order twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.features.join import ROW, SOURCE, Observations, join_with, match, place
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

ENTITY_ROWS = 1 << 20
VIEW_ROWS = 1 << 22


def join_in_parts(
    entities: pl.LazyFrame,
    views: Sequence[Observations],
    *,
    time: str,
    timezone: str | None = None,
    scratch: Path,
    entity_rows: int = ENTITY_ROWS,
    view_rows: int = VIEW_ROWS,
) -> Iterator[pl.DataFrame]:
    """The joined rows in the order of the entity rows, part by part.

    Args:
        entities: one row for each thing to know about.
        views: where the features come from.
        time, timezone: as of `point_in_time`.
        scratch: a folder for what views compute.
        entity_rows: of a part.
        view_rows: how many rows of a view are looked at together, about.
    """
    kept = [_kept(view, scratch / f"{number}.parquet") for number, view in enumerate(views)]
    finder = _Finder(view_rows)
    for part in entities.collect_batches(chunk_size=entity_rows, maintain_order=True):
        yield join_with(finder, part, kept, time=time, timezone=timezone)


class _Finder:
    """Finds the features of a part of the entity rows."""

    def __init__(self, view_rows: int) -> None:
        self._view_rows = view_rows
        self._parts: dict[str, int] = {}

    def __call__(
        self, asked: pl.DataFrame, view: Observations, schema: pl.Schema, keys: Sequence[pl.Expr], rows: int
    ) -> pl.DataFrame:
        """The view's features for each of `rows` entity rows."""
        numbered = view.frame.with_row_index(ROW)
        names = [f"__key{position}" for position in range(len(keys))]
        parts = self._parts_of(view)
        found = [
            match(
                asked.filter(pl.struct(names).hash() % parts == part),
                numbered.filter(pl.struct(keys).hash() % parts == part),
                view,
                schema,
                keys,
            )
            for part in range(parts)
        ]
        places = place(pl.concat(found), rows)
        needed = places.drop_nulls().unique().sort().alias(ROW)
        wide = numbered.select(ROW, *view.features).join(needed.to_frame().lazy(), on=ROW, how="semi")
        chosen = wide.sort(ROW).collect(engine="streaming")
        at = pl.DataFrame({SOURCE: places}).select(chosen[ROW].search_sorted(places).alias(SOURCE)).to_series()
        at = pl.select(pl.when(places.is_not_null()).then(at)).to_series()
        return chosen.select(pl.col(list(view.features)).gather(at))

    def _parts_of(self, view: Observations) -> int:
        if view.name not in self._parts:
            count = int(view.frame.select(pl.len()).collect(engine="streaming").item())
            self._parts[view.name] = max(1, -(-count // self._view_rows))
        return self._parts[view.name]


def _kept(view: Observations, file: Path) -> Observations:
    with view.computing():
        view.frame.select(view.columns).sink_parquet(file, compression="lz4", maintain_order=True)
    return replace(view, frame=pl.scan_parquet(file, glob=False))

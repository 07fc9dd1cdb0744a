"""Pushed rows on their way into a data set: each push is a file, folded into the next version of the data set.

A file is written whole or not at all, before the rows come online; folding leaves out rows that the data set has
already, so that a push that arrived twice, or a fold that was killed before it removed its files, adds nothing. The
prediction server writes the same files, as JSON, since it knows no frames.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from stackcanvas.backends.files import make_folder, sync_folder, unavailable
from stackcanvas.clock import from_us, to_us
from stackcanvas.data import Data, DataVersion
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.features.view import FeatureView
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_FRAME, _JSON = ".arrow", ".json"


class Journal:
    """The pushed rows of a project that are in no data version yet.

    Args:
        folder: of the files; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, view: FeatureView, rows: pl.DataFrame, *, now: datetime, name: str) -> None:
        """Keep pushed rows; they are durable when this returns.

        Raises:
            Unavailable: the disk is full or not writable.
        """
        folder = self._of(view.name)
        fresh = folder / f".{name}"
        try:
            make_folder(folder)
            rows.write_ipc(fresh)
            fresh.replace(folder / f"{to_us(now):020d}-{name}{_FRAME}")
            sync_folder(folder)
        except OSError as error:
            raise unavailable(error, folder) from error

    def pending(self, view: FeatureView) -> list[Path]:
        """The files that wait, oldest first."""
        folder = self._of(view.name)
        return sorted(path for path in folder.glob("*") if path.suffix in {_FRAME, _JSON} and path.name[0] != ".")

    def since(self, view: FeatureView) -> datetime | None:
        """When the oldest rows were pushed that wait; None when none do."""
        waiting = self.pending(view)
        return from_us(int(waiting[0].name.partition("-")[0])) if waiting else None

    def fold(self, view: FeatureView, data: Data) -> DataVersion | None:
        """Make what waits part of the next version of the view's data set; None when nothing waits.

        Raises:
            BadInput: rows do not fit the data set; nothing is lost.
        """
        waiting = self.pending(view)
        if not waiting:
            return None
        source, schema = _source(view, data)
        pushed = pl.concat([_read(path, schema) for path in waiting], how="diagonal_relaxed")
        try:
            pushed = _fit(pushed, schema).unique(maintain_order=True)
        except pl.exceptions.PolarsError as error:
            raise BadInput(
                f"pushed rows do not fit data:{view.source}: {error}", where=str(self._of(view.name))
            ) from None
        rows = pushed.lazy()
        if source is not None:
            known = source.join(rows, on=pushed.columns, how="semi", nulls_equal=True)
            rows = rows.join(known, on=pushed.columns, how="anti", nulls_equal=True, maintain_order="left")
            rows = pl.concat([source, rows])
        made = data.commit(view.source, rows, message=f"Pushed rows of {view.name}")
        for path in waiting:
            path.unlink(missing_ok=True)
        return made

    def _of(self, view: str) -> Path:
        return self._folder / quote(view, safe="")


def _source(view: FeatureView, data: Data) -> tuple[pl.LazyFrame | None, pl.Schema | None]:
    try:
        scanned = data.scan(view.source)
    except NotFound:
        return None, None
    return scanned, scanned.collect_schema()


def _read(path: Path, schema: pl.Schema | None) -> pl.DataFrame:
    if path.suffix == _FRAME:
        return pl.read_ipc(path)
    told = json.loads(path.read_bytes())
    frame = pl.DataFrame(told["columns"], strict=False)
    zoned = pl.Datetime("us", "UTC")
    instants = [name for name in told["instants"] if name in frame.columns]
    frame = frame.with_columns(pl.col(name).cast(zoned) for name in instants)
    texts = [
        name
        for name, dtype in (schema or {}).items()
        if name in frame.columns and isinstance(dtype, pl.Datetime) and frame.schema[name] == pl.String
    ]
    return frame.with_columns(pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in texts)


def _fit(pushed: pl.DataFrame, schema: pl.Schema | None) -> pl.DataFrame:
    if schema is None:
        return pushed
    extra = [name for name in pushed.columns if name not in schema]
    if extra:
        raise pl.exceptions.SchemaError(f"the column {extra[0]!r} is not in it")
    return pushed.select(
        (pl.col(name) if name in pushed.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )

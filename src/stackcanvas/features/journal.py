"""Pushed rows on their way into a data set: each push is a file, folded into the next version of the data set.

A file is written whole or not at all, before the rows come online. Of the rows that tie on keys and times the last one
counts, online and in the data set, so folding adds a row only where it differs from the one that stands last among
them: a push that arrived twice, or a fold that was killed before it removed its files, adds nothing. Several processes
may fold at once: a version is made only on top of the one that was read. The prediction server writes the same files,
as JSON, since it knows no frames.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from stackcanvas.backends.files import make_folder, sync_folder, unavailable
from stackcanvas.clock import from_us, to_us
from stackcanvas.data import Data, DataVersion
from stackcanvas.errors import BadInput, BadInputs, Conflict, NotFound
from stackcanvas.features.fitting import fit, widened
from stackcanvas.features.view import FeatureView
from stackcanvas.late import late
from stackcanvas.metadata import Ref

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_FRAME, _JSON = ".arrow", ".json"
_TRIES = 5


class Journal:
    """The pushed rows of a project that are in no data version yet.

    Args:
        folder: of the files; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self, view: FeatureView, rows: pl.DataFrame, data: Data) -> pl.DataFrame:
        """The rows as the data set will take them.

        Raises:
            BadInput: a column holds another kind of value than the data set has there.
        """
        _, source = _source(view, data)
        return fit(view, rows, None if source is None else source.collect_schema())

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
            BadInput: rows do not fit the data set. Their files are laid aside; what fits is folded.
            Conflict: other commits to the data set always came first.
        """
        for _ in range(_TRIES):
            with suppress(Conflict):
                return self._fold(view, data)
        raise Conflict(
            f"others commit to data:{view.source} all the time",
            fix="Run `stackcanvas features fold` when they are done",
        )

    def _fold(self, view: FeatureView, data: Data) -> DataVersion | None:
        waiting = self.pending(view)
        number, source = _source(view, data)
        schema = None if source is None else source.collect_schema()
        parts: list[pl.DataFrame] = []
        refused: list[BadInput] = []
        for path in waiting:
            try:
                part = fit(view, _read(path, schema), schema)
                if source is not None:
                    widened(source, part.schema)
            except FileNotFoundError:  # another process has folded it
                continue
            except (BadInput, pl.exceptions.PolarsError, ValueError, KeyError, TypeError) as error:
                refused.append(self._lay_aside(view, path, error))
                continue
            parts.append(part)
            schema = part.schema
        made = None
        if parts and schema is not None:
            pushed = pl.concat([fit(view, part, schema) for part in parts])
            before = None if source is None else widened(source, schema)
            rows = _added(view, before, pushed)
            made = data.commit(view.source, rows, message=f"Pushed rows of {view.name}", after=number)
        for path in waiting:
            path.unlink(missing_ok=True)
        if refused:
            raise refused[0] if len(refused) == 1 else BadInputs(refused)
        return made

    def _lay_aside(self, view: FeatureView, path: Path, error: Exception) -> BadInput:
        """Move a file away that would hold up all others for ever."""
        aside = self._of(view.name) / "refused"
        make_folder(aside)
        with suppress(FileNotFoundError):
            path.replace(aside / path.name)
        what = error.sentence() if isinstance(error, BadInput) else str(error).partition("\n")[0]
        return BadInput(
            f"pushed rows do not fit data:{view.source}: {what.rstrip('.')}",
            where=str(aside / path.name),
            fix="They are not in the data set. Push them again as they should be, and remove the file",
        )

    def _of(self, view: str) -> Path:
        return self.folder / quote(view, safe="")


def _source(view: FeatureView, data: Data) -> tuple[int, pl.LazyFrame | None]:
    """The number of the newest version, and its rows; 0 before the first."""
    try:
        version = data.get(Ref("data", view.source))
    except NotFound:
        return 0, None
    return version.number, data.scan(version.ref)


def _added(view: FeatureView, source: pl.LazyFrame | None, pushed: pl.DataFrame) -> pl.LazyFrame:
    """The rows of the data set and after them those pushed rows that are not what counts there already."""
    alike = [*view.keys, *view.times]
    rest = [name for name in pushed.columns if name not in alike]
    first = pushed.clear()
    if source is not None:
        asked = pushed.lazy().select(alike).unique()
        standing = source.join(asked, on=alike, how="semi", nulls_equal=True, maintain_order="left")
        first = standing.unique(alike, keep="last", maintain_order=True).collect()
    flagged = pl.concat([first.with_columns(__new=False), pushed.with_columns(__new=True)])
    values = pl.struct(rest) if rest else pl.lit(0)
    again = values.ne_missing(values.shift(1)).over(alike) | (pl.int_range(pl.len()).over(alike) == 0)
    new = flagged.filter(pl.col("__new") & again).drop("__new").lazy()
    return new if source is None else pl.concat([source, new])


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

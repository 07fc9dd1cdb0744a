"""Runs as a table: a row a run, a column for each parameter, metric and tag."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.experiments.runs import RunInfo
from stackcanvas.plain import plain

if TYPE_CHECKING:
    import polars as pl

_FACTS = ("id", "experiment", "name", "status", "started", "ended", "duration_s", "actor", "host", "seed", "parent")


def frame_of(runs: Iterable[RunInfo]) -> pl.DataFrame:
    """The runs in their order; where a run has no value there is null."""
    import polars as pl  # noqa: PLC0415 - 130 ms that only tables need

    found = list(runs)
    text, number = pl.String(), pl.Float64()
    time = pl.Datetime("us", "UTC")
    types: dict[str, Any] = dict.fromkeys(_FACTS, text)
    types |= {"started": time, "ended": time, "duration_s": number, "seed": pl.Int64()}
    columns: dict[str, pl.Series] = {
        name: pl.Series(name, [getattr(run, name) for run in found], types[name]) for name in _FACTS
    }
    columns["commit"] = pl.Series("commit", [run.code.commit for run in found], text)
    columns["dirty"] = pl.Series("dirty", [run.code.dirty for run in found], pl.Boolean())
    metrics = [{name: metric.value for name, metric in run.metrics.items()} for run in found]
    kinds: tuple[tuple[str, list[Mapping[str, Any]], Any], ...] = (
        ("params", [run.parameters for run in found], text),
        ("metrics", [*metrics], number),
        ("tags", [run.tags for run in found], text),
    )
    for kind, values, of_type in kinds:
        for name in sorted({name for one in values for name in one}):
            title = f"{kind}.{name}"
            columns[title] = pl.Series(title, [one.get(name) for one in values], of_type)
    return pl.DataFrame(list(columns.values()))


def frame_bytes(rows: pl.DataFrame, kind: str) -> bytes:
    """A table as a file: csv, parquet, arrow or json.

    Raises:
        BadInput: there is no such format.
    """
    writers: dict[str, Callable[[io.BytesIO], Any]] = {
        "csv": rows.write_csv,
        "parquet": rows.write_parquet,
        "arrow": rows.write_ipc,
        # Polars would make null of what is no number.
        "json": lambda file: file.write(json.dumps(plain(rows.to_dicts()), ensure_ascii=False).encode()),
    }
    if kind not in writers:
        expected = f"a file that ends in {', '.join(f'.{name}' for name in writers)}"
        raise BadInput(f"runs cannot be written as {kind or 'a file without an ending'!r}", expected=expected)
    file = io.BytesIO()
    writers[kind](file)
    return file.getvalue()


def write_frame(rows: pl.DataFrame, path: Path) -> None:
    """Write a table in the format that the ending of the path names.

    Raises:
        BadInput: the ending names no format.
        NotFound: the folder is missing.
    """
    data = frame_bytes(rows, path.suffix.removeprefix("."))
    if not path.parent.is_dir():
        raise NotFound("folder", str(path.parent))
    fresh = path.with_name(f".{path.name}.draft")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)

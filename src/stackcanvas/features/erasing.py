"""Erasing rows about a person from pushes that are in no data version yet, and from the online store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.backends.keyvalue.rows import Place
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

Means = Callable[[object], bool]
_unpack = msgspec.msgpack.decode
_MARK = b"\0"


def pushed(folder: Path, column: str, means: Means) -> list[tuple[Path, int]]:
    """The files of pushed rows that hold some of a person, with how many; those that were laid aside too."""
    found = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.suffix in {".arrow", ".json"} and path.parent != folder:
            rows = sum(_mine(path, column, means))
            if rows:
                found.append((path, rows))
    return found


def erase_pushed(path: Path, column: str, means: Means) -> None:
    """Take the rows of a person out of a file of pushed rows; the file goes with its last row."""
    kept = [not mine for mine in _mine(path, column, means)]
    fresh = path.with_name(f".{path.name}.erased")
    if not any(kept):
        path.unlink(missing_ok=True)
        return
    if path.suffix == ".arrow":
        pl.read_ipc(path).filter(pl.Series(kept)).write_ipc(fresh)
    else:
        told = json.loads(path.read_bytes())
        columns = {
            name: [value for value, stays in zip(values, kept, strict=True) if stays]
            for name, values in told["columns"].items()
        }
        fresh.write_text(json.dumps({**told, "columns": columns}))
    fresh.replace(path)


def _mine(path: Path, column: str, means: Means) -> list[bool]:
    try:
        if path.suffix == ".arrow":
            frame = pl.read_ipc(path)
            return [means(value) for value in frame[column].to_list()] if column in frame.columns else []
        values = json.loads(path.read_bytes())["columns"].get(column, [])
    except (FileNotFoundError, ValueError, KeyError, pl.exceptions.PolarsError):  # folded meanwhile, or no such file
        return []
    return [means(value) for value in values]


def online_of(store: KeyValue, places: Mapping[str, Place], column: str, means: Means) -> Iterator[bytes]:
    """The keys of the rows of a person online: by a key of the view, or by a feature.

    Rows of views that are no longer defined are theirs when any part of their key is.

    Args:
        places: the views that are defined, by name.
    """
    for key, _, value in store.scan(b""):
        if key.startswith(_MARK):
            continue
        name, _, rest = key.partition(b"\0")
        place = places.get(name.decode(errors="replace"))
        current = place is not None and key.startswith(place.prefix)
        try:
            parts: list[Any] = list(_unpack(rest.partition(b"\0")[2]))
            values = dict(enumerate(_unpack(value)[1]))
        except (msgspec.DecodeError, ValueError, TypeError, IndexError):
            continue
        if place is None or not current:
            if any(means(part) for part in parts):
                yield key
        elif column in place.keys:
            if means(parts[place.keys.index(column)]):
                yield key
        elif column in place.features and means(values.get(place.features.index(column))):
            yield key

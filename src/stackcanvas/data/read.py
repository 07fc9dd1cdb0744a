"""Read: a version as rows, exactly those that were committed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from stackcanvas.backends.files import make_folder, unavailable
from stackcanvas.data import csvfiles, formats, parquetfiles
from stackcanvas.data.manifest import DELTA, DataFile, digest_of
from stackcanvas.data.parts import Parts
from stackcanvas.data.sources import delta
from stackcanvas.data.sources.delta import Reference
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, Corrupt, NotFound
from stackcanvas.late import late
from stackcanvas.metadata import Ref, current

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")


def scan(parts: Parts, ref: Ref) -> pl.LazyFrame:
    """The rows that a ref names, read when they are needed; see `Data.scan`."""
    prefix, _, rest = ref.name.partition("/")
    if prefix in parts.readers:
        return parts.readers[prefix](rest)
    version = parts.versions.get(ref)
    around = current()
    if around is not None:
        around.used(version.ref)
    return rows_of(parts, version)


def content(parts: Parts, ref: Ref, path: str | None) -> tuple[DataFile, Iterator[bytes]]:
    """One file of a version, and its bytes; see `Data.content`."""
    version = parts.versions.get(ref)
    files = parts.listing(version)
    if path is None and len(files) > 1:
        raise BadInput(f"{version.ref} has {len(files)} files", expected="the path of one of them")
    found = next((file for file in files if path in {file.path, None}), None)
    if found is None:
        raise NotFound("file", str(path), known=[file.path for file in files], where=str(version.ref))
    around = current()
    if around is not None:
        around.used(version.ref)
    return found, _pieces(parts, found)


def _pieces(parts: Parts, file: DataFile) -> Iterator[bytes]:
    whole = blake3()
    for piece in parts.reader.content(bytes.fromhex(file.digest)):
        whole.update(piece)
        yield piece
    if whole.hexdigest() != file.digest:
        raise Corrupt("the content is not what was committed", where=file.path)


def rows_of(parts: Parts, version: DataVersion) -> pl.LazyFrame:
    """The rows of a version, without recording that they were read.

    Raises:
        BadInput: the version is no table.
        Corrupt: a part of it is damaged.
    """
    if not version.columns:
        raise BadInput(
            f"{version.ref} is no table",
            expected="CSV or Parquet files with the same columns",
            fix=f"Take its files with `stackcanvas data checkout {version.name}@{version.number} FOLDER`",
        )
    return rows_of_files(parts, parts.listing(version), version.columns, kind=version.kind)


def rows_of_files(parts: Parts, files: Sequence[DataFile], columns: Mapping[str, str], *, kind: str) -> pl.LazyFrame:
    """The rows of files that are a table with these columns."""
    if kind == DELTA:
        reference = parts.reader.whole(bytes.fromhex(files[0].digest))
        return delta.scan(Reference.from_bytes(reference, where=files[0].path))
    if formats.delimiter_of(files[0].path) is None:
        paths = parts.whole.paths(files)
    else:
        paths = [_converted(parts, file, columns) for file in files]
    return pl.scan_parquet(paths, glob=False, hive_partitioning=False)


def _converted(parts: Parts, file: DataFile, columns: Mapping[str, str]) -> Path:
    """A CSV file as Parquet, made once and kept in the cache."""
    meaning = repr((file.digest, formats.delimiter_of(file.path), list(columns.items())))
    place = parts.converted / digest_of(meaning.encode())
    if place.exists():
        return place
    (source,) = parts.whole.paths([file])
    rows = csvfiles.read([source], formats.delimiter_of(file.path) or ",", columns)
    try:
        make_folder(place.parent)
        with parts.scratch.file() as (_, written):
            parquetfiles.write(written, rows)
            written.replace(place)
    except OSError as error:
        raise unavailable(error, place) from error
    return place

"""Drafts: the contents of a new version brought into the store, before anything is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.backends.files import unavailable
from stackcanvas.canvas.blocks.expectations import Expectations
from stackcanvas.data import formats, frames, parquetfiles
from stackcanvas.data.examination import Examination, Table
from stackcanvas.data.manifest import (
    DELTA,
    FILES,
    TABLE,
    TABLE_PATH,
    DataFile,
    Manifest,
    digest_of,
    encode_listing,
    manifest_key,
)
from stackcanvas.data.parts import Parts
from stackcanvas.data.sources import Gathered
from stackcanvas.data.sources.delta import PATH, Reference, scan
from stackcanvas.data.store import SourceFile, Writer
from stackcanvas.errors import BadInput, Conflict, Corrupt, NotFound
from stackcanvas.metadata import Ref
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller of a commit asked for.

    Args:
        table: keep rows (True), bytes (False), or what fits the source (None).
        advance: told of bytes as they are done.
        expected: what the rows must be like.
        origin: where the source came from, as it may be shown; None for what lies on this disk.
        after: the number of the version that must still be the newest; 0 for none, None for any.
        created: when it was made, where that was elsewhere.
    """

    name: str
    message: str
    table: bool | None
    key: tuple[str, ...]
    tags: tuple[str, ...]
    advance: Callable[[int], None]
    expected: Expectations | None = None
    origin: str | None = None
    after: int | None = None
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A version whose contents are durable, but which no record names yet.

    Args:
        profile: None when the files are no table, or the profile is stored already.
    """

    manifest: Manifest
    profile: Profile | None
    new_bytes: int


def draft(parts: Parts, source: object, gathered: Gathered | None, wish: Wish) -> Draft:
    """Store what the source holds.

    Args:
        gathered: the files of the source; None when it is rows.
    """
    parts.index.refresh()
    return _untouched(parts, gathered, wish) or _stored(parts, source, gathered, wish)


def _untouched(parts: Parts, gathered: Gathered | None, wish: Wish) -> Draft | None:
    """The draft without reading a file, where all are known and together are just the latest version."""
    if gathered is None or wish.table:
        return None
    with parts.spine.read() as connection:
        latest = parts.versions.find(connection, Ref("data", wish.name))
    if latest is None or (latest.kind, latest.key) != (FILES, wish.key):
        return None
    known = parts.seen.digests([file for _, file in gathered.files])
    digests = [digest for digest in known if digest is not None]
    if len(digests) < len(known) or digest_of(encode_listing(_files(gathered, digests))) != latest.listing:
        return None
    key = manifest_key(latest.digest)
    # Where something was lost or damaged, reading the files again mends it.
    if not all(parts.reader.complete([*digests, bytes.fromhex(latest.listing)])):
        return None
    try:
        manifest = Manifest.from_bytes(parts.objects.get(key), where=key)
        lacks_profile = bool(latest.columns) and latest.profile is None
    except (NotFound, Corrupt):
        return None
    return None if lacks_profile else Draft(manifest, None, 0)


def _stored(parts: Parts, source: object, gathered: Gathered | None, wish: Wish) -> Draft:
    with Writer(parts.objects, parts.index, advance=wish.advance) as writer:
        table: Table | None
        if isinstance(source, Reference):
            files, table = _store_reference(writer, source, wish)
        elif gathered is None:
            files, table = _store_frame(parts, writer, source, wish)
        elif wish.table:
            files, table = _store_rows(parts, writer, gathered, wish)
        else:
            files, table = _store_files(parts, writer, gathered, wish)
        listing = writer.content(encode_listing(files))
        writer.flush()
    manifest = Manifest(
        kind=DELTA if isinstance(source, Reference) else TABLE if gathered is None or wish.table else FILES,
        listing=listing.hex(),
        files=len(files),
        size_bytes=sum(file.size_bytes for file in files),
    )
    if table is None:
        return Draft(manifest, None, writer.new_bytes)
    manifest = replace(manifest, columns=table.columns, rows=table.rows, key=wish.key)
    return Draft(manifest, table.profile, writer.new_bytes)


def _store_files(parts: Parts, writer: Writer, gathered: Gathered, wish: Wish) -> tuple[list[DataFile], Table | None]:
    """Keep the bytes of the files."""
    sources = [file for _, file in gathered.files]
    paths = [Path(file.path) for file in sources]
    table = formats.examine(paths, key=wish.key) if formats.is_table(paths) else None
    if wish.key and table is None:
        raise formats.no_table(paths, rows=False)
    digests = [digest or b"" for digest in parts.seen.digests(sources)]
    unread = [number for number, there in enumerate(parts.reader.complete(digests)) if not there]
    for number, digest in zip(unread, writer.files([sources[number] for number in unread]), strict=True):
        digests[number] = digest
    parts.seen.remember((sources[number], digests[number]) for number in unread)
    return _files(gathered, digests), table


def _store_rows(parts: Parts, writer: Writer, gathered: Gathered, wish: Wish) -> tuple[list[DataFile], Table]:
    """Keep the rows of the files."""
    paths = [Path(file.path) for _, file in gathered.files]
    where = str(paths[0])
    rows: Iterator[pl.DataFrame] | None
    if (streamed := formats.stream(paths)) is not None:
        rows = frames.parts(streamed, where=where)
    elif not formats.is_table(paths):
        raise formats.no_table(paths, rows=True)
    else:
        rows = None if formats.delimiter_of(where) else formats.rows(paths, ())
    if rows is None:  # what type the columns of a CSV file have is known when it was read to its end
        table = formats.examine(paths, key=wish.key)
        files = _store_table(parts, writer, formats.rows(paths, table.columns))
    else:
        examination = Examination(key=wish.key, where=where)
        files = _store_table(parts, writer, _examined(rows, examination))
        table = examination.result()
    if parts.gather(gathered.roots) != gathered:
        raise Conflict("the files were changed while they were being committed", where=str(gathered.roots[0]))
    return files, table


def _store_frame(parts: Parts, writer: Writer, source: object, wish: Wish) -> tuple[list[DataFile], Table]:
    """Keep rows from memory or a stream."""
    if not frames.is_frame(source):
        raise BadInput(
            f"{type(source).__name__} cannot be committed",
            expected="a path, several paths, or rows with the Arrow interface (Polars, pandas, Arrow, DuckDB)",
        )
    if wish.table is False:
        raise BadInput("rows have no bytes of their own to keep", fix="Leave out table=False, or commit a file")
    examination = Examination(key=wish.key, where=wish.name)
    files = _store_table(parts, writer, _examined(frames.parts(source), examination))
    return files, examination.result()


def _store_reference(writer: Writer, reference: Reference, wish: Wish) -> tuple[list[DataFile], Table]:
    """Keep which version of which table is meant, and learn what its rows are like."""
    examination = Examination(key=wish.key, where=wish.name)
    for part in frames.parts(scan(reference)):
        examination.add(part)
    data = reference.to_bytes()
    return [DataFile(PATH, len(data), writer.content(data).hex())], examination.result()


def _examined(rows: Iterable[pl.DataFrame], examination: Examination) -> Iterator[pl.DataFrame]:
    for part in rows:
        examination.add(part)
        yield part


def _store_table(parts: Parts, writer: Writer, rows: Iterable[pl.DataFrame]) -> list[DataFile]:
    try:
        with parts.scratch.file() as (_, written):
            parquetfiles.write(written, rows)
            facts = written.stat()
            source = SourceFile(str(written), facts.st_size, facts.st_mtime_ns, facts.st_ino)
            (digest,) = writer.files([source])
            return [DataFile(TABLE_PATH, facts.st_size, digest.hex())]
    except OSError as error:
        raise unavailable(error, parts.scratch.folder) from error


def _files(gathered: Gathered, digests: Sequence[bytes]) -> list[DataFile]:
    return [
        DataFile(path, file.size_bytes, digest.hex())
        for (path, file), digest in zip(gathered.files, digests, strict=True)
    ]

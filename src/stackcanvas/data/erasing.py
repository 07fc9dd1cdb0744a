"""Erasing: rows about a person leave a version that stays under its number, with another content and another digest.

A version does not change otherwise. What was taken is recorded: the digest before and after, and how many rows; never
what they held. Whoever knows the version by its old digest, a lock file or a run, is led to what is left and told so.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from stackcanvas.data import formats, parquetfiles
from stackcanvas.data.clearing import Cleared, clear
from stackcanvas.data.examination import Examination
from stackcanvas.data.frames import parts as parts_of
from stackcanvas.data.lockfile import Locked, LockFile
from stackcanvas.data.manifest import (
    DELTA,
    TABLE,
    TABLE_PATH,
    DataFile,
    Manifest,
    digest_of,
    encode_listing,
    manifest_key,
)
from stackcanvas.data.parts import Parts, profile_key
from stackcanvas.data.read import rows_of, rows_of_files
from stackcanvas.data.store import SourceFile, Writer
from stackcanvas.data.tables import data_erasure, data_version
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, Conflict
from stackcanvas.late import late
from stackcanvas.metadata.tables import artifact
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")


@dataclass(frozen=True, slots=True)
class Person:
    """Whose rows are meant, and what becomes of them.

    Args:
        column: that tells whose a row is.
        values: of that column, as text; numbers as they are written.
        blank: columns to empty instead of removing the rows; none to remove them.
    """

    column: str
    values: frozenset[str]
    blank: tuple[str, ...] = ()

    def means(self, value: object) -> bool:
        """Whether a value of the column is one of theirs.

        Example:
            >>> person = Person("customer", frozenset({"17", "ada"}))
            >>> [person.means(value) for value in (17, 17.0, "ada", "Ada", None, True)]
            [True, True, True, False, False, False]
        """
        if value is None:
            return False
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return str(value) in self.values

    def rows(self, schema: pl.Schema) -> pl.Expr:
        """The same for rows of a table."""
        text = pl.col(self.column)
        if schema[self.column].is_float():
            whole = pl.col(self.column).cast(pl.Int64, strict=False)
            text = pl.when(whole == text).then(whole.cast(pl.String)).otherwise(text.cast(pl.String))
        else:
            text = text.cast(pl.String, strict=False)
        return text.is_in(sorted(self.values)).fill_null(value=False)


@dataclass(frozen=True, slots=True)
class Holding:
    """A version that holds rows of a person.

    Args:
        rows: how many.
    """

    version: DataVersion
    rows: int


class NotReached(BadInput):
    """The rows of a version cannot be changed here."""


def holding(parts: Parts, version: DataVersion, person: Person) -> Holding | None:
    """How many rows of a person a version has; None when none, or it is no table with the columns that are named.

    Raises:
        NotReached: it refers to rows that lie elsewhere.
    """
    if version.forgotten is not None or person.column not in version.columns:
        return None
    found = rows_of(parts, version)
    rows = int(found.select(person.rows(found.collect_schema()).sum()).collect().item() or 0)
    if rows and version.kind == DELTA:
        raise NotReached(f"{version.ref} refers to a Delta Lake table of its own", fix="Erase the rows there")
    blank = [name for name in person.blank if name in version.columns]
    if rows and person.blank:
        if not blank:
            return None
        filled = pl.any_horizontal(pl.col(name).is_not_null() for name in blank)
        mine = person.rows(found.collect_schema()) & filled
        rows = int(found.select(mine.sum()).collect().item() or 0)
    return Holding(version, rows) if rows else None


def erase(parts: Parts, found: Holding, person: Person, *, execution: str) -> DataVersion:
    """Make a new content under the number of a version, without the rows of a person or with their columns empty.

    Args:
        execution: the id of the work that this is a part of.

    Raises:
        Conflict: somebody erased from it meanwhile.
    """
    version = found.version
    manifest, profile = _rewritten(parts, version, person)
    told = manifest.to_bytes()
    digest = digest_of(told)
    parts.objects.put(profile_key(digest), profile.to_json().encode())
    parts.objects.put(manifest_key(digest), told)
    with parts.spine.write() as tx:
        _put(parts, tx, version, manifest, digest=digest)
        facts = {"before": version.digest, "digest": digest, "rows": found.rows, "blank": list(person.blank)}
        row = {"name": version.name, "number": version.number, "before": version.digest, "after": digest}
        now = parts.spine.clock.now()
        tx.execute(data_erasure.insert().values(**row, rows=found.rows, execution=execution, time=now))
        parts.spine.events.emit(tx, "data.erased", version.ref, facts)
        parts.spine.audit.add(tx, "data.erase", version.ref, facts)
    relock(parts)
    return parts.versions.get(version.ref)


def relock(parts: Parts) -> list[str]:
    """Let `data.lock` name versions as they are since their erasure; the data sets whose line was changed."""
    lock = LockFile(parts.root, parts.scratch)
    changed = []
    for name, line in lock.read().items():
        version = parts.versions.erased(name, line.digest)
        if version is not None:
            lock.note(name, Locked(version.number, version.digest))
            changed.append(name)
    return changed


def erased_by(parts: Parts) -> dict[str, set[str]]:
    """The refs of versions that were erased from, by the execution that did it."""
    found: dict[str, set[str]] = {}
    with parts.spine.read() as connection:
        for row in connection.execute(select(data_erasure)):
            found.setdefault(row.execution, set()).add(f"data:{row.name}@{row.number}")
    return found


def sweep(parts: Parts, *, patience: timedelta) -> Cleared:
    """Remove the bytes of what was erased at once: from packs, the caches on this disk, profiles and manifests."""
    with parts.spine.read() as connection:
        gone = set(connection.execute(select(data_erasure.c.before)).scalars())
        gone -= set(connection.execute(select(data_version.c.digest)).scalars())
    for digest in sorted(gone):
        parts.objects.delete(profile_key(digest))
        parts.objects.delete(manifest_key(digest))
    shutil.rmtree(parts.converted, ignore_errors=True)
    return clear(parts, dry=False, patience=patience, advance=lambda _: None, wholly=True)


def _put(parts: Parts, tx: Connection, version: DataVersion, manifest: Manifest, *, digest: str) -> None:
    this = (data_version.c.name == version.name) & (data_version.c.number == version.number)
    told = {name: getattr(manifest, name) for name in ("listing", "rows", "files", "size_bytes")}
    changed = update(data_version).where(this, data_version.c.digest == version.digest)
    done = tx.execute(changed.values(**told, digest=digest, key=list(manifest.key), erased=parts.spine.clock.now()))
    if not done.rowcount:
        raise Conflict(f"{version.ref} was changed by somebody else meanwhile", fix="Run the same command again")
    tx.execute(update(artifact).where(artifact.c.ref == str(version.ref)).values(digest=digest))


def _rewritten(parts: Parts, version: DataVersion, person: Person) -> tuple[Manifest, Profile]:
    parts.index.refresh()
    numeric = version.columns[person.column].startswith(("Int", "UInt", "Float"))
    with Writer(parts.objects, parts.index, advance=lambda _: None) as writer, parts.scratch.room() as room:
        if version.kind == TABLE:
            rows = rows_of(parts, version)
            files = [_table(writer, Path(room) / TABLE_PATH, TABLE_PATH, parts_of(_left(rows, person)))]
        else:
            files = [
                _file(parts, writer, Path(room) / str(number), one, person, numeric=numeric)
                for number, one in enumerate(parts.listing(version))
            ]
        listing = writer.content(encode_listing(files))
        writer.flush()
    # What was blanked may no longer tell rows apart.
    key = () if set(person.blank) & set(version.key) else version.key
    examination = Examination(key=key, where=str(version.ref))
    for part in parts_of(rows_of_files(parts, files, version.columns, kind=version.kind)):
        examination.add(part)
    table = examination.result()
    manifest = Manifest(
        kind=version.kind,
        listing=listing.hex(),
        files=len(files),
        size_bytes=sum(file.size_bytes for file in files),
        columns=tuple(version.columns.items()),
        rows=table.rows,
        key=key,
    )
    return manifest, table.profile


def _left(rows: pl.LazyFrame, person: Person) -> pl.LazyFrame:
    mine = person.rows(rows.collect_schema())
    if not person.blank:
        return rows.filter(~mine)
    blank = [name for name in person.blank if name in rows.collect_schema()]
    return rows.with_columns(pl.when(mine).then(None).otherwise(pl.col(name)).alias(name) for name in blank)


def _table(writer: Writer, written: Path, path: str, rows: Iterable[pl.DataFrame]) -> DataFile:
    parquetfiles.write(written, rows)
    return _stored(writer, written, path)


def _stored(writer: Writer, written: Path, path: str) -> DataFile:
    facts = written.stat()
    (digest,) = writer.files([SourceFile(str(written), facts.st_size, facts.st_mtime_ns, facts.st_ino)])
    return DataFile(path, facts.st_size, digest.hex())


def _file(parts: Parts, writer: Writer, written: Path, file: DataFile, person: Person, *, numeric: bool) -> DataFile:
    """A file of a version without the rows; the file itself where it has none of them."""
    (source,) = parts.whole.paths([file])
    delimiter = formats.delimiter_of(file.path)
    if delimiter is None:
        rows = pl.scan_parquet(source, glob=False, hive_partitioning=False)
        if not rows.select(person.rows(rows.collect_schema()).any()).collect().item():
            return file
        return _table(writer, written, file.path, parts_of(_left(rows, person)))
    with written.open("w", encoding="utf-8", newline="") as target:
        changed = 0
        for text, mine in _records(source, delimiter, person, numeric=numeric):
            changed += mine
            target.write(text)
    return _stored(writer, written, file.path) if changed else file


def _records(source: Path, delimiter: str, person: Person, *, numeric: bool) -> Iterator[tuple[str, bool]]:
    """The records of a CSV file as text, those of other people as they stand; and whether each was changed."""
    with source.open(encoding="utf-8", newline="") as file:
        records = _raw(file)
        head = next(records, "")
        names = next(csv.reader([head.removeprefix("\ufeff")], delimiter=delimiter), [])
        at = names.index(person.column)
        blank = [place for place, name in enumerate(names) if name in person.blank]
        yield head, False
        for record in records:
            fields = next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
            value: object = fields[at] if len(fields) > at else None
            if not person.means(_number(fields[at]) if numeric and value is not None else value):
                yield record, False
            elif person.blank:
                yield _blanked(record, fields, blank, delimiter), True
            else:
                yield "", True


def _raw(lines: Iterable[str]) -> Iterator[str]:
    """Records with their line ends; one goes on over several lines while a quote is open."""
    held = ""
    for line in lines:
        held += line
        if held.count('"') % 2 == 0:
            yield held
            held = ""
    if held:
        yield held


def _blanked(record: str, fields: Sequence[str], blank: Sequence[int], delimiter: str) -> str:
    end = record[len(record.rstrip("\r\n")) :]
    out = io.StringIO(newline="")
    kept = ["" if place in blank else value for place, value in enumerate(fields)]
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerow(kept)
    return out.getvalue()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

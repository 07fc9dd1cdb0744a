"""Erasing: rows about a person leave a version that stays under its number, with another content and another digest.

A version does not change otherwise. What was taken is recorded: the digest before and after, and how many rows; never
what they held. Whoever knows the version by its old digest, a lock file or a run, is led to what is left and told so.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select, update

from stackcanvas.data import parquetfiles
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
from stackcanvas.data.parts import Parts, profile_key, sealed
from stackcanvas.data.persons import Person, rewrite
from stackcanvas.data.read import rows_of, rows_of_files
from stackcanvas.data.store import SourceFile, Writer
from stackcanvas.data.tables import data_erasure, data_version
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, Conflict
from stackcanvas.metadata.tables import artifact
from stackcanvas.statistics import Profile


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
    rows = person.touched(found)
    if rows and version.kind == DELTA:
        raise NotReached(f"{version.ref} refers to a Delta Lake table of its own", fix="Erase the rows there")
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
    parts.objects.put(profile_key(digest), sealed(profile))
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


def digests_before(parts: Parts) -> dict[str, set[str]]:
    """The digests that versions had until they were erased from, by their refs: what was noted earlier names those."""
    found: dict[str, set[str]] = {}
    with parts.spine.read() as connection:
        for row in connection.execute(select(data_erasure)):
            found.setdefault(f"data:{row.name}@{row.number}", set()).add(row.before)
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
            written = Path(room) / TABLE_PATH
            parquetfiles.write(written, parts_of(person.left(rows_of(parts, version))))
            files = [_stored(writer, written, TABLE_PATH)]
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


def _stored(writer: Writer, written: Path, path: str) -> DataFile:
    facts = written.stat()
    (digest,) = writer.files([SourceFile(str(written), facts.st_size, facts.st_mtime_ns, facts.st_ino)])
    return DataFile(path, facts.st_size, digest.hex())


def _file(parts: Parts, writer: Writer, written: Path, file: DataFile, person: Person, *, numeric: bool) -> DataFile:
    """A file of a version without the rows; the file itself where it has none of them."""
    (source,) = parts.whole.paths([file])
    changed = rewrite(source, written, file.path, person, numeric=numeric)
    return _stored(writer, written, file.path) if changed else file

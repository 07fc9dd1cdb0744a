"""Commit: from files or rows to a new version.

Everything that a version is made of is durable in the object store before the database hears of it, in one transaction
with its record, lineage, event and audit entry. A commit killed at any moment is there as a whole or not at all; what
it has stored by then is used by the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from stackcanvas.data.clearing import LEASE
from stackcanvas.data.drafts import Draft, Wish, draft
from stackcanvas.data.expectations import Broken, ExpectationsBroken, check
from stackcanvas.data.lockfile import Locked, LockFile
from stackcanvas.data.manifest import Manifest, decode_listing, digest_of, manifest_key
from stackcanvas.data.parts import Parts, profile_key, sealed
from stackcanvas.data.places import Place
from stackcanvas.data.read import rows_of_files
from stackcanvas.data.sources import as_paths
from stackcanvas.data.tag import check_tag
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, Conflict, Corrupt, NotFound
from stackcanvas.metadata import Recording, Ref, current

_SHOWN = 20


def commit(parts: Parts, source: object, wish: Wish) -> DataVersion:
    """Make the source the newest version of the data set; see `Data.commit`."""
    ref = Ref("data", wish.name)
    _check(parts, wish)
    around = current()
    # Inside other work, such as a pipeline, that work's record pins the version; the lock file is for people's commits.
    lock = LockFile(parts.root, parts.scratch) if around is None else None
    if lock is not None:
        lock.read()  # one that could not be written afterwards is reported before anything is done
    paths = as_paths(source)
    shown = _shown(parts.root, paths or []) if wish.origin is None else [wish.origin]
    asked = {"message": wish.message, "source": shown, "table": wish.table, "key": list(wish.key)}
    with parts.spine.record("data.commit", subject=ref, parameters=asked) as recording:
        gathered = None if paths is None else parts.gather(paths)
        begun = parts.spine.clock.now()
        made = draft(parts, source, gathered, wish)
        if parts.spine.clock.now() - begun > LEASE:
            # Clearing up takes what began so long ago for dead, and may have removed what it counts on.
            raise Conflict(
                "the commit took too long to be sure of all it found", fix="Commit again: it goes on from here"
            )
        version = (parts.record or _record)(parts, made, wish, shown, recording)
    if around is not None:
        around.made(version.ref)
    if lock is not None:
        lock.note(version.name, Locked(version.number, version.digest))
    if gathered is not None and wish.origin is None and all(root.is_relative_to(parts.root) for root in gathered.roots):
        parts.places.note(Place(version.name, version.number, gathered.folder, gathered.roots))
    return version


def enter(parts: Parts, made: Draft, wish: Wish, source: Sequence[str]) -> DataVersion:
    """Record a draft that was made on another machine; see `Data.enter`."""
    _check(parts, wish)
    parts.index.refresh()
    _require_whole(parts, made.manifest)
    asked = {"message": wish.message, "source": list(source), "table": wish.table, "key": list(wish.key)}
    with parts.spine.record("data.commit", subject=Ref("data", wish.name), parameters=asked) as recording:
        return _record(parts, made, wish, source, recording)


def _require_whole(parts: Parts, manifest: Manifest) -> None:
    """Refuse a manifest that names contents which are not there, or says of them what is not so."""
    listing = bytes.fromhex(manifest.listing)
    (there,) = parts.reader.complete([listing])
    if not there:
        raise Corrupt("the listing of the version is not there", where=manifest.listing)
    data = parts.reader.whole(listing)
    files = decode_listing(data, where=manifest.listing)
    same = (manifest.files, manifest.size_bytes) == (len(files), sum(file.size_bytes for file in files))
    if digest_of(data) != manifest.listing or not same:
        raise Corrupt("the listing of the version is not what its manifest says", where=manifest.listing)
    whole = parts.reader.complete([bytes.fromhex(file.digest) for file in files])
    missing = next((file.path for file, there in zip(files, whole, strict=True) if not there), None)
    if missing is not None:
        raise Corrupt("a file of the version is not there", where=missing)


def changed_columns(before: DataVersion | None, now: dict[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """The columns that differ: name to (type before, type now), None where it was not or is not."""
    was = before.columns if before is not None else {}
    if not was or not now:
        return {}
    return {name: (was.get(name), now.get(name)) for name in {**was, **now} if was.get(name) != now.get(name)}


def _check(parts: Parts, wish: Wish) -> None:
    prefix = wish.name.split("/")[0]
    if prefix in parts.readers:
        raise BadInput(f"names that begin with {prefix}/ are kept by the stack itself", expected="another name")
    for tag in wish.tags:
        check_tag(tag)
    if len(set(wish.key)) < len(wish.key):
        raise BadInput("the key names a column twice", expected="different columns")


def _shown(root: Path, paths: Sequence[Path]) -> list[str]:
    """The paths as they are recorded: from the project's folder, and only so many as people read."""
    shown = []
    for path in paths[:_SHOWN]:
        absolute = path.absolute()
        shown.append(absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else absolute.as_posix())
    return shown if len(paths) <= _SHOWN else [*shown, f"and {len(paths) - _SHOWN} more"]


def _record(parts: Parts, made: Draft, wish: Wish, source: Sequence[str], recording: Recording) -> DataVersion:
    """Write the version, unless it is the latest already, with all that belongs to it in one transaction."""
    broken = _broken(parts, made, wish)
    manifest = made.manifest.to_bytes()
    digest = digest_of(manifest)
    if made.profile is not None:
        parts.objects.put(profile_key(digest), sealed(made.profile))
    if not _holds(parts, manifest_key(digest), manifest):
        parts.objects.put(manifest_key(digest), manifest)
    with parts.spine.write() as tx:
        latest = parts.versions.find(tx, Ref("data", wish.name))
        _require_newest(wish, 0 if latest is None else latest.number)
        if latest is not None and latest.digest == digest:
            version = replace(latest, existed=True)
        else:
            columns = dict(made.manifest.columns)
            row = {
                "digest": digest,
                "columns": columns,
                "changed_columns": changed_columns(latest, columns),
                "new_bytes": made.new_bytes,
                "message": wish.message,
                "source": list(source),
                "execution": recording.id,
                "origin": recording.id,
                "broken": [one.sentence() for one in broken],
                **({} if wish.created is None else {"created": wish.created}),
            }
            version = parts.versions.add(tx, wish.name, made.manifest, row)
            _announce(parts, tx, version, "data.committed" if wish.created is None else "data.imported")
        for tag in wish.tags:
            parts.versions.tag(tx, version, tag)
        recording.made(version.ref)
        recording.finish(tx)
    return replace(version, tags=tuple(sorted({*version.tags, *wish.tags})))


def _require_newest(wish: Wish, newest: int) -> None:
    if wish.after is not None and wish.after != newest:
        raise Conflict(
            f"{wish.name}@{newest} was committed meanwhile",
            expected=f"{wish.name}@{wish.after} as the newest version" if wish.after else "no version yet",
            fix="Read the newest version, and commit what comes of that",
        )


def _broken(parts: Parts, made: Draft, wish: Wish) -> list[Broken]:
    """What the contents do not meet of what is expected of them.

    Raises:
        BadInput: rows are expected, and the files are no table.
        ExpectationsBroken: they do not meet it, and such a version is to be refused.
    """
    if wish.expected is None:
        return []
    if not made.manifest.columns:
        raise BadInput(
            f"{wish.name} is expected to be a table, and its files are none",
            expected="CSV or Parquet files with the same columns, or rows",
        )
    listing = parts.reader.whole(bytes.fromhex(made.manifest.listing))
    rows = rows_of_files(
        parts, decode_listing(listing, where=wish.name), dict(made.manifest.columns), kind=made.manifest.kind
    )
    broken = check(rows, wish.expected, now=parts.spine.clock.now())
    if broken and wish.expected.broken == "refuse":
        raise ExpectationsBroken(wish.name, broken)
    return broken


def _holds(parts: Parts, key: str, data: bytes) -> bool:
    try:
        return parts.objects.get(key) == data
    except NotFound:
        return False


def _announce(parts: Parts, tx: Connection, version: DataVersion, event: str) -> None:
    facts = {"rows": version.rows, "files": version.files, "size_bytes": version.size_bytes}
    changed = {name: list(kinds) for name, kinds in version.changed_columns.items()}
    said = {"digest": version.digest, **facts, "changed_columns": changed, "broken": len(version.broken)}
    parts.spine.artifacts.add(tx, version.ref, digest=version.digest, execution=version.execution, facts=facts)
    parts.spine.events.emit(tx, event, version.ref, said)
    parts.spine.audit.add(tx, "data.commit", version.ref, {"digest": version.digest, "message": version.message})

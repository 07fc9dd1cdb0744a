"""Restore: the versions that `data.lock` names, back where they lay; what follows a `git checkout` or a `git clone`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stackcanvas.data.checkout import Checkout, checkout
from stackcanvas.data.lockfile import Locked, LockFile
from stackcanvas.data.manifest import FILES
from stackcanvas.data.parts import Parts
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import NotFound
from stackcanvas.metadata import Ref


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one line of `data.lock`.

    Args:
        done: None when nothing was brought, for the reason in `said`.
    """

    name: str
    version: Ref
    done: Checkout | None
    said: str = ""


def restore(parts: Parts, names: Sequence[str], *, link: bool, force: bool) -> list[Restored]:
    """Check out what the lock file names; see `Data.restore`."""
    lines = LockFile(parts.root, parts.scratch).read()
    for name in names:
        if name not in lines:
            raise NotFound("line of data.lock", name, known=lines)
    chosen = {name: locked for name, locked in lines.items() if not names or name in names}
    versions = {name: _version(parts, name, locked) for name, locked in chosen.items()}
    missing = [f"{name} {chosen[name].digest[:12]}" for name, version in versions.items() if version is None]
    if missing:
        raise NotFound(
            "version here that data.lock names:",
            ", ".join(missing),
            fix="Bring it from the remote: stackcanvas data pull --locked",
        )
    return [_one(parts, version, link=link, force=force) for version in versions.values() if version is not None]


def _version(parts: Parts, name: str, locked: Locked) -> DataVersion | None:
    """The version with the content of the line; numbers differ from one database to another."""
    try:
        version = parts.versions.get(Ref("data", name, str(locked.number)))
    except NotFound:
        version = None
    if version is not None and version.digest == locked.digest:
        return version
    # Rows of persons may have been erased since the line was written: what is left is brought.
    return parts.versions.by_digest(name, locked.digest) or parts.versions.erased(name, locked.digest)


def _one(parts: Parts, version: DataVersion, *, link: bool, force: bool) -> Restored:
    if version.kind != FILES:
        return Restored(version.name, version.ref, None, "it keeps rows, not files; read it by its name")
    folder = home(parts, version)
    if folder is None:
        said = f"it was committed from elsewhere; name a folder: stackcanvas data checkout {version.name} FOLDER"
        return Restored(version.name, version.ref, None, said)
    said = ""
    if version.erased is not None:
        said = f"rows of it were erased on {version.erased:%Y-%m-%d}"
    return Restored(version.name, version.ref, checkout(parts, version.ref, folder, link=link, force=force), said)


def home(parts: Parts, version: DataVersion) -> Path | None:
    """The folder that the paths of a version start from: where it lies, or was committed; None outside the project."""
    place = parts.places.get(version.name)
    if place is not None:
        return place.folder
    sources = [Path(source) for source in version.source if not source.startswith("and ")]
    if not sources or any("://" in source for source in version.source):
        return None
    if any(source.is_absolute() or ".." in source.parts for source in sources):
        return None
    paths = [file.path for file in parts.listing(version)]
    alone = len(sources) == 1 and paths != [sources[0].name]
    folder = sources[0] if alone else Path(os.path.commonpath([source.parent for source in sources] or [Path()]))
    return parts.root / folder

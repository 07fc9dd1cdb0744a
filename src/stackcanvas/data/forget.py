"""Forget: give up the content of versions that nothing needs any more. Their records stay."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from stackcanvas.data.lockfile import LockFile
from stackcanvas.data.parts import Parts
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, Conflict
from stackcanvas.metadata import Ref
from stackcanvas.metadata.tables import execution, link

_SHOWN = 3


def forget(parts: Parts, refs: Sequence[Ref]) -> list[DataVersion]:
    """Give up versions that are named; see `Data.forget`."""
    versions = []
    for ref in refs:
        if ref.selector is None:
            raise BadInput(f"which versions of {ref.name} are to be given up?", expected=f"such as {ref.name}@3")
        version = parts.versions.get(ref)
        needed = needs(parts, version)
        if needed:
            raise Conflict(f"{version.ref} is needed: {needed}", fix="Keep it, or take away what needs it")
        versions.append(version)
    return _forget(parts, versions)


def forget_old(parts: Parts, keep: int) -> list[DataVersion]:
    """Give up all but the newest versions of each data set, and those that something needs."""
    if keep < 1:
        raise BadInput(f"{keep} versions cannot be kept", expected="1 or more")
    old = [version for latest in parts.versions.latest() for version in parts.versions.log(latest.name)[keep:]]
    return _forget(parts, [version for version in old if version.forgotten is None and not needs(parts, version)])


def give_up(parts: Parts, versions: Sequence[DataVersion]) -> list[DataVersion]:
    """Give up versions of which somebody has made sure that nothing but the standing reasons could keep them."""
    return _forget(parts, [version for version in versions if not standing(parts, version)])


def needs(parts: Parts, version: DataVersion) -> str:
    """What needs a version, in words; empty when nothing does."""
    said = standing(parts, version)
    if said:
        return said
    with parts.spine.read() as connection:
        users = _users(connection, version.ref)
    return f"it was read by {', '.join(users)}" if users else ""


def standing(parts: Parts, version: DataVersion) -> str:
    """Why a version is kept whoever read it, in words; empty when it need not be."""
    if parts.versions.get(Ref("data", version.name)).number == version.number:
        return "it is the newest"
    if version.tags:
        return f"it has the tag {version.tags[0]}"
    locked = LockFile(parts.root, parts.scratch).read().get(version.name)
    if locked is not None and locked.digest == version.digest:
        return "data.lock names it"
    return ""


def _users(connection: Connection, ref: Ref) -> list[str]:
    """Work that read a version: runs, training, predictions; looking at data does not need them later."""
    both = link.join(execution, link.c.execution == execution.c.id)
    chosen = (
        select(execution.c.kind, execution.c.id)
        .select_from(both)
        .where(link.c.ref == str(ref), link.c.direction == "used", execution.c.kind.not_like("data.%"))
    )
    return [f"{row.kind} {row.id[:12]}" for row in connection.execute(chosen.limit(_SHOWN))]


def _forget(parts: Parts, versions: Sequence[DataVersion]) -> list[DataVersion]:
    with parts.spine.write() as tx:
        for version in versions:
            if version.forgotten is None:
                parts.versions.forget(tx, version)
                parts.spine.audit.add(tx, "data.forget", version.ref, {"digest": version.digest})
    return [parts.versions.get(version.ref) for version in versions]

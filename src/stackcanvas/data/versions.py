"""The versions of all data sets, as the database keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select, update

from stackcanvas.data.manifest import Manifest
from stackcanvas.data.tables import data_erasure, data_tag, data_version
from stackcanvas.errors import Conflict, NotFound
from stackcanvas.metadata import Ref, Spine
from stackcanvas.statistics import Profile


@dataclass(frozen=True, slots=True)
class DataVersion:
    """A version of a data set; it never changes.

    Args:
        number: 1, 2, ... in this database.
        digest: identity: equal content and schema have the equal digest in every database.
        kind: `files` when bytes were given and are kept, `table` when rows were given, `delta` for a reference.
        rows: None when the files are no table.
        new_bytes: what the store grew by.
        columns: name to type, as Polars writes it; empty when the files are no table.
        key: the columns that identify a row.
        changed_columns: what differs from the version before: name to (type before, type now), None where it was not
            or is not.
        source: the first of the paths that were committed; empty for rows.
        execution: the id of the execution that made it, or brought it here.
        origin: the id of the execution that made it where it was committed; the same in every workspace.
        broken: what it does not meet of what was expected of it, where it was kept all the same.
        forgotten: when its content was given up; None while it is kept.
        erased: when rows of persons were last erased from it; its digest is another since. None when never.
        existed: on the answer of a commit only: the latest version was equal, no new one was made.
    """

    name: str
    number: int
    digest: str
    created: datetime
    message: str
    kind: str
    rows: int | None
    files: int
    size_bytes: int
    new_bytes: int
    columns: dict[str, str]
    key: tuple[str, ...]
    changed_columns: dict[str, tuple[str | None, str | None]]
    tags: tuple[str, ...]
    source: tuple[str, ...]
    execution: str
    origin: str
    broken: tuple[str, ...]
    forgotten: datetime | None
    listing: str
    erased: datetime | None = None
    existed: bool = field(default=False, compare=False)
    load_profile: Callable[[], Profile | None] = field(default=lambda: None, compare=False, repr=False)

    @property
    def ref(self) -> Ref:
        """The pinned ref, such as `data:flights@3`."""
        return Ref("data", self.name, str(self.number))

    @property
    def profile(self) -> Profile | None:
        """What the values are like, column by column; None when the files are no table."""
        return self.load_profile() if self.columns else None

    def to_dict(self) -> dict[str, object]:
        """The version as JSON holds it, without its profile."""
        return {"ref": str(self.ref), **{name: getattr(self, name) for name in _SHOWN}}


_SHOWN = (
    *("name", "number", "digest", "created", "message", "kind", "rows", "files", "size_bytes", "new_bytes", "columns"),
    *("key", "changed_columns", "tags", "source", "execution", "origin", "broken", "forgotten", "erased", "existed"),
)


class Versions:
    """Finds and adds versions and tags.

    Args:
        load_profile: gives the profile of a version's digest.
    """

    def __init__(self, spine: Spine, *, load_profile: Callable[[str], Callable[[], Profile | None]]) -> None:
        self._spine = spine
        self._load_profile = load_profile

    def get(self, ref: Ref) -> DataVersion:
        """The version that a ref names: by number, by tag, or the latest.

        Raises:
            NotFound: there is no such data set, version or tag.
        """
        with self._spine.read() as connection:
            found = self.find(connection, ref)
            if found is not None:
                return found
            names = list(connection.execute(select(data_version.c.name).distinct()).scalars())
            if ref.name not in names:
                raise NotFound("data set", ref.name, known=names, fix=None if names else "Commit one first")
            tags = list(connection.execute(select(data_tag.c.tag).where(data_tag.c.name == ref.name)).scalars())
            last = self._last(connection, ref.name)
        raise NotFound("version", f"{ref.name}@{ref.selector}", known=[f"{ref.name}@{tag}" for tag in [*tags, last]])

    def find(self, connection: Connection, ref: Ref) -> DataVersion | None:
        """The version that a ref names, None when there is none."""
        chosen = select(data_version).where(data_version.c.name == ref.name)
        if ref.selector in {None, "latest"}:
            chosen = chosen.order_by(data_version.c.number.desc()).limit(1)
        elif ref.number is not None:
            chosen = chosen.where(data_version.c.number == ref.number)
        else:
            tagged = select(data_tag.c.number).where(data_tag.c.name == ref.name, data_tag.c.tag == ref.selector)
            chosen = chosen.where(data_version.c.number == tagged.scalar_subquery())
        return next(iter(self._read(connection, chosen)), None)

    def log(self, name: str) -> list[DataVersion]:
        """Every version of a data set, newest first.

        Raises:
            NotFound: there is no such data set.
        """
        chosen = select(data_version).where(data_version.c.name == name).order_by(data_version.c.number.desc())
        with self._spine.read() as connection:
            found = self._read(connection, chosen)
        return found or [self.get(Ref("data", name))]

    def latest(self) -> list[DataVersion]:
        """The latest version of each data set, sorted by name."""
        newest = select(data_version.c.name, func.max(data_version.c.number).label("number"))
        last = newest.group_by(data_version.c.name).subquery()
        both = (data_version.c.name == last.c.name) & (data_version.c.number == last.c.number)
        with self._spine.read() as connection:
            return self._read(connection, select(data_version).join(last, both).order_by(data_version.c.name))

    def every(self) -> list[DataVersion]:
        """Every version of every data set."""
        with self._spine.read() as connection:
            return self._read(connection, select(data_version).order_by(data_version.c.name, data_version.c.number))

    def add(
        self, tx: Connection, name: str, manifest: Manifest, facts: Mapping[str, object], *, wanted: int | None = None
    ) -> DataVersion:
        """Add a version under the next number, inside the caller's transaction.

        Args:
            facts: the columns that the manifest does not tell.
            wanted: the number to take where it is free.
        """
        taken = wanted is None or self.find(tx, Ref("data", name, str(wanted))) is not None
        number = self._last(tx, name) + 1 if taken else wanted
        told = {field: getattr(manifest, field) for field in ("listing", "kind", "rows", "files", "size_bytes")}
        row = {"name": name, "number": number, "created": self._spine.clock.now(), "key": list(manifest.key)}
        tx.execute(data_version.insert().values({**row, **told, **facts}))
        found = self.find(tx, Ref("data", name, str(number)))
        assert found is not None
        return found

    def origins(self, connection: Connection, name: str) -> dict[str, int]:
        """The versions of a data set by where they come from: origin to number."""
        chosen = select(data_version.c.origin, data_version.c.number).where(data_version.c.name == name)
        return {row.origin: row.number for row in connection.execute(chosen)}

    def by_digest(self, name: str, digest: str) -> DataVersion | None:
        """The newest version of a data set with this content, None when there is none."""
        chosen = select(data_version).where(data_version.c.name == name, data_version.c.digest == digest)
        with self._spine.read() as connection:
            found = self._read(connection, chosen.order_by(data_version.c.number.desc()).limit(1))
        return next(iter(found), None)

    def erased(self, name: str, digest: str) -> DataVersion | None:
        """The version that had a digest before rows were erased from it, as it is now; None when there is none."""
        chosen = select(data_erasure.c.number).where(data_erasure.c.name == name, data_erasure.c.before == digest)
        with self._spine.read() as connection:
            number = connection.execute(chosen.order_by(data_erasure.c.time.desc()).limit(1)).scalar_one_or_none()
            return None if number is None else self.find(connection, Ref("data", name, str(number)))

    def forget(self, tx: Connection, version: DataVersion) -> None:
        """Note that the content of a version is given up, inside the caller's transaction."""
        this = (data_version.c.name == version.name) & (data_version.c.number == version.number)
        tx.execute(update(data_version).where(this).values(forgotten=self._spine.clock.now()))

    def tag(self, tx: Connection, version: DataVersion, tag: str, *, move: bool = False) -> None:
        """Give a version a tag, inside the caller's transaction.

        Raises:
            Conflict: another version has it, and it is not to be moved.
        """
        held = select(data_tag.c.number).where(data_tag.c.name == version.name, data_tag.c.tag == tag)
        number = tx.execute(held).scalar_one_or_none()
        if number not in {None, version.number} and not move:
            raise Conflict(
                f"the tag {tag!r} stands for {version.name}@{number}", fix="Choose another, or move it with --move"
            )
        new = self._spine.database.insert(data_tag).values(
            name=version.name, tag=tag, number=version.number, created=self._spine.clock.now()
        )
        moved = {"number": new.excluded.number, "created": new.excluded.created}
        tx.execute(new.on_conflict_do_update(index_elements=[data_tag.c.name, data_tag.c.tag], set_=moved))

    def _last(self, connection: Connection, name: str) -> int:
        highest = select(func.max(data_version.c.number)).where(data_version.c.name == name)
        return int(connection.execute(highest).scalar_one() or 0)

    def _read(self, connection: Connection, chosen: Select[Any]) -> list[DataVersion]:
        rows = connection.execute(chosen).mappings().all()
        tags = self._tags(connection, sorted({row["name"] for row in rows}))
        return [self._version(row, tags.get((row["name"], row["number"]), [])) for row in rows]

    @staticmethod
    def _tags(connection: Connection, names: Sequence[str]) -> dict[tuple[str, int], list[str]]:
        chosen = select(data_tag).order_by(data_tag.c.tag)
        found: dict[tuple[str, int], list[str]] = {}
        for row in connection.execute(chosen.where(data_tag.c.name == names[0]) if len(names) == 1 else chosen):
            found.setdefault((row.name, row.number), []).append(row.tag)
        return found

    def _version(self, row: RowMapping, tags: Sequence[str]) -> DataVersion:
        changed = {name: (before, now) for name, (before, now) in row["changed_columns"].items()}
        lists = {name: tuple(row[name]) for name in ("key", "source", "broken")}
        return DataVersion(
            **{**row, **lists, "columns": dict(row["columns"]), "changed_columns": changed},
            tags=tuple(tags),
            load_profile=self._load_profile(row["digest"]),
        )

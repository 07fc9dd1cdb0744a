"""Registered models: the names under which versions are kept, with description and tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, update

from stackcanvas.backends.database import Ready
from stackcanvas.errors import Conflict, NotFound
from stackcanvas.metadata import Ref, Spine
from stackcanvas.metadata.tables import counter
from stackcanvas.registry.tables import (
    model,
    model_alias,
    model_consent,
    model_signature,
    model_tag,
    model_version,
    model_version_tag,
)
from stackcanvas.registry.versions import ModelVersion, Versions

# Made once: putting a statement together takes longer than executing it.
_LAST = Ready(select(model.c.last_number, model.c.last_version).where(model.c.name == bindparam("which")), ("which",))
_ADVANCE = Ready(
    update(model)
    .where(model.c.name == bindparam("which"))
    .values(last_number=bindparam("number"), last_version=bindparam("version"), updated=bindparam("now")),
    ("which", "number", "version", "now"),
)
_OF_VERSIONS = (model_version, model_version_tag, model_alias, model_consent, model_signature)


class Last(NamedTuple):
    """The last numbers that a model has given."""

    number: int
    version: str | None


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model with its versions, in short.

    Args:
        versions: how many there are.
        latest: the newest version; None while there is none.
        aliases: alias -> number of the version.
        updated: when something was last said of it or a version was added.
    """

    name: str
    versions: int
    latest: ModelVersion | None
    aliases: Mapping[str, int]
    description: str | None
    tags: Mapping[str, str]
    created: datetime
    updated: datetime

    @property
    def ref(self) -> Ref:
        """Without a selector."""
        return Ref("model", self.name)


class Catalog:
    """Reads and writes the rows of registered models; every change takes the open write connection."""

    def __init__(self, spine: Spine, versions: Versions) -> None:
        self._spine = spine
        self._versions = versions

    def add(
        self, tx: Connection, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> None:
        """Write a model without versions.

        Raises:
            Conflict: there is one of that name.
        """
        if not self.ensure(tx, name, description=description):
            raise Conflict(f"there is a model {name!r} already")
        if tags:
            tx.execute(model_tag.insert(), [{"name": name, "key": key, "value": tags[key]} for key in tags])

    def ensure(self, tx: Connection, name: str, *, description: str | None = None) -> bool:
        """Have a model of that name; whether it is new. Numbers that an earlier one gave are not given again."""
        if self.last(tx, name) is not None:
            return False
        before = select(counter.c.value).where(counter.c.name == _counter(name))
        last = tx.execute(before).scalar_one_or_none() or 0
        now = self._spine.clock.now()
        facts = {"name": name, "description": description, "created": now, "updated": now}
        tx.execute(model.insert(), {**facts, "last_number": last, "last_version": None})
        return True

    def last(self, connection: Connection, name: str) -> Last | None:
        """The last numbers of a model, None when there is none of that name."""
        found = _LAST.first(connection, {"which": name})
        return None if found is None else Last(*found)

    def require(self, connection: Connection, name: str) -> Last:
        """The last numbers of a model.

        Raises:
            NotFound: there is none of that name.
        """
        last = self.last(connection, name)
        if last is None:
            known = connection.execute(select(model.c.name).order_by(model.c.name).limit(1000)).scalars().all()
            raise NotFound("model", name, known=known, fix="`stackcanvas models ls` lists them")
        return last

    def advance(self, tx: Connection, name: str, *, number: int, version: str, now: datetime) -> None:
        """Remember the last numbers."""
        _ADVANCE.run(tx, [{"which": name, "number": number, "version": version, "now": now}])

    def touch(self, tx: Connection, name: str, **values: object) -> None:
        """Change facts of a model.

        Raises:
            NotFound: there is none.
        """
        changed = update(model).where(model.c.name == name).values(updated=self._spine.clock.now(), **values)
        if not tx.execute(changed).rowcount:
            self.require(tx, name)

    def find(self, connection: Connection, names: list[str] | None = None) -> list[RegisteredModel]:
        """Models by name: all, or these in this order."""
        chosen = select(model).order_by(model.c.name)
        counted = select(model_version.c.name, func.count(), func.max(model_version.c.number))
        tagged = select(model_tag).order_by(model_tag.c.key)
        aliased = select(model_alias).order_by(model_alias.c.alias)
        if names is not None:
            chosen, counted = chosen.where(model.c.name.in_(names)), counted.where(model_version.c.name.in_(names))
            tagged, aliased = tagged.where(model_tag.c.name.in_(names)), aliased.where(model_alias.c.name.in_(names))
        rows = {row["name"]: row for row in connection.execute(chosen).mappings()}
        counts = {name: count for name, count, _ in connection.execute(counted.group_by(model_version.c.name))}
        newest = counted.group_by(model_version.c.name).subquery()
        lasts = select(model_version).join(
            newest, (newest.c.name == model_version.c.name) & (newest.c[2] == model_version.c.number)
        )
        latest = {one.name: one for one in self._versions.full(connection, connection.execute(lasts).mappings())}
        tags: dict[str, dict[str, str]] = {}
        for tag in connection.execute(tagged):
            tags.setdefault(tag.name, {})[tag.key] = tag.value
        aliases: dict[str, dict[str, int]] = {}
        for alias in connection.execute(aliased):
            aliases.setdefault(alias.name, {})[alias.alias] = alias.number
        return [
            RegisteredModel(
                name=name,
                versions=counts.get(name, 0),
                latest=latest.get(name),
                aliases=aliases.get(name, {}),
                description=rows[name]["description"],
                tags=tags.get(name, {}),
                created=rows[name]["created"],
                updated=rows[name]["updated"],
            )
            for name in (rows if names is None else names)
            if name in rows
        ]

    def rename(self, tx: Connection, name: str, new: str) -> None:
        """Give a model and all its versions another name.

        Raises:
            NotFound: there is no such model.
            Conflict: there is one of the new name.
        """
        before = self.require(tx, name)
        if self.last(tx, new) is not None:
            raise Conflict(f"there is a model {new!r} already")
        now = self._spine.clock.now()
        taken = tx.execute(select(counter.c.value).where(counter.c.name == _counter(new))).scalar_one_or_none() or 0
        last = max(before.number, int(taken))
        tx.execute(update(model).where(model.c.name == name).values(name=new, updated=now, last_number=last))
        for table in (model_tag, *_OF_VERSIONS):
            tx.execute(update(table).where(table.c.name == name).values(name=new))
        tx.execute(update(model_version).where(model_version.c.name == new).values(updated=now))

    def keep_number(self, tx: Connection, name: str) -> None:
        """Let a later model of this name go on counting where this one ends: its refs stand in the lineage."""
        values = {"value": self.require(tx, name).number}
        new = self._spine.database.insert(counter).values(name=_counter(name), **values)
        tx.execute(new.on_conflict_do_update(index_elements=[counter.c.name], set_=values))

    def drop(self, tx: Connection, name: str) -> None:
        """Take a model away with its versions and all that was said of them."""
        for table in (model, model_tag, *_OF_VERSIONS):
            tx.execute(delete(table).where(table.c.name == name))

    def drop_version(self, tx: Connection, name: str, number: int) -> None:
        """Take one version away with all that was said of it."""
        for table in _OF_VERSIONS:
            tx.execute(delete(table).where(table.c.name == name, table.c.number == number))


def _counter(name: str) -> str:
    return f"model:{name}"

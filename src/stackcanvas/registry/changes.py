"""What may change about models and versions once they are there: names, words, tags, stages; and their end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update

from stackcanvas.errors import BadInput, NotFound, Refused
from stackcanvas.metadata import Ref, Spine
from stackcanvas.metadata.tables import artifact
from stackcanvas.registry.agreements import Agreements
from stackcanvas.registry.catalog import Catalog, RegisteredModel
from stackcanvas.registry.consents import DELETE
from stackcanvas.registry.removing import DELETED
from stackcanvas.registry.stages import ACTIVE, ARCHIVED, stage_named
from stackcanvas.registry.tables import model_tag, model_version, model_version_tag
from stackcanvas.registry.versions import ModelVersion, Versions, check_alias

CHAMPION = "champion"

Uses = Callable[[Ref], Sequence[str]]
"""What answers with a version or stands in for one, a sentence each."""


def no_uses(ref: Ref) -> Sequence[str]:  # noqa: ARG001 - the shape of `Uses`
    """Nothing is deployed."""
    return ()


class Changes:
    """Every change is one transaction with its entry in the audit log."""

    def __init__(
        self,
        spine: Spine,
        catalog: Catalog,
        versions: Versions,
        *,
        consents: Agreements,
        uses: Uses,
    ) -> None:
        self._spine = spine
        self._catalog = catalog
        self._versions = versions
        self._consents = consents
        self._uses = uses
        self._set_tag = {table: self._upsert(table) for table in (model_tag, model_version_tag)}

    def create(
        self, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        """Register a name, without a version.

        Raises:
            Conflict: there is a model of that name.
        """
        ref = Ref("model", name)
        with self._spine.write() as tx:
            self._catalog.add(tx, name, description=description, tags=tags)
            self._spine.audit.add(tx, "model.created", ref)
            return self._catalog.find(tx, [name])[0]

    def describe(self, ref: Ref, text: str | None) -> None:
        """Say what a model, or a version of it, is.

        Raises:
            NotFound: it does not exist.
        """
        with self._spine.write() as tx:
            if ref.selector is None:
                self._catalog.touch(tx, ref.name, description=text)
            else:
                found = self._versions.get(tx, ref)
                self._touch(tx, found.name, found.number, message=text)

    def tag(self, ref: Ref, key: str, value: str) -> None:
        """Put a tag on a model, or on a version of it, in place of one with that key.

        Raises:
            NotFound: it does not exist.
        """
        with self._spine.write() as tx:
            if ref.selector is None:
                self._catalog.require(tx, ref.name)
                tx.execute(self._set_tag[model_tag], {"name": ref.name, "key": key, "value": value})
            else:
                number = self._number(tx, ref)
                facts = {"name": ref.name, "number": number, "key": key, "value": value}
                tx.execute(self._set_tag[model_version_tag], facts)

    def untag(self, ref: Ref, key: str) -> bool:
        """Take a tag away; whether there was one.

        Raises:
            NotFound: the model or the version does not exist.
        """
        with self._spine.write() as tx:
            if ref.selector is None:
                self._catalog.require(tx, ref.name)
                gone = delete(model_tag).where(model_tag.c.name == ref.name, model_tag.c.key == key)
            else:
                number = self._number(tx, ref)
                table = model_version_tag
                gone = delete(table).where(table.c.name == ref.name, table.c.number == number, table.c.key == key)
            return tx.execute(gone).rowcount > 0

    def alias(self, ref: Ref, alias: str) -> ModelVersion:
        """Let an alias name a version, whatever it named before."""
        with self._spine.write() as tx:
            number = self.point(tx, ref, alias)
            return self._versions.get(tx, ref.at(number))

    def point(self, tx: Connection, ref: Ref, alias: str) -> int:
        """Let an alias name a version inside the caller's transaction; gives the number.

        Raises:
            NotFound: the version does not exist.
            BadInput: the alias would be read as a number or a version number.
        """
        check_alias(alias)
        number = self._number(tx, ref)
        self._versions.set_alias(tx, ref.name, alias, number)
        self._spine.audit.add(tx, "model.alias", ref.at(number), {"alias": alias})
        return number

    def set_alias(self, ref: Ref, alias: str) -> None:
        """As `alias`, for callers who do not look at the version."""
        with self._spine.write() as tx:
            self.point(tx, ref, alias)

    def unalias(self, name: str, alias: str) -> None:
        """Take an alias away.

        Raises:
            NotFound: the model has no such alias.
        """
        with self._spine.write() as tx:
            if not self._versions.drop_alias(tx, name, alias):
                self._catalog.require(tx, name)
                raise NotFound(f"alias of the model {name}", alias, known=self._versions.aliases(tx, name))
            self._spine.audit.add(tx, "model.unalias", Ref("model", name), {"alias": alias})

    def move(self, ref: Ref, stage: str, *, archive_others: bool = False) -> ModelVersion:
        """Bring a version to a stage.

        Args:
            archive_others: bring those that are in the stage to `Archived`.

        Raises:
            BadInput: there is no such stage, or nothing is archived for it.
        """
        wanted = stage_named(stage)
        if archive_others and wanted not in ACTIVE:
            raise BadInput(
                f"Model version transition cannot archive existing model versions because '{stage}' is not an Active "
                "stage",
                expected=" or ".join(ACTIVE),
            )
        now = self._spine.clock.now()
        with self._spine.write() as tx:
            number = self._number(tx, ref)
            if archive_others:
                table = model_version
                others = update(table).where(
                    table.c.name == ref.name, table.c.stage == wanted, table.c.number != number
                )
                tx.execute(others.values(stage=ARCHIVED, updated=now))
            self._touch(tx, ref.name, number, stage=wanted, updated=now)
            self._catalog.touch(tx, ref.name)
            self._spine.audit.add(tx, "model.stage", ref.at(number), {"stage": wanted})
            return self._versions.get(tx, ref.at(number))

    def rename(self, name: str, new: str) -> RegisteredModel:
        """Give a model another name; its versions keep their numbers, and lineage leads from the new to the old refs.

        Raises:
            NotFound: there is no such model.
            Conflict: there is one of the new name.
            Refused: a version of it is in use under its name.
        """
        target = Ref("model", new)
        with self._spine.record("registry.rename", subject=Ref("model", name), parameters={"to": new}) as recording:
            self._refuse(self._broken(name), f"{name} is not renamed")
            with self._spine.write() as tx:
                held = self._held(tx, name)
                if held:
                    self._catalog.keep_number(tx, name)
                self._catalog.rename(tx, name, new)
                for number, digest in held:
                    recording.used(Ref("model", name, str(number)))
                    recording.made(target.at(number))
                    self._spine.artifacts.add(
                        tx, target.at(number), digest=digest, execution=recording.id, facts={"renamed": name}
                    )
                self._spine.audit.add(tx, "model.renamed", target, {"from": name})
                recording.finish(tx)
                return self._catalog.find(tx, [new])[0]

    def breaks(self, ref: Ref) -> list[str]:
        """What would break without a version, a sentence each.

        Raises:
            NotFound: there is no such version.
        """
        with self._spine.read() as connection:
            return self._breaks(self._versions.get(connection, ref))

    def delete(self, ref: Ref, *, force: bool = False) -> list[str]:
        """Delete a version, or the model that a name alone means; the model with versions by force only."""
        if ref.selector is None:
            return self._delete_all(ref.name, force=force)
        with self._spine.read() as connection:
            found = self._versions.get(connection, ref)
        broken = self._breaks(found)
        if not force:
            self._refuse(broken, f"{found.ref} is not deleted")
        with self._spine.write() as tx:
            self._require_consent(tx, [found])
            self._number(tx, found.ref)
            self._catalog.drop_version(tx, found.name, found.number)
            self._catalog.touch(tx, found.name)
            self._ended(tx, found.ref, found.digest, broken, [found])
        return broken

    def delete_model(self, name: str, *, force: bool = False) -> list[str]:
        """Delete a model with all its versions.

        Returns:
            What it breaks, a sentence each.

        Raises:
            NotFound: there is no such model.
            Refused: something would break, or people must agree first.
        """
        with self._spine.read() as connection:
            self._catalog.require(connection, name)
            found = self._versions.find(connection, name)
        broken = [said for version in found for said in self._breaks(version)]
        if not force:
            self._refuse(broken, f"{name} is not deleted")
        with self._spine.write() as tx:
            self._require_consent(tx, found)
            if any(version.is_held for version in found) or self._had_held(tx, name):
                self._catalog.keep_number(tx, name)
            self._catalog.drop(tx, name)
            self._ended(tx, Ref("model", name), None, broken, found)
        return broken

    def _delete_all(self, name: str, *, force: bool) -> list[str]:
        with self._spine.read() as connection:
            self._catalog.require(connection, name)
            held = len(self._versions.find(connection, name))
        if held and not force:
            raise Refused(
                f"{name} is not deleted: it has {held} version{'s' if held > 1 else ''}",
                fix=f"Name one, such as {name}@1, or delete the model with all of them by force",
            )
        return self.delete_model(name, force=force)

    def _require_consent(self, connection: Connection, versions: Sequence[ModelVersion]) -> None:
        for version in versions:
            for one in self._consents.standing_of(connection, version):
                if one.missing and one.action == DELETE:
                    raise Refused(one.sentence(version.ref), where=one.asked.where or None)

    def _breaks(self, version: ModelVersion) -> list[str]:
        said = list(self._uses(version.ref))
        if CHAMPION in version.aliases and version.is_held:
            said.append(f"{version.name}@{CHAMPION} names it, and every gate compares with that")
        return said

    def _broken(self, name: str) -> list[str]:
        with self._spine.read() as connection:
            self._catalog.require(connection, name)
            held = self._held(connection, name)
        return [said for number, _ in held for said in self._uses(Ref("model", name, str(number)))]

    @staticmethod
    def _refuse(broken: Sequence[str], what: str) -> None:
        if broken:
            raise Refused(f"{what}: {'; '.join(broken)}", fix="End that first, or delete with force where you mean it")

    @staticmethod
    def _held(connection: Connection, name: str) -> list[tuple[int, str]]:
        chosen = select(model_version.c.number, model_version.c.digest).where(model_version.c.name == name)
        rows = connection.execute(chosen.where(model_version.c.digest != "").order_by(model_version.c.number))
        return [(row.number, row.digest) for row in rows]

    @staticmethod
    def _had_held(connection: Connection, name: str) -> bool:
        """Whether a version with files was ever registered: its ref stands in the lineage for good."""
        chosen = select(artifact.c.ref).where(artifact.c.kind == "model", artifact.c.name == name).limit(1)
        return connection.execute(chosen).first() is not None

    def _ended(
        self, tx: Connection, ref: Ref, digest: str | None, broken: Sequence[str], gone: Sequence[ModelVersion]
    ) -> None:
        # What the files were is known no more once the version is gone, and clearing up asks.
        files = sorted({one for version in gone for one in version.files.values()})
        self._spine.events.emit(tx, DELETED, ref, {"broke": list(broken), "files": files})
        self._spine.audit.add(tx, DELETED, ref, {"digest": digest, "broke": list(broken)})

    def _number(self, connection: Connection, ref: Ref) -> int:
        if ref.number is not None:
            self._versions.require(connection, ref.name, ref.number)
            return ref.number
        return self._versions.get(connection, ref).number

    def _touch(self, tx: Connection, name: str, number: int, **values: object) -> None:
        changed = update(model_version).where(model_version.c.name == name, model_version.c.number == number)
        tx.execute(changed.values({"updated": self._spine.clock.now(), **values}))

    def _upsert(self, table: Table) -> Any:
        new = self._spine.database.insert(table)
        keys = list(table.primary_key.columns)
        return new.on_conflict_do_update(index_elements=keys, set_={"value": new.excluded["value"]})

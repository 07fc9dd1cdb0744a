"""Models and versions that come from another registry as they were there: with their numbers, times and stages.

No gate and no policy is asked: these versions are what they are. What the canvas would have refused stands as a tag of
the version instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, Table, select, update

from stackcanvas.errors import Conflict
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry.catalog import Catalog
from stackcanvas.registry.files import ModelFiles
from stackcanvas.registry.folders import Folder, Found, read_folder
from stackcanvas.registry.policy import Policy
from stackcanvas.registry.stages import NO_STAGE
from stackcanvas.registry.tables import model, model_tag, model_version, model_version_tag
from stackcanvas.registry.versions import ModelVersion, Versions, check_alias

IMPORTED = "stackcanvas.imported"
"""The tag of a version that came from another registry: its address there."""
UNCHECKED = "stackcanvas.unchecked"
"""The tag of such a version that tells what the canvas asks of versions and was not asked of it."""


@dataclass(frozen=True, slots=True)
class TakenModel:
    """A registered model as it is elsewhere."""

    name: str
    description: str | None
    created: datetime
    updated: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakenVersion:
    """A version as it is elsewhere.

    Args:
        place: the address of the registry that it comes from.
        run: the id of the run that trained it, where that is here.
        source: the address that it was registered from; `storage` where its files lie.
    """

    name: str
    number: int
    place: str
    created: datetime
    updated: datetime
    actor: str
    description: str | None
    stage: str
    run: str | None
    source: str | None
    storage: str | None
    run_link: str | None
    tags: Mapping[str, str] = field(default_factory=dict)


class Taking:
    """Writes models and versions that come from elsewhere, inside the caller's transaction.

    Args:
        new: makes a version of files, before it has a number.
        following: the semantic version number that comes next.
    """

    def __init__(
        self,
        spine: Spine,
        catalog: Catalog,
        versions: Versions,
        files: ModelFiles,
        *,
        policy: Callable[[str], Policy],
        new: Callable[[str, Found], ModelVersion],
        following: Callable[..., str],
    ) -> None:
        self._spine = spine
        self._catalog = catalog
        self._versions = versions
        self._files = files
        self._policy = policy
        self._new = new
        self._following = following

    def read(self, folder: Folder | None) -> Found:
        """Copy the files of a folder; before the transaction, since it takes time.

        Raises:
            BadInput: its description cannot be read.
        """
        return read_folder(folder, self._files)

    def has(self, connection: Connection, name: str, number: int | None = None) -> bool:
        """Whether there is a model of that name, or that version of it."""
        if number is None:
            return self._catalog.last(connection, name) is not None
        return self._versions.has(connection, name, number)

    def model(self, tx: Connection, given: TakenModel) -> None:
        """Have a model with its description and tags."""
        self._catalog.ensure(tx, given.name, description=given.description)
        facts = {"description": given.description, "created": given.created, "updated": given.updated}
        tx.execute(update(model).where(model.c.name == given.name).values(facts))
        rows = [{"name": given.name, "key": key, "value": value} for key, value in given.tags.items()]
        self._tag(tx, model_tag, rows)

    def alias(self, tx: Connection, name: str, alias: str, number: int) -> None:
        """Let an alias name a version.

        Raises:
            BadInput: it would be read as something else.
            Conflict: it is reserved.
        """
        check_alias(alias)
        self._versions.set_alias(tx, name, alias, number)
        self._spine.audit.add(tx, "model.alias", Ref("model", name, str(number)), {"alias": alias})

    def version(self, tx: Connection, given: TakenVersion, found: Found) -> ModelVersion:
        """Write a version under its own number.

        Raises:
            Conflict: the number is taken.
        """
        spine = self._spine
        if self.has(tx, given.name, given.number):
            raise Conflict(f"there is a version {given.number} of {given.name} already")
        last = self._catalog.require(tx, given.name)
        run = None if given.run is None else Ref("run", given.run)
        reasons = self._policy(given.name).against(run=run, training=None, gate=None, metrics={})
        marks = {IMPORTED: given.place} | ({UNCHECKED: "; ".join(reasons)} if reasons else {})
        bare = replace(
            self._new(given.name, found),
            number=given.number,
            run=run,
            source=given.source,
            storage=None if found.files else given.storage,
            run_link=given.run_link,
            message=given.description,
            stage=given.stage or NO_STAGE,
            created=given.created,
            updated=given.updated,
            actor=given.actor,
            tags={**given.tags, **marks},
        )
        origin = self._versions.origin(tx, given.name)
        made = replace(bare, version=self._following(last.version, origin, bare, number=given.number))
        self._files.require(made)
        self._versions.add(tx, made)
        reached = max(given.number, last.number)
        self._catalog.advance(tx, given.name, number=reached, version=made.version, now=given.updated)
        facts = {"version": made.version, "format": made.format, "metrics": {}, "imported": given.place}
        work = given.run if run is not None and spine.executions.link(tx, run.name, "made", made.ref, "model") else None
        if made.is_held:
            spine.artifacts.add(tx, made.ref, digest=made.digest, execution=work, facts=facts)
        spine.events.emit(tx, "model.imported", made.ref, facts)
        spine.audit.add(tx, "model.imported", made.ref, {"digest": made.digest, "from": given.place})
        return made

    def change(self, tx: Connection, given: TakenVersion) -> None:
        """Bring description, stage and tags of a version that was taken over to what is said of it now."""
        here = (model_version.c.name == given.name) & (model_version.c.number == given.number)
        facts = {"message": given.description, "stage": given.stage or NO_STAGE, "updated": given.updated}
        before = tx.execute(select(model_version.c.stage).where(here)).scalar_one()
        tx.execute(update(model_version).where(here).values(facts))
        rows = [
            {"name": given.name, "number": given.number, "key": key, "value": value}
            for key, value in given.tags.items()
        ]
        self._tag(tx, model_version_tag, rows)
        if before != facts["stage"]:
            ref = Ref("model", given.name, str(given.number))
            self._spine.audit.add(tx, "model.stage", ref, {"stage": facts["stage"]})

    def _tag(self, tx: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            new = self._spine.database.insert(table)
            keys = list(table.primary_key.columns)
            tx.execute(
                new.on_conflict_do_update(index_elements=keys, set_={"value": new.excluded["value"]}), list(rows)
            )

"""Experiments: named groups of runs, with the numbers that tracking clients know them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, bindparam, literal, select, update

from stackcanvas.backends.database import Ready, ascending, descending
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.experiments.places import below
from stackcanvas.experiments.search import IS_NOT_NULL, IS_NULL, OPERATORS, Condition, Order
from stackcanvas.experiments.tables import experiment, experiment_tag, run
from stackcanvas.metadata import Spine

ACTIVE, DELETED = "active", "deleted"
DEFAULT = "Default"
# It is always there, so it is older than what a client looked at its clock for before it asked anything at all.
_OLDER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A group of runs.

    Args:
        id: a number; 0 is `Default` and is always there.
        artifact_location: where a client asked to have its files kept; None for the stack's own place.
        lifecycle: `active` or `deleted`.
    """

    id: int
    name: str
    artifact_location: str | None
    lifecycle: str
    created: datetime
    updated: datetime
    tags: dict[str, str] = field(default_factory=dict)


# Made once: putting a statement together takes longer than executing it.
_NAMED = Ready(
    select(experiment.c.id, experiment.c.lifecycle).where(experiment.c.name == bindparam("which")), ("which",)
)


class Catalog:
    """Keeps the experiments."""

    def __init__(self, spine: Spine) -> None:
        self._spine = spine

    def ensure(self, tx: Connection, name: str) -> int:
        """The number of the experiment of a name, made when it is new, inside the caller's transaction.

        Raises:
            Conflict: the experiment was deleted.
        """
        found = _NAMED.first(tx, {"which": name})
        if found is None:
            return self._add(tx, name, None)
        number, lifecycle = found
        if lifecycle == DELETED:
            raise Conflict(f"the experiment {name!r} was deleted", fix="Restore it, or use another name")
        return int(number)

    def create(self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None) -> int:
        """Make an experiment and give its number.

        Raises:
            Conflict: the name is taken.
            BadInput: the location cannot be read.
        """
        below(artifact_location or "")
        with self._spine.write() as tx:
            self._add_default(tx)
            if tx.execute(select(experiment.c.id).where(experiment.c.name == name)).first():
                raise Conflict(f"there is an experiment {name!r} already")
            number = self._add(tx, name, artifact_location)
            for key, value in (tags or {}).items():
                self._tag(tx, number, key, value)
        return number

    def get(self, name_or_id: str | int) -> Experiment:
        """One experiment, by number or by name.

        Raises:
            NotFound: there is none.
        """
        wanted = experiment.c.id == name_or_id if isinstance(name_or_id, int) else experiment.c.name == name_or_id
        for found in self._select(wanted):
            return found
        if name_or_id in {0, DEFAULT}:
            with self._spine.write() as tx:
                self._add_default(tx)
            return self._select(wanted)[0]
        known = [] if isinstance(name_or_id, int) else [one.name for one in self.ls()]
        raise NotFound("experiment", str(name_or_id), known=known)

    def ls(self, *, lifecycle: str | None = ACTIVE) -> list[Experiment]:
        """Experiments, the newest first; of any lifecycle when None."""
        return self._select(*([] if lifecycle is None else [experiment.c.lifecycle == lifecycle]))

    def search(
        self,
        *,
        where: Sequence[Condition] = (),
        order_by: Sequence[Order] = (),
        limit: int = 100,
        offset: int = 0,
        lifecycle: str | None = ACTIVE,
    ) -> list[Experiment]:
        """Experiments that fulfil every condition on attributes and tags, the newest first unless ordered otherwise."""
        wanted = [_condition(one) for one in where]
        if lifecycle is not None:
            wanted.append(experiment.c.lifecycle == lifecycle)
        terms = [
            (descending if one.largest_first else ascending)(experiment.c[one.key])
            for one in order_by or [Order("attribute", "created", largest_first=True), Order("attribute", "id")]
        ]
        if all(one.key != "id" for one in order_by):
            terms.append(experiment.c.id.desc())
        self.get(0)  # is always there, even when nobody has asked for it yet
        return self._read(select(experiment).where(*wanted).order_by(*terms).limit(limit).offset(offset))

    def change(self, number: int, *, name: str | None = None, lifecycle: str | None = None) -> None:
        """Rename, delete or restore an experiment.

        Raises:
            Conflict: the new name is taken.
        """
        with self._spine.write() as tx:
            self._add_default(tx)
            other = select(experiment.c.id).where(experiment.c.name == name, experiment.c.id != number)
            if name is not None and tx.execute(other).first():
                raise Conflict(f"there is an experiment {name!r} already")
            changed = {"name": name, "lifecycle": lifecycle}
            values = {key: value for key, value in changed.items() if value is not None}
            known = update(experiment).where(experiment.c.id == number)
            now = self._spine.clock.now()
            if not tx.execute(known.values(**values, updated=now)).rowcount:
                raise NotFound("experiment", str(number))
            if lifecycle is not None:  # its runs go with it, and come back with it
                deleted = now if lifecycle == DELETED else None
                tx.execute(update(run).where(run.c.experiment == number).values(lifecycle=lifecycle, deleted=deleted))

    def tag(self, number: int, key: str, value: str | None) -> None:
        """Set a tag of an experiment, or remove it with None."""
        with self._spine.write() as tx:
            self._tag(tx, number, key, value)

    def _select(self, *wanted: object) -> list[Experiment]:
        return self._read(select(experiment).where(*wanted).order_by(experiment.c.id.desc()))  # type: ignore[arg-type]

    def _read(self, chosen: Select[tuple[object, ...]]) -> list[Experiment]:
        with self._spine.read() as connection:
            rows = connection.execute(chosen).mappings().all()
            # Not by their numbers: a database bounds how many values a statement may hold.
            theirs = experiment_tag.c.experiment.in_(chosen.with_only_columns(experiment.c.id))
            tagged = connection.execute(select(experiment_tag).where(theirs)).all()
        tags: dict[int, dict[str, str]] = {}
        for row in tagged:
            tags.setdefault(row.experiment, {})[row.key] = row.value
        return [Experiment(**row, tags=tags.get(row["id"], {})) for row in rows]

    def _add(self, tx: Connection, name: str, artifact_location: str | None) -> int:
        if not name.strip():
            raise BadInput("the name of the experiment is empty")
        if name == DEFAULT:
            self._add_default(tx)
            return 0
        now = self._spine.clock.now()
        values = {
            "name": name,
            "artifact_location": artifact_location,
            "lifecycle": ACTIVE,
            "created": now,
            "updated": now,
        }
        return int(tx.execute(experiment.insert().values(values).returning(experiment.c.id)).scalar_one())

    def _add_default(self, tx: Connection) -> None:
        began = self._spine.clock.now() - _OLDER
        new = self._spine.database.insert(experiment)
        facts = {"id": 0, "name": DEFAULT, "lifecycle": ACTIVE, "created": began, "updated": began}
        tx.execute(new.values(facts).on_conflict_do_nothing())

    def _tag(self, tx: Connection, number: int, key: str, value: str | None) -> None:
        if value is None:
            here = (experiment_tag.c.experiment == number) & (experiment_tag.c.key == key)
            tx.execute(experiment_tag.delete().where(here))
            return
        new = self._spine.database.insert(experiment_tag).values(experiment=number, key=key, value=value)
        keys = [experiment_tag.c.experiment, experiment_tag.c.key]
        tx.execute(new.on_conflict_do_update(index_elements=keys, set_={"value": value}))


def _condition(given: Condition) -> ColumnElement[bool]:
    if given.kind == "attribute":
        compared: ColumnElement[bool] = OPERATORS[given.operator](experiment.c[given.key], given.value)
        return compared
    here = (experiment_tag.c.experiment == experiment.c.id) & (experiment_tag.c.key == given.key)
    if given.operator not in {IS_NULL, IS_NOT_NULL}:
        here = here & OPERATORS[given.operator](experiment_tag.c.value, given.value)
    there = select(literal(1)).select_from(experiment_tag).where(here).correlate(experiment).exists()
    return ~there if given.operator == IS_NULL else there

"""Runs as records: who ran what, with which parameters, tags and inputs, on which code and packages."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from blake3 import blake3
from sqlalchemy import Connection, Row, Table, bindparam, select, update

from stackcanvas.backends.database import OfMany, Ready
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.experiments.complete import INCOMPLETE, Completeness
from stackcanvas.experiments.environment import Environment, environment
from stackcanvas.experiments.lock import lock
from stackcanvas.experiments.metrics import Metric
from stackcanvas.experiments.names import spoken
from stackcanvas.experiments.tables import run, run_dataset, run_environment, run_input, run_parameter, run_tag
from stackcanvas.metadata import CodeState, Ref, Spine

SCHEDULED, RUNNING, FINISHED, FAILED, KILLED = "scheduled", "running", "finished", "failed", "killed"
STATUSES = (SCHEDULED, RUNNING, FINISHED, FAILED, KILLED)
ACTIVE, DELETED = "active", "deleted"
# The tag that tracking clients know a nested run by.
PARENT = "mlflow.parentRunId"
# Set where a client removed the tag that tells it a run's name: the name stays, and is told as a tag no more.
NAME_UNTOLD = "stackcanvas.name_untold"
_PAIR = ("run", "key", "value")
_BEGUN = (
    *("id", "experiment", "name", "status", "started", "lifecycle", "artifact_location", "actor"),
    *("code_commit", "dirty", "environment", "host", "seed"),
)


@dataclass(frozen=True, slots=True)
class RunInput:
    """Data that a run read.

    Args:
        source: where it comes from; the ref, for data of this stack.
        tags: such as `context: training`.
    """

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as recorded.

    Args:
        experiment: the name of its experiment.
        experiment_id: the number of it.
        status: scheduled, running, finished, failed or killed.
        lifecycle: `active` or `deleted`.
        artifact_location: where its files lie in the object store.
        code: the commit that ran, and whether the work tree differed from it.
        environment: the digest of Python and all packages; `Experiments.environment` tells them.
        metrics: the latest value of each.
    """

    id: str
    experiment: str
    experiment_id: int
    name: str
    status: str
    started: datetime
    ended: datetime | None
    lifecycle: str
    artifact_location: str
    actor: str
    code: CodeState
    environment: str | None
    host: str | None
    seed: int | None
    parameters: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    inputs: tuple[RunInput, ...] = ()

    @property
    def ref(self) -> Ref:
        """The ref of the run."""
        return Ref("run", self.id)

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end, None while it runs."""
        return None if self.ended is None else (self.ended - self.started).total_seconds()

    @property
    def parent(self) -> str | None:
        """The id of the run that this one is part of."""
        return self.tags.get(PARENT)

    @property
    def missing(self) -> tuple[str, ...]:
        """What the canvas wants of every run and this one lacks; known when it has finished."""
        return tuple(said for said in self.tags.get(INCOMPLETE, "").split(", ") if said)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The process of a run that another machine started.

    Args:
        process: as `processes.mark` tells it there.
    """

    host: str
    process: str
    environment: Environment


class Runs:
    """Writes the records of runs; mutating methods work inside the caller's transaction.

    Args:
        root: the project's folder, whose lock file knows hashes of packages.
        completeness: what every run must have.
    """

    def __init__(self, spine: Spine, *, root: Path | None = None, completeness: Completeness | None = None) -> None:
        self._spine = spine
        self._root = root
        self._completeness = completeness or Completeness()
        # Made once: putting a statement together takes longer than executing it.
        insert = spine.database.insert
        again = {"status": RUNNING, "ended": None}
        self._add = Ready(insert(run).on_conflict_do_update(index_elements=[run.c.id], set_=again), _BEGUN)
        self._set_parameter = Ready(insert(run_parameter).on_conflict_do_nothing(), _PAIR)
        tag = insert(run_tag)
        keys = [run_tag.c.run, run_tag.c.key]
        self._set_tag = Ready(tag.on_conflict_do_update(index_elements=keys, set_={"value": tag.excluded.value}), _PAIR)

    def add(
        self,
        tx: Connection,
        run_id: str,
        *,
        experiment_id: int,
        name: str | None,
        code: CodeState,
        seed: int | None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """Record that a run has started; one that exists goes on.

        Args:
            elsewhere: where it goes on, when that is not this process.
        """
        here = environment() if elsewhere is None else elsewhere.environment
        self._add_environment(tx, here)
        facts = {
            "id": run_id,
            "experiment": experiment_id,
            "name": name or spoken(run_id),
            "status": RUNNING,
            "started": self._spine.clock.now(),
            "lifecycle": ACTIVE,
            "artifact_location": f"runs/{run_id}/artifacts",
            "actor": self._spine.actor.name,
            "code_commit": code.commit,
            "dirty": code.dirty,
            "environment": here.digest,
            "host": socket.gethostname() if elsewhere is None else elsewhere.host,
            "seed": seed,
        }
        self._add.run(tx, [facts])

    def end(self, tx: Connection, run_id: str, status: str) -> None:
        """Record how a run ended, and what its work was seen to read through the stack; after its execution's end."""
        if status not in STATUSES:
            raise BadInput(f"{status!r} is no status of a run", expected=", ".join(STATUSES))
        ended = None if status in {RUNNING, SCHEDULED} else self._spine.clock.now()
        if not _END.run(tx, [{"run": run_id, "status": status, "ended": ended}]):
            raise NotFound("run", run_id)
        if ended is not None:
            self._add_read(tx, run_id)
        if status == FINISHED and self._completeness.wanted:
            tx.execute(run_tag.delete().where(run_tag.c.run == run_id, run_tag.c.key == INCOMPLETE))
            missing = self._completeness.missing(tx, run_id)
            self.set_tags(tx, run_id, {INCOMPLETE: ", ".join(missing)} if missing else {})

    def rename(self, tx: Connection, run_id: str, name: str) -> None:
        """Give a run another name, that its tag tells again."""
        tx.execute(update(run).where(run.c.id == run_id).values(name=name))
        tx.execute(run_tag.delete().where(run_tag.c.run == run_id, run_tag.c.key == NAME_UNTOLD))

    def mark(self, tx: Connection, run_id: str, lifecycle: str) -> None:
        """Delete a run, or restore it; its records stay."""
        deleted = self._spine.clock.now() if lifecycle == DELETED else None
        values = {"lifecycle": lifecycle, "deleted": deleted}
        if not tx.execute(update(run).where(run.c.id == run_id).values(values)).rowcount:
            raise NotFound("run", run_id)

    def experiment_of(self, connection: Connection, run_id: str) -> int:
        """The number of a run's experiment.

        Raises:
            NotFound: there is no such run.
        """
        found = _OF.first(connection, {"which": run_id})
        if found is None:
            raise NotFound("run", run_id)
        return int(found[0])

    def set_parameters(
        self, tx: Connection, run_id: str, parameters: Mapping[str, object], *, new: bool = False
    ) -> None:
        """Record parameters; each is written once, the same value again is accepted.

        Args:
            new: the run has none yet.

        Raises:
            Conflict: one has another value already; then none is written.
        """
        if not parameters:
            return
        rows = [{"run": run_id, "key": key, "value": text_of(value)} for key, value in parameters.items()]
        if self._set_parameter.run(tx, rows) == len(rows) or new:
            return
        chosen = select(run_parameter.c.key, run_parameter.c.value)
        there = tx.execute(chosen.where(run_parameter.c.run == run_id, run_parameter.c.key.in_(list(parameters))))
        held: dict[str, str] = {row.key: row.value for row in there}
        for row in rows:
            if held[row["key"]] != row["value"]:
                # In the words that programs of tracking clients look for.
                raise Conflict(
                    f"Changing param values is not allowed. Param with key={row['key']!r} was already logged with "
                    f"value={held[row['key']]!r} for run ID={run_id!r}. Attempted logging new value {row['value']!r}",
                    fix="Start another run, or log what changes as a metric or a tag",
                )

    def set_tags(self, tx: Connection, run_id: str, tags: Mapping[str, object]) -> None:
        """Set tags; a later value takes the place of an earlier one."""
        if tags:
            rows = [{"run": run_id, "key": key, "value": text_of(value)} for key, value in tags.items()]
            self._set_tag.run(tx, rows)

    def drop_tag(self, tx: Connection, run_id: str, key: str) -> None:
        """Remove a tag.

        Raises:
            NotFound: the run has no such tag.
        """
        here = (run_tag.c.run == run_id) & (run_tag.c.key == key)
        if not tx.execute(run_tag.delete().where(here)).rowcount:
            raise NotFound("tag", key)

    def add_inputs(self, tx: Connection, run_id: str, inputs: Iterable[RunInput], *, experiment_id: int) -> None:
        """Record what a run read; the same data set again adds nothing."""
        database = self._spine.database
        for given in inputs:
            identity = f"{experiment_id}\n{given.name}\n{given.digest}"
            dataset = blake3(identity.encode()).hexdigest()[:32]
            facts = {name: getattr(given, name) for name in _DATASET}
            new = database.insert(run_dataset).values(id=dataset, experiment=experiment_id, **facts)
            tx.execute(new.on_conflict_do_nothing())
            link = database.insert(run_input).values(run=run_id, dataset=dataset, tags=dict(given.tags))
            tx.execute(link.on_conflict_do_nothing())

    def _add_read(self, tx: Connection, run_id: str) -> None:
        found = {str(ref): (ref, role, digest) for ref, role, digest in self._spine.lineage.data_of(tx, run_id)}
        if not found:
            return
        named = {one.source for one in inputs_of(tx, [run_id])[run_id]}
        read = [
            RunInput(ref.name, digest, "stackcanvas", source, tags={"context": role} if role else {})
            for source, (ref, role, digest) in found.items()
            if source not in named
        ]
        if read:
            self.add_inputs(tx, run_id, read, experiment_id=self.experiment_of(tx, run_id))

    def _add_environment(self, tx: Connection, here: Environment) -> None:
        if _KNOWN.first(tx, {"which": here.digest}) is None:
            facts = {"python": here.python, "platform": here.platform, "packages": here.packages}
            facts["lock"] = here.lock if here.lock is not None else lock(here.packages, root=self._root)
            new = self._spine.database.insert(run_environment).values(digest=here.digest, **facts)
            tx.execute(new.on_conflict_do_nothing())


_END = Ready(
    update(run).where(run.c.id == bindparam("run")).values(status=bindparam("status"), ended=bindparam("ended")),
    ("run", "status", "ended"),
)
_OF = Ready(select(run.c.experiment).where(run.c.id == bindparam("which")), ("which",))
_KNOWN = Ready(select(run_environment.c.digest).where(run_environment.c.digest == bindparam("which")), ("which",))
_DATASET = ("name", "digest", "source_type", "source", "schema", "profile")


def text_of(value: object) -> str:
    """A parameter or tag as it is kept: text, as tracking clients know them.

    Example:
        >>> text_of(0.1), text_of(True), text_of("relu")
        ('0.1', 'True', 'relu')
    """
    return value if isinstance(value, str) else str(value)


def parameters_of(connection: Connection, run_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """The parameters of each run, by name."""
    return _pairs(connection, PARAMETERS_OF, run_ids)


def tags_of(connection: Connection, run_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """The tags of each run, by name."""
    return _pairs(connection, TAGS_OF, run_ids)


def inputs_of(connection: Connection, run_ids: Collection[str]) -> dict[str, list[RunInput]]:
    """What each run read, by name."""
    found: dict[str, list[RunInput]] = {run_id: [] for run_id in run_ids}
    for run_id, *facts in _INPUTS_OF.all(connection, run_ids):
        found[run_id].append(RunInput(*facts))
    return found


def info(
    row: Row[tuple[object, ...]],
    *,
    parameters: dict[str, str],
    metrics: dict[str, Metric],
    tags: dict[str, str],
    inputs: Iterable[RunInput],
) -> RunInfo:
    """The record from a row of runs joined with the name of the experiment."""
    facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    return RunInfo(
        id=facts["id"],
        experiment=facts["experiment_name"],
        experiment_id=facts["experiment"],
        name=facts["name"],
        status=facts["status"],
        started=facts["started"],
        ended=facts["ended"],
        lifecycle=facts["lifecycle"],
        artifact_location=facts["artifact_location"],
        actor=facts["actor"],
        code=CodeState(facts["code_commit"], facts["dirty"]),
        environment=facts["environment"],
        host=facts["host"],
        seed=facts["seed"],
        parameters=parameters,
        metrics=metrics,
        tags=tags,
        inputs=tuple(inputs),
    )


def _pairs(connection: Connection, of: OfMany, run_ids: Collection[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {run_id: {} for run_id in run_ids}
    for run_id, key, value in of.all(connection, run_ids):
        found[run_id][key] = value
    return found


def _pairs_of(pairs: Table) -> OfMany:
    return OfMany(select(pairs.c.run, pairs.c.key, pairs.c.value).order_by(pairs.c.run, pairs.c.key), pairs.c.run)


PARAMETERS_OF, TAGS_OF = _pairs_of(run_parameter), _pairs_of(run_tag)
_INPUTS_OF = OfMany(
    select(run_input.c.run, *(run_dataset.c[name] for name in _DATASET), run_input.c.tags)
    .join(run_dataset, run_dataset.c.id == run_input.c.dataset)
    .order_by(run_dataset.c.name, run_dataset.c.digest),
    run_input.c.run,
)

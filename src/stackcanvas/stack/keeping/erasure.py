"""Erasing one person: everything that holds rows of theirs is found by lineage and changed, step by step.

Each step finds by itself what is left to do, so the same command goes on where a killed one stopped. Recorded are
counts, never a value: not in the parameters, not in events, not in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.backends.database.sqlite import scrub
from stackcanvas.data import erasing as data
from stackcanvas.data.annotation import erasing as items
from stackcanvas.data.erasing import Holding, NotReached
from stackcanvas.data.persons import Person
from stackcanvas.errors import BadInput, BadInputs, Conflict, NotFound
from stackcanvas.experiments.erasing import readers
from stackcanvas.metadata import Ref
from stackcanvas.monitoring import erasing as labels
from stackcanvas.pipelines.removing import erase_results
from stackcanvas.serving.erasing import Told
from stackcanvas.stack.keeping.traces import Tracer, Traces

if TYPE_CHECKING:
    from stackcanvas.data import DataVersion
    from stackcanvas.stack.stack import Stack

KIND = "metadata.erase"
MARK = "stackcanvas.erased"
"""The tag of model versions that were trained on rows that are gone."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What of one place holds rows of the person.

    Args:
        what: the place.
        rows: how many are there, or were.
        note: what else is to be known of it.
    """

    what: str
    rows: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure found and did.

    Args:
        touched: places with rows of the person.
        models: versions that learned from them; they carry the tag `stackcanvas.erased`.
        runs: whose kept results went, because they read the data.
        results: how many results.
        unreached: what may hold rows and cannot be changed here, a sentence each.
        waiting: work that was still writing: the old bytes are there until the command is run again.
        plan: nothing was changed.
    """

    touched: tuple[Touched, ...]
    models: tuple[str, ...]
    runs: int
    results: int
    unreached: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    plan: bool = False

    @property
    def rows(self) -> int:
        """Of all places."""
        return sum(one.rows for one in self.touched)


@dataclass(slots=True)
class _Around:
    """What lineage tells around the data sets that were named."""

    versions: list[DataVersion]
    holding: list[Holding] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)


class Eraser:
    """Erases one person.

    Args:
        stack: where.
        names: the data sets to begin with; what was made from them, and what they were made from, is found.
        person: whose rows.
    """

    def __init__(self, stack: Stack, names: Sequence[str], person: Person) -> None:
        self._stack = stack
        self._person = person
        self._tracer = Tracer(stack, person)
        self._told = Told(person.column, person.values, person.blank)
        self._names = [Ref.parse(name, kind="data").name for name in names]
        if not person.values:
            raise BadInput("no value is given", expected="the values that tell whose rows are meant")

    def plan(self) -> Erasure:
        """What holds rows of the person."""
        around = self._look()
        models, runs = self._downstream([one.version for one in around.holding])
        traces = self._traces(around)
        touched, unreached = self._places(around, traces), self._unreached(around, traces)
        return Erasure(tuple(touched), tuple(sorted(models)), len(runs), 0, tuple(unreached), plan=True)

    def erase(self, *, patience: timedelta) -> Erasure:
        """Change everything that holds rows of the person.

        Raises:
            Conflict: a pipeline is running; it might keep what it has read.
        """
        stack = self._stack
        for name in self._names:
            stack.data.get(Ref("data", name))
        if stack.pipelines.records.at_work():
            raise Conflict("a pipeline is running, and may keep what it has read", fix="Wait until it has ended")
        asked = {"column": self._person.column, "values": len(self._person.values), "blank": list(self._person.blank)}
        subject = Ref("data", self._names[0])
        with stack.spine.record(KIND, subject=subject, parameters={**asked, "data": self._names}) as work:
            # What was pushed and waits becomes data first, where it is found like all other data.
            with suppress(BadInput, BadInputs, Conflict):
                stack.features.fold()
            around = self._look()
            traces = self._traces(around)
            before = self._places(around, traces)
            models, runs = self._downstream(self._left_over() + [one.version for one in around.holding])
            for one in around.holding:
                data.erase(stack.data.parts, one, self._person, execution=work.id)
                work.used(one.version.ref)
            data.relock(stack.data.parts)
            self._tracer.erase(traces, around.versions)
            writing = self._elsewhere()
            results = erase_results(stack.spine, stack.objects, stack.pipelines.records, runs)
            self._mark(models)
            cleared = data.sweep(stack.data.parts, patience=patience)
            waiting = [*cleared.waiting, *writing, *self._scrub()]
            unreached = tuple(self._unreached(around, traces))
            done = Erasure(tuple(before), tuple(sorted(models)), len(runs), results, unreached, tuple(waiting))
            with stack.spine.write() as tx:
                facts = {**asked, "rows": done.rows, "models": len(models), "waiting": len(waiting)}
                stack.spine.audit.add(tx, KIND, subject, facts)
                work.finish(tx, state="failed" if waiting else "done", error="; ".join(waiting) or None)
        return done

    def _look(self) -> _Around:
        """The versions that lineage leads to, and which of them hold rows of the person."""
        parts = self._stack.data.parts
        around = _Around(self._related())
        for version in around.versions:
            try:
                found = data.holding(parts, version, self._person)
            except NotReached as error:
                around.unreached.append(error.sentence())
                continue
            if found is not None:
                around.holding.append(found)
        return around

    def _related(self) -> list[DataVersion]:
        names, every = set(self._names), self._stack.data.parts.versions.every()
        lineage = self._stack.spine.lineage
        seen: set[str] = set()
        while names - seen:
            for version in [one for one in every if one.name in names - seen]:
                refs = (*lineage.upstream(version.ref).refs, *lineage.downstream(version.ref).refs)
                names |= {ref.name for ref in refs if ref.kind == "data"}
                seen.add(version.name)
            seen |= {name for name in names if all(one.name != name for one in every)}
        return [one for one in every if one.name in names]

    def _left_over(self) -> list[DataVersion]:
        """What an erasure that did not come to its end had changed: what came of it may not be done."""
        done = self._stack.spine.executions.search(kind=KIND, state="done", limit=1)
        # Ids sort by time, and one that came to its end has done what was left before it.
        last = done[0].id if done else ""
        erased = data.erased_by(self._stack.data.parts)
        refs = {ref for work, some in erased.items() if work > last for ref in some}
        return [self._stack.data.get(ref) for ref in sorted(refs)]

    def _traces(self, around: _Around) -> Traces:
        """What is beside data: of versions that hold rows, and of those that did until they were erased."""
        held = {str(one.version.ref) for one in around.holding}
        versions = [one for one in around.versions if one.erased is not None or str(one.ref) in held]
        models, runs = self._downstream(versions)
        return self._tracer.look(versions, runs, models)

    def _places(self, around: _Around, traces: Traces) -> list[Touched]:
        stack, person = self._stack, self._person
        found = [Touched(str(one.version.ref), one.rows) for one in around.holding]
        found += [Touched(f"the file {key}", rows) for key, rows in sorted(traces.tables.items())]
        files, keys = stack.features.find_person(person.column, person.means)
        found += [Touched(f"pushed rows in {path.parent.name}", rows) for path, rows in files]
        found += [Touched("online store", len(keys))] if keys else []
        log = stack.serving.log.find_person(self._told)
        found += [Touched(f"predictions of {endpoint}", rows) for endpoint, rows in sorted(log.rows.items())]
        with stack.spine.read() as connection:
            said = self._labels(connection, log.ids)
            queued = items.items_of(connection, column=person.column, means=person.means, blank=person.blank)
        found += [Touched("labels", len(said))] if said else []
        found += [Touched("items of annotation", len(queued))] if queued else []
        return found

    def _labels(self, connection: object, predictions: set[str]) -> list[str]:
        """Labels are told by their keys: they go where the key is erased, and stay where other columns are emptied."""
        person = self._person
        if person.blank and person.column not in person.blank:
            return []
        about = set() if person.blank else predictions
        return labels.labels_of(connection, column=person.column, means=person.means, predictions=about)  # type: ignore[arg-type]

    def _elsewhere(self) -> list[str]:
        """Erase from everything that is no data version; what could not be reached yet, a sentence each."""
        stack, person = self._stack, self._person
        stack.features.erase_person(person.column, person.means)
        before = stack.serving.log.find_person(self._told)
        with stack.spine.write() as tx:
            labels.erase_labels(tx, self._labels(tx, before.ids))
            queued = items.items_of(tx, column=person.column, means=person.means, blank=person.blank)
            items.erase_items(tx, queued, blank=person.blank)
        left = stack.serving.log.erase_person(self._told)
        return [f"{left.writing} rows are in a segment that the prediction server writes still"] if left.writing else []

    def _downstream(self, versions: Sequence[DataVersion]) -> tuple[set[str], set[str]]:
        """The model versions that came of some versions, and the runs that read them."""
        models: set[str] = set()
        runs: set[str] = set()
        digests = data.digests_before(self._stack.data.parts)
        for version in versions:
            graph = self._stack.spine.lineage.downstream(version.ref)
            models |= {str(ref) for ref in graph.refs if ref.kind == "model"}
            runs |= {one.id for one in graph.executions} | {one.parent for one in graph.executions if one.parent}
        told = {(one.name, digest) for one in versions for digest in (one.digest, *digests.get(str(one.ref), ()))}
        with self._stack.spine.read() as connection:
            runs |= readers(connection, told)
        for model in self._stack.registry.ls():
            touched = {str(one.ref) for one in versions}
            for one in self._stack.registry.versions(model.name):
                if one.training is not None and str(one.training) in touched:
                    models.add(str(one.ref))
        return models, runs

    def _mark(self, models: set[str]) -> None:
        day = self._stack.spine.clock.now().date().isoformat()
        said = f"rows of persons that it was trained on were erased on {day}"
        for model in sorted(models):
            with suppress(NotFound):  # deleted since
                self._stack.registry.changes.tag(Ref.parse(model), MARK, said)

    def _unreached(self, around: _Around, traces: Traces) -> list[str]:
        stack, person = self._stack, self._person
        said = [*around.unreached, *traces.said]
        names = sorted({one.name for one in around.versions if person.column not in one.columns})
        said += [
            f"data:{name} has no column {person.column!r}: what it holds of the person cannot be told" for name in names
        ]
        linked = {one.name for one in around.versions}
        said += [
            f"data:{one.name} has a column {person.column!r} and no link to these: name it to erase there too"
            for one in stack.data.ls()
            if one.name not in linked and person.column in one.columns
        ]
        if stack.settings.remote is not None:
            said.append("the remote of the data: versions that were pushed are there as they were")
        said += [
            f"files in the project, at {path}: check them out again"
            for place in stack.data.parts.places.all()
            if place.name in linked
            for path in place.roots
        ]
        if stack.workspace is None and (names := stack.workspaces.names()):
            said.append(
                f"the workspaces {', '.join(names)}: run it in each: stackcanvas --workspace NAME metadata erase"
            )
        said.append("backups")
        if stack.spine.database.dialect == "postgresql":
            said.append("PostgreSQL's own log and dead rows: VACUUM FULL gives the latter back")
            said.append("prediction logs of other machines: run the command there too")
        if "redis" in stack.online.url:
            said.append("snapshots that Redis has written to its disk: BGREWRITEAOF or SAVE writes them anew")
        return said

    def _scrub(self) -> list[str]:
        """Write the SQLite files of the stack anew, because deleted rows are in their free pages."""
        folder: Path = self._stack.folder
        files = {*folder.rglob("*.db")}
        url = self._stack.settings.database
        if url.startswith("sqlite:///"):
            path = getattr(self._stack.spine.database, "path", None)
            files |= {path} if path is not None else set()
        return [
            f"{file} is read by another process: what was deleted may be in it still"
            for file in sorted(files)
            if not scrub(file, busy_s=10.0)
        ]

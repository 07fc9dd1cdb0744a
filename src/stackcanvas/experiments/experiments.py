"""The experiments block: what code and doors call."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import BadInput, NotFound, Usage
from stackcanvas.experiments.artifacts import ArtifactInfo, RunArtifacts
from stackcanvas.experiments.asking import conditions, orders
from stackcanvas.experiments.catalog import Catalog, Experiment
from stackcanvas.experiments.compare import compare
from stackcanvas.experiments.complete import Completeness, Wanted
from stackcanvas.experiments.environment import Environment
from stackcanvas.experiments.frame import frame_of
from stackcanvas.experiments.logged import LoggedModels
from stackcanvas.experiments.metrics import Metric, Metrics, Point
from stackcanvas.experiments.origin import OWN, REPRODUCES, REPRODUCES_VARIABLE, Origin, Origins, gather
from stackcanvas.experiments.run import Run, Tools, check_names, open_run
from stackcanvas.experiments.runs import ACTIVE, KILLED, PARENT, RUNNING, Elsewhere, RunInfo, RunInput, Runs
from stackcanvas.experiments.search import NEWEST, Condition, Order, Search
from stackcanvas.experiments.study import KIND as STUDY_KIND
from stackcanvas.experiments.study import Study
from stackcanvas.experiments.tables import run, run_environment
from stackcanvas.experiments.taking import Taking
from stackcanvas.experiments.tracking import Tracking
from stackcanvas.experiments.writer import Writer
from stackcanvas.metadata import CodeState, Recording, Ref, Spine, current, processes

if TYPE_CHECKING:
    import polars as pl

KIND = "experiments.run"
# Of executions that are runs, too.
_WITH_RUNS = (KIND, STUDY_KIND, "pipelines.run")
_SAMPLE_S = 10.0
_PAGE = 1000
_BEGINNING = re.compile("[0-9a-f]{4,31}")
_OFFERED = 5
_DRAWN = 2_000


@dataclass(frozen=True, slots=True)
class Start:
    """How a run starts.

    Args:
        experiment: made when it is new; None to go on with a run in its own.
        trigger: what started it.
        parent: the id of the execution that it is part of.
        elsewhere: the process that runs, when it is not this one.
    """

    experiment: str | None
    code: CodeState
    name: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, object] = field(default_factory=dict)
    seed: int | None = None
    origin: Origin | None = None
    trigger: str = "manual"
    parent: str | None = None
    elsewhere: Elsewhere | None = None


class Experiments:
    """Runs with parameters, metrics, tags, inputs and files, grouped in experiments.

    Args:
        spine: records, lineage, events.
        objects: where the files of runs lie.
        root: the project's folder, whose uncommitted changes belong to a run.
        wanted: what every run must have, as the canvas says.
    """

    def __init__(
        self, spine: Spine, objects: Objects, *, root: Path | None = None, wanted: Wanted | None = None
    ) -> None:
        self._spine = spine
        self._root = root
        self._wanted = wanted or Wanted()
        self._search = Search(spine)
        self._metrics = Metrics(spine)
        self._writer = Writer(spine.database, self._metrics)
        self.catalog = Catalog(spine)
        self.models = LoggedModels(spine)
        self.files = RunArtifacts(objects)
        self.runs = Runs(spine, root=root, completeness=Completeness(self._wanted, self._has_artifacts))
        self.tracking = Tracking(spine, runs=self.runs, metrics=self._metrics, models=self.models, search=self._search)
        self.origins = Origins(spine.database)
        self.taking = Taking(spine, catalog=self.catalog, runs=self.runs, metrics=self._metrics, models=self.models)

    def run(
        self,
        experiment: str | None = None,
        *,
        name: str | None = None,
        parameters: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
        seed: int | None = None,
        parent: str | None = None,
        id: str | None = None,  # noqa: A002 - the word every record uses
        system_metrics: bool | float | None = None,
    ) -> Run:
        """Start a run, or go on with one; use it as a context manager, so that it ends.

        What makes it reproducible is recorded now: commit and uncommitted changes, command, Python and packages,
        parameters, seed, hardware.

        Args:
            experiment: made when it is new.
            name: of the run, for people.
            seed: what random numbers were started with.
            parent: the run that this one is part of, as `get` takes it; inside the block of another run, that one.
            id: the id of a run to go on with, in its own experiment.
            system_metrics: sample how busy the machine is, every ten seconds or every so many seconds; by default where
                the canvas wants hardware to be recorded.

        Raises:
            NotFound: there is no run of that id, or none of that of the parent.
            Conflict: the experiment was deleted, or a parameter of the run had another value.
        """
        if (experiment is None) == (id is None):
            raise Usage("a run needs an experiment, or the id of a run to go on with", expected="one of the two")
        if parent is not None:
            parent = self.get(parent).id
        check_names(parameters or (), "parameter")
        check_names(tags or (), "tag")
        around = current()
        code = around.code if around else self._spine.code()
        parent = parent or (open_run() if id is None else None)
        of_what = {**(tags or {}), **({PARENT: parent} if parent else {}), **_reproduced()}
        run_id = id or self._spine.ids.new()
        start = Start(
            experiment,
            code=code,
            name=name,
            parameters=parameters or {},
            tags=of_what,
            seed=seed,
            origin=self.origin(run_id, code) if id is None else None,
            trigger=around.trigger if around else "manual",
            parent=around.id if around and around.id != run_id else None,
        )
        number, recording = self.begin(run_id, start)
        return self._live(run_id, number, recording, system_s=self._system_s(system_metrics))

    def begin(self, run_id: str, start: Start) -> tuple[int, Recording]:
        """Record the start of a run with its execution; the same again changes nothing.

        Returns:
            The number of the experiment, and the execution.
        """
        with self._spine.write() as tx:
            named = start.experiment
            number = self.runs.experiment_of(tx, run_id) if named is None else self.catalog.ensure(tx, named)
            recording = self._spine.executions.start(
                tx,
                run_id,
                KIND,
                code=start.code,
                subject=Ref("run", run_id),
                parameters={"experiment": named} if named else {},
                trigger=start.trigger,
                parent=start.parent,
                process=None if start.elsewhere is None else start.elsewhere.process,
            )
            self.runs.add(
                tx,
                run_id,
                experiment_id=number,
                name=start.name,
                code=start.code,
                seed=start.seed,
                elsewhere=start.elsewhere,
            )
            self.runs.set_parameters(tx, run_id, start.parameters, new=named is not None and start.elsewhere is None)
            self.runs.set_tags(tx, run_id, start.tags)
            if start.origin is not None:
                self.origins.add(tx, run_id, start.origin)
        return number, recording

    def open(
        self,
        tx: Connection,
        run_id: str,
        *,
        experiment: str,
        code: CodeState,
        name: str | None = None,
        parameters: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
        seed: int | None = None,
        inputs: Sequence[RunInput] = (),
        origin: Origin | None = None,
        new: bool = False,
    ) -> int:
        """Record the start of a run that belongs to an execution of somebody else, in their transaction.

        Args:
            origin: where it comes from, as `origin` tells.
            new: the id is new, so that nothing need be compared with what is there.

        Returns:
            The number of the experiment.
        """
        number = self.catalog.ensure(tx, experiment)
        self.runs.add(tx, run_id, experiment_id=number, name=name, code=code, seed=seed)
        self.runs.set_parameters(tx, run_id, parameters or {}, new=new)
        self.runs.set_tags(tx, run_id, tags or {})
        self.runs.add_inputs(tx, run_id, inputs, experiment_id=number)
        if origin is not None:
            self.origins.add(tx, run_id, origin)
        return number

    def origin(self, run_id: str, code: CodeState) -> Origin:
        """Where a run comes from that this process starts now; what it takes to run it again are files of the run.

        Asked before the transaction that records the run: it takes git's time.
        """
        found, files = gather(self._root, code)
        for path, content in files.items():
            self.files.put(run_id, path, content)
        return found

    def add_points(self, tx: Connection, run_id: str, points: Sequence[Point], *, experiment: int) -> None:
        """Write values of metrics inside the caller's transaction; what is there already is not added again."""
        self._metrics.add(tx, run_id, points, experiment=experiment)

    def attach(self, run_id: str) -> Run:
        """A live run for writing to one that was started elsewhere and is ended there.

        Raises:
            NotFound: there is no such run.
        """
        with self._spine.read() as connection:
            number = self.runs.experiment_of(connection, run_id)
        return self._live(run_id, number, None, system_s=None)

    def get(self, run_id: str) -> RunInfo:
        """One run, by its id or ref, by the beginning of its id, or by its name.

        Raises:
            NotFound: there is none; the ids that begin so are offered.
            BadInput: several are called so, or begin so.
        """
        run_id = run_id.removeprefix("run:")
        for found in self._search.find(where=[Condition("attribute", "id", "=", run_id)], limit=1, lifecycle=None):
            return found
        if self._spine.executions.known(run_id):
            kind = self._spine.executions.get(run_id).kind
            said = "Retention gave it up" if kind in _WITH_RUNS else f"It is an execution of {kind}"
            raise NotFound("run", run_id, fix=f"{said}; what is recorded of it: stackcanvas metadata show {run_id}")
        begun = self._beginning(run_id) if _BEGINNING.fullmatch(run_id) else []
        meant = self._search.find(where=[Condition("attribute", "name", "=", run_id)], limit=_OFFERED) or begun
        if not meant:
            raise NotFound("run", run_id, known=[one.id for one in self._beginning(run_id[:8])])
        if len(meant) > 1:
            ids = ", ".join(one.id for one in meant)
            raise BadInput(f"several runs are meant by {run_id!r}", expected=f"the id of one, such as {ids}")
        return meant[0]

    def _beginning(self, text: str) -> list[RunInfo]:
        return self._search.find(where=[Condition("attribute", "id", "LIKE", f"{text}%")], limit=_OFFERED)

    def search(
        self,
        experiment: str | None = None,
        *,
        where: str | Sequence[str | Condition] = (),
        order_by: str | Order | Sequence[str | Order] = NEWEST,
        limit: int = 100,
        offset: int = 0,
    ) -> list[RunInfo]:
        """Runs that fulfil every condition, in order.

        Args:
            experiment: its name; all experiments when None.
            where: such as `metrics.auc > 0.7 AND params.depth = '6'`, the language of tracking clients; `tags.team`,
                `status`, `started > '2026-11-01'`, `datasets.name`. Several must all hold.
            order_by: such as `metrics.auc desc`; the newest first unless given. Runs without a value come last.

        Raises:
            NotFound: there is no such experiment.
            BadInput: a condition or the order cannot be read.
        """
        return self._search.find(
            experiments=None if experiment is None else [self.catalog.get(experiment).id],
            where=conditions(where),
            order_by=orders(order_by),
            limit=limit,
            offset=offset,
        )

    def find(
        self,
        experiment: str | None = None,
        *,
        where: str | Sequence[str | Condition] = (),
        order_by: str | Order | Sequence[str | Order] = NEWEST,
    ) -> Iterator[RunInfo]:
        """As `search`, but all of them, each once, read a thousand at a time."""
        seen: set[str] = set()
        for offset in itertools.count(0, _PAGE):
            page = self.search(experiment, where=where, order_by=order_by, limit=_PAGE, offset=offset)
            # Runs that start meanwhile move those that were read onto the next page.
            yield from (one for one in page if one.id not in seen)
            seen.update(one.id for one in page)
            if len(page) < _PAGE:
                return

    def count(self, experiment: str | None = None, *, where: str | Sequence[str | Condition] = ()) -> int:
        """How many runs fulfil every condition."""
        known = None if experiment is None else [self.catalog.get(experiment).id]
        return self._search.count(experiments=known, where=conditions(where))

    def frame(
        self,
        experiment: str | None = None,
        *,
        where: str | Sequence[str | Condition] = (),
        order_by: str | Order | Sequence[str | Order] = NEWEST,
    ) -> pl.DataFrame:
        """Runs as a table, with a column for each parameter, metric and tag, such as `params.depth` and `metrics.auc`.

        Args:
            experiment: its name; all experiments when None.
            where: as for `search`.
            order_by: as for `search`.
        """
        return frame_of(self.find(experiment, where=where, order_by=order_by))

    def children(self, run_id: str, *, limit: int | None = None) -> list[RunInfo]:
        """The runs that are part of a run, in the order in which they started; the first of them, or all."""
        found = self.find(where=[Condition("tag", PARENT, "=", run_id)], order_by="started, id")
        return list(itertools.islice(found, limit))

    def study(
        self,
        name: str,
        *,
        metric: str,
        direction: str = "maximize",
        seed: int | None = None,
        sampler: Any = None,
        pruner: Any = None,
    ) -> Study:
        """A search for good parameters, made when it is new; needs the extra `search`.

        Args:
            name: of the study, and of the experiment that holds its runs.
            metric: what the objective returns, by name.
            direction: `maximize` or `minimize`.
            seed: for what is tried.
            sampler, pruner: Optuna's, for other ways of searching than its default.
        """
        given = {"metric": metric, "direction": direction, "seed": seed, "sampler": sampler, "pruner": pruner}
        return Study(self, self._spine, name, **given)

    def compare(self, run_ids: Sequence[str]) -> list[dict[str, object]]:
        """In what runs differ: a row for each parameter, metric, input, or fact that is not the same in all.

        Returns:
            Rows with `what` and a value under the id of each run; None where a run has none.

        Raises:
            NotFound: one of the runs does not exist.
        """
        return compare([self.get(run_id) for run_id in run_ids])

    def metrics(self, run_id: str, key: str, *, limit: int | None = None) -> list[Metric]:
        """Every value of a metric of a run, by step and time."""
        return self._metrics.history(run_id, key, limit=limit)

    def outline(self, run_id: str, key: str, *, most: int = _DRAWN) -> list[Metric]:
        """A metric of a run for drawing: of very many values the lowest and the highest of those that lie together."""
        return self._metrics.outline(run_id, key, most=most)

    def artifacts(self, run_id: str, *, folder: str = "") -> list[ArtifactInfo]:
        """The files and folders of a run."""
        return self.files.ls(run_id, folder=folder)

    def experiments(self) -> list[Experiment]:
        """Every experiment, the newest first."""
        return self.catalog.ls()

    def overview(self) -> list[tuple[Experiment, int, datetime | None]]:
        """Every experiment, the newest first, with how many runs it has and when the last one started."""
        counted = select(run.c.experiment, func.count(), func.max(run.c.started)).where(run.c.lifecycle == ACTIVE)
        with self._spine.read() as connection:
            rows = connection.execute(counted.group_by(run.c.experiment)).all()
        known = {number: (count, last) for number, count, last in rows}
        return [(one, *known.get(one.id, (0, None))) for one in self.experiments()]

    def environment(self, digest: str) -> Environment:
        """What was installed, by the digest that a run recorded.

        Raises:
            NotFound: no run recorded it.
        """
        with self._spine.read() as connection:
            chosen = select(run_environment).where(run_environment.c.digest == digest)
            row = connection.execute(chosen).mappings().one_or_none()
        if row is None:
            raise NotFound("environment", digest)
        return Environment(row["python"], row["platform"], row["packages"], row["digest"], row["lock"])

    def reap(self) -> list[str]:
        """Mark as killed what still runs on paper though its process on this host is gone; gives the ids."""
        gone = []
        for found in self.find(where=[Condition("attribute", "status", "=", RUNNING)]):
            with suppress(NotFound):
                work = self._spine.executions.get(found.id)
                if work.kind in {KIND, STUDY_KIND} and (work.state == "lost" or processes.is_gone(work.process)):
                    gone.append(found.id)
        if not gone:
            return []
        with self._spine.write() as tx:
            for run_id in gone:
                self._spine.executions.end(tx, run_id, [], state="lost", error="its process died")
                self.runs.end(tx, run_id, KILLED)
        return gone

    def close(self) -> None:
        """Write the metrics that wait."""
        self._writer.flush()

    def _live(self, run_id: str, number: int, recording: Recording | None, *, system_s: float | None) -> Run:
        tools = Tools(self._spine, self.runs, self.origins, self._metrics, self._writer, self.files, self.get)
        return Run(run_id, experiment_id=number, tools=tools, recording=recording, system_s=system_s)

    def _has_artifacts(self, connection: Connection, run_id: str) -> bool:
        """Files of its own, or what the steps of a pipeline kept."""
        if self._spine.lineage.has_made(connection, run_id, itself=Ref("run", run_id)):
            return True
        return any(not found.path.startswith(f"{OWN}/") for found in self.files.walk(run_id))

    def _system_s(self, asked: bool | float | None) -> float | None:
        if asked is None:
            asked = "hardware" in self._wanted.metadata
        if isinstance(asked, bool):
            return _SAMPLE_S if asked else None
        if not asked > 0:  # also what is no number
            raise BadInput(f"system metrics cannot be sampled every {asked:g} s", expected="more than 0 s")
        return asked


def _reproduced() -> dict[str, object]:
    first = os.environ.get(REPRODUCES_VARIABLE)
    return {REPRODUCES: first} if first else {}

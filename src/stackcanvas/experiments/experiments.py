"""The experiments block: what code and doors call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import NotFound
from stackcanvas.experiments.artifacts import ArtifactInfo, RunArtifacts
from stackcanvas.experiments.catalog import Catalog, Experiment
from stackcanvas.experiments.compare import compare
from stackcanvas.experiments.environment import Environment
from stackcanvas.experiments.metrics import Metric, Metrics
from stackcanvas.experiments.run import Run
from stackcanvas.experiments.runs import RunInfo, RunInput, Runs
from stackcanvas.experiments.search import NEWEST, Condition, Order, Search
from stackcanvas.experiments.tables import run_environment
from stackcanvas.metadata import CodeState, Recording, Ref, Spine, current


class Experiments:
    """Runs with parameters, metrics, tags, inputs and files, grouped in experiments.

    Args:
        spine: records, lineage, events.
        objects: where the files of runs lie.
    """

    def __init__(self, spine: Spine, objects: Objects) -> None:
        self._spine = spine
        self._search = Search(spine)
        self._metrics = Metrics(spine)
        self.catalog = Catalog(spine)
        self.runs = Runs(spine)
        self.files = RunArtifacts(objects)

    def start(
        self,
        experiment: str,
        *,
        name: str | None = None,
        parameters: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
        seed: int | None = None,
        id: str | None = None,  # noqa: A002 - the word every record uses
    ) -> Run:
        """Start a run; use it as a context manager, so that it ends.

        What makes it reproducible is recorded now: commit, whether the work tree differed, Python and packages,
        parameters, seed, host.

        Args:
            experiment: made when it is new.
            name: of the run, for people.
            seed: what random numbers were started with.
            id: the id of a run to go on with.

        Raises:
            Conflict: the experiment was deleted, or a parameter of the run had another value.
        """
        around = current()
        code = around.code if around else self._spine.code()
        run_id = id or self._spine.ids.new()
        with self._spine.write() as tx:
            recording = self._spine.executions.start(
                tx,
                run_id,
                "experiments.run",
                code=code,
                subject=Ref("run", run_id),
                parameters={"experiment": experiment},
                trigger=around.trigger if around else "manual",
                parent=around.id if around and around.id != run_id else None,
            )
            number = self.open(
                tx,
                run_id,
                experiment=experiment,
                name=name,
                parameters=parameters,
                tags=tags,
                seed=seed,
                code=code,
                new=id is None,
            )
        return self._live(run_id, number, recording)

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
        new: bool = False,
    ) -> int:
        """Record the start of a run that belongs to an execution of somebody else, in their transaction.

        Args:
            new: the id is new, so that nothing need be compared with what is there.

        Returns:
            The number of the experiment.
        """
        number = self.catalog.ensure(tx, experiment)
        self.runs.add(tx, run_id, experiment_id=number, name=name, code=code, seed=seed)
        self.runs.set_parameters(tx, run_id, parameters or {}, new=new)
        self.runs.set_tags(tx, run_id, tags or {})
        self.runs.add_inputs(tx, run_id, inputs, experiment_id=number)
        return number

    def attach(self, run_id: str) -> Run:
        """A live run for writing to one that was started elsewhere and is ended there.

        Raises:
            NotFound: there is no such run.
        """
        with self._spine.read() as connection:
            number = self.runs.experiment_of(connection, run_id)
        return self._live(run_id, number, None)

    def get(self, run_id: str) -> RunInfo:
        """One run.

        Raises:
            NotFound: there is none of that id; the ids that begin so are offered.
        """
        for found in self._search.find(where=[Condition("attribute", "id", "=", run_id)], limit=1, lifecycle=None):
            return found
        near = self._search.find(where=[Condition("attribute", "id", "LIKE", f"{run_id[:8]}%")], limit=5)
        raise NotFound("run", run_id, known=[one.id for one in near])

    def search(
        self,
        experiment: str | None = None,
        *,
        where: Sequence[str | Condition] = (),
        order_by: str | Order = NEWEST,
        limit: int = 100,
        offset: int = 0,
    ) -> list[RunInfo]:
        """Runs that fulfil every condition, in order.

        Args:
            experiment: its name; all experiments when None.
            where: such as `metric.auc > 0.7`, `parameter.depth = 6`, `tag.team = risk`, `attribute.status = failed`.
            order_by: such as `metric.auc desc`; the newest first unless given. Runs without a value come last.

        Raises:
            NotFound: there is no such experiment.
            BadInput: a condition or the order cannot be read.
        """
        return self._search.find(
            experiments=None if experiment is None else [self.catalog.get(experiment).id],
            where=[Condition.parse(one) if isinstance(one, str) else one for one in where],
            order_by=[Order.parse(order_by) if isinstance(order_by, str) else order_by],
            limit=limit,
            offset=offset,
        )

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

    def artifacts(self, run_id: str, *, folder: str = "") -> list[ArtifactInfo]:
        """The files and folders of a run."""
        return self.files.ls(run_id, folder=folder)

    def experiments(self) -> list[Experiment]:
        """Every experiment, the newest first."""
        return self.catalog.ls()

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
        return Environment(row["python"], row["platform"], row["packages"], row["digest"])

    def _live(self, run_id: str, number: int, recording: Recording | None) -> Run:
        return Run(run_id, experiment_id=number, spine=self._spine, artifacts=self.files, recording=recording)

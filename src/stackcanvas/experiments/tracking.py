"""Runs of clients that work elsewhere: each call is a transaction of its own, and the run must not be deleted.

A run that a program outside logs and one of `Experiments.start` are the same records; only the facts that the program's
own process knows (its packages, its host) are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from stackcanvas.backends.database import Ready
from stackcanvas.errors import Conflict, NotFound
from stackcanvas.experiments.facts import MADE, READ, RunFacts, bare, datasets_of, gather, whole
from stackcanvas.experiments.logged.models import LoggedModels, ModelMetric
from stackcanvas.experiments.logged.tables import run_model
from stackcanvas.experiments.metrics import Metrics, Raw, Told, raw_history, sampled_history
from stackcanvas.experiments.names import spoken
from stackcanvas.experiments.places import below, own_run_place
from stackcanvas.experiments.runs import ACTIVE, FINISHED, KILLED, RUNNING, SCHEDULED, RunInput, Runs
from stackcanvas.experiments.search import Condition, Order, Search
from stackcanvas.experiments.tables import experiment, run
from stackcanvas.metadata import CodeState, Ref, Spine

_COMMIT = "mlflow.source.git.commit"
# A process that is not ours cannot be seen to have died.
_ELSEWHERE = "elsewhere/0/0"
_BEGUN = (
    *("id", "experiment", "name", "status", "started", "lifecycle", "artifact_location", "actor"),
    *("code_commit", "dirty"),
)
_TOLD = _BEGUN[:8]
_ENDED = Ready(update(run).where(run.c.id == bindparam("which")).values(ended=bindparam("at")), ("which", "at"))


class Tracking:
    """Writes and reads runs for clients that work elsewhere."""

    def __init__(self, spine: Spine, *, runs: Runs, metrics: Metrics, models: LoggedModels, search: Search) -> None:
        self._spine = spine
        self._runs = runs
        self._metrics = metrics
        self._models = models
        self._search = search
        # Made once: putting a statement together takes longer than executing it.
        self._known = Ready(select(run.c.experiment, run.c.lifecycle).where(run.c.id == bindparam("id")), ("id",))
        around = select(experiment.c.name, experiment.c.lifecycle, experiment.c.artifact_location)
        self._around = Ready(around.where(experiment.c.id == bindparam("id")), ("id",))
        self._add = Ready(run.insert(), _BEGUN)
        self._link = spine.database.insert(run_model).on_conflict_do_nothing()

    def create(
        self,
        experiment_id: int,
        *,
        user: str | None = None,
        name: str | None = None,
        started: datetime | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> RunFacts:
        """Record that a run has started.

        Args:
            user: who runs it, as the client says.

        Raises:
            NotFound: there is no such experiment.
            Conflict: the experiment is deleted.
        """
        run_id, given = self._spine.ids.new(), dict(tags or {})
        code = CodeState(given.get(_COMMIT))
        with self._spine.write() as tx:
            around = self._around.first(tx, {"id": experiment_id})
            if around is None:
                raise NotFound("experiment", str(experiment_id))
            called, lifecycle, location = around
            if lifecycle != ACTIVE:
                raise Conflict(
                    f"The experiment {experiment_id} must be in the 'active' state. Current state is {lifecycle}"
                )
            facts: dict[str, Any] = {
                "id": run_id,
                "experiment": experiment_id,
                "name": name or spoken(run_id),
                "status": RUNNING,
                "started": started or self._spine.clock.now(),
                "lifecycle": ACTIVE,
                "artifact_location": below(location, run_id, "artifacts") if location else own_run_place(run_id),
                "actor": user or self._spine.actor.name,
                "code_commit": code.commit,
                "dirty": False,
            }
            self._add.run(tx, [facts])
            self._runs.set_tags(tx, run_id, given)
            self._spine.executions.start(
                tx,
                run_id,
                "experiments.run",
                code=code,
                subject=Ref("run", run_id),
                parameters={"experiment": called},
                process=_ELSEWHERE,
            )
        told = {"ended": None, **{name: facts[name] for name in _TOLD}}
        return RunFacts(**told, tags=[(run_id, key, value) for key, value in given.items()])

    def change(
        self, run_id: str, *, status: str | None = None, ended: datetime | None = None, name: str | None = None
    ) -> RunFacts:
        """Give a run another status, end or name."""
        with self._spine.write() as tx:
            self._active(tx, run_id)
            before = bare(tx, run_id)
            if status in {SCHEDULED, RUNNING}:
                tx.execute(update(run).where(run.c.id == run_id).values(status=status))
            elif status is not None:
                state = {FINISHED: "done", KILLED: "cancelled"}.get(status, "failed")
                self._spine.executions.end(tx, run_id, self._made(run_id, state), state=state, error=None)
                self._runs.end(tx, run_id, status)
            _ENDED.run(tx, [{"which": run_id, "at": ended or before.ended}])
            if name:
                self._runs.rename(tx, run_id, name)
            return bare(tx, run_id)

    def mark(self, run_id: str, lifecycle: str) -> None:
        """Delete a run, or restore it."""
        with self._spine.write() as tx:
            self._runs.mark(tx, run_id, lifecycle)

    def log(
        self,
        run_id: str,
        *,
        metrics: Sequence[Raw] = (),
        parameters: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        name: str | None = None,
        measured: Mapping[str, Sequence[ModelMetric]] | None = None,
    ) -> None:
        """Record metrics, parameters and tags, all of them or none.

        Args:
            measured: metrics of logged models, by the id of the model.

        Raises:
            NotFound: there is no such run, or no such logged model.
            Conflict: the run is deleted, or a parameter has another value already.
        """
        durable = bool(parameters or tags or name)
        with self._spine.database.write(durable=durable) as tx:
            number = self._active(tx, run_id)
            self._metrics.add_raw(tx, run_id, metrics, experiment=number)
            if parameters:
                self._runs.set_parameters(tx, run_id, parameters)
            if tags:
                self._runs.set_tags(tx, run_id, tags)
            if name:
                self._runs.rename(tx, run_id, name)
            for model_id, values in (measured or {}).items():
                self._models.check(tx, model_id)
                self._models.add_metrics(tx, model_id, values)

    def drop_tag(self, run_id: str, key: str) -> None:
        """Remove a tag.

        Raises:
            NotFound: there is no such run, or it has no such tag.
        """
        with self._spine.write() as tx:
            self._active(tx, run_id)
            self._runs.drop_tag(tx, run_id, key)

    def change_tag(self, run_id: str, key: str, change: Callable[[str | None], str]) -> None:
        """Set a tag to what a function makes of its value, so that nobody writes in between."""
        with self._spine.write() as tx:
            self._active(tx, run_id)
            found = whole(tx, run_id)
            self._runs.set_tags(tx, run_id, {key: change({name: value for _, name, value in found.tags}.get(key))})

    def add_inputs(self, run_id: str, inputs: Sequence[RunInput], *, models: Sequence[str] = ()) -> None:
        """Record data sets and logged models that a run read."""
        with self._spine.write() as tx:
            number = self._active(tx, run_id)
            self._runs.add_inputs(tx, run_id, inputs, experiment_id=number)
            self._link_models(tx, run_id, READ, [(model, 0) for model in models])

    def add_outputs(self, run_id: str, models: Sequence[tuple[str, int]]) -> None:
        """Record logged models that a run made, each with its step."""
        with self._spine.write() as tx:
            self._active(tx, run_id)
            self._link_models(tx, run_id, MADE, models)

    def get(self, run_id: str) -> RunFacts:
        """One run with all that belongs to it.

        Raises:
            NotFound: there is no such run.
        """
        with self._spine.read() as connection:
            return whole(connection, run_id)

    def find(
        self,
        experiments: Sequence[int],
        *,
        where: Sequence[Condition] = (),
        order_by: Sequence[Order] = (),
        limit: int,
        offset: int,
        lifecycle: str | None,
    ) -> list[RunFacts]:
        """Runs of experiments in order; those that are the same in it by start, the newest first, and then by id."""
        if not experiments:
            return []
        return self._search.find_as(
            gather,
            experiments=experiments,
            where=where,
            order_by=order_by,
            ties=(Order("attribute", "started", largest_first=True), Order("attribute", "id")),
            limit=limit,
            offset=offset,
            lifecycle=lifecycle,
        )

    def history(self, run_id: str, key: str, *, limit: int | None = None, offset: int = 0) -> list[Told]:
        """The values of a metric in the order in which they were logged."""
        with self._spine.read() as connection:
            return raw_history(connection, run_id, key, limit=limit, offset=offset)

    def sample(self, run_id: str, key: str, *, most: int, steps: tuple[int, int] | None = None) -> list[Told]:
        """So many values of a metric at most, evenly chosen; of these steps only."""
        with self._spine.read() as connection:
            return sampled_history(connection, run_id, key, most=most, steps=steps)

    def datasets(self, experiments: Sequence[int]) -> list[tuple[int, str, str, str | None]]:
        """Data sets that runs of experiments read: experiment, name, digest, and what for where that was said."""
        with self._spine.read() as connection:
            return datasets_of(connection, experiments)

    def _active(self, tx: Connection, run_id: str) -> int:
        found = self._known.first(tx, {"id": run_id})
        if found is None:
            raise NotFound("run", run_id)
        number, lifecycle = found
        if lifecycle != ACTIVE:
            raise Conflict(f"The run {run_id} must be in the 'active' state. Current state is {lifecycle}")
        return int(number)

    def _made(self, run_id: str, state: str) -> list[tuple[str, str, str, datetime]]:
        made = ("made", str(Ref("run", run_id)), "", self._spine.clock.now())
        return [made] if state == "done" else []

    def _link_models(self, tx: Connection, run_id: str, role: str, models: Sequence[tuple[str, int]]) -> None:
        rows = [{"run": run_id, "role": role, "model": model, "step": step} for model, step in models]
        if rows:
            tx.execute(self._link, rows)

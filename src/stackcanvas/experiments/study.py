"""A search for good parameters: each trial is a run inside the run of the study, by as many processes as you start."""

from __future__ import annotations

import importlib
import reprlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from blake3 import blake3
from sqlalchemy import Connection

from stackcanvas.errors import BadInput, MissingExtra, NotFound
from stackcanvas.experiments.run import Run
from stackcanvas.experiments.runs import FAILED, FINISHED, KILLED, RunInfo, Runs
from stackcanvas.experiments.space import Space
from stackcanvas.metadata import CodeState, Ref, Spine, processes, within

KIND = "experiments.study"
DIRECTIONS = ("maximize", "minimize")
_ADAPTER = "stackcanvas.experiments.optuna"
_RUN = "run"
_PRUNED = "stackcanvas.pruned"
_NO_NUMBER = "no number"

Objective = Callable[[Any, Run], float]


class Tracker(Protocol):
    """What a study needs of the block that tracks its runs."""

    @property
    def runs(self) -> Runs:
        """Writes the records."""
        ...

    def run(self, experiment: str, *, name: str, parent: str, tags: Mapping[str, object]) -> Run:
        """Start a run."""
        ...

    def open(
        self, tx: Connection, run_id: str, *, experiment: str, code: CodeState, name: str, tags: Mapping[str, object]
    ) -> int:
        """Record the start of a run that belongs to an execution of somebody else."""
        ...

    def attach(self, run_id: str) -> Run:
        """A live run for writing to one that is ended elsewhere."""
        ...

    def get(self, run_id: str) -> RunInfo:
        """One run."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """One try.

    Args:
        state: running, waiting, finished, pruned or failed.
        value: of the metric; None unless it finished.
        run: the id of its run, None when it was never started.
    """

    number: int
    state: str
    value: float | None
    parameters: dict[str, object] = field(default_factory=dict)
    run: str | None = None


class Study:
    """A search for the parameters that give the best value of a metric.

    What was tried is on record: a study of the same name goes on where it stood, in another process or another year.

    Args:
        name: of the study, and of the experiment that holds its runs.
        metric: what an objective returns, by name.
        direction: `maximize` or `minimize`.
        seed: for what is tried.
        sampler, pruner: Optuna's, for other ways of searching than its default.

    Raises:
        MissingExtra: Optuna is not installed.
        BadInput: the study goes in the other direction.
    """

    def __init__(
        self,
        tracker: Tracker,
        spine: Spine,
        name: str,
        *,
        metric: str,
        direction: str = "maximize",
        seed: int | None = None,
        sampler: Any = None,
        pruner: Any = None,
    ) -> None:
        if direction not in DIRECTIONS:
            raise BadInput(f"{direction!r} is no direction", expected=" or ".join(DIRECTIONS))
        try:
            self._adapter = importlib.import_module(_ADAPTER)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "optuna":
                raise
            raise MissingExtra("Searching for parameters", "search") from None
        self.name = name
        self.metric = metric
        self.direction = direction
        self.optuna = self._adapter.open_study(
            spine.database, name, direction=direction, seed=seed, sampler=sampler, pruner=pruner
        )
        self._tracker = tracker
        self._spine = spine
        # The same in every process, so that all trials of a study hang on one run.
        self.run_id = blake3(f"study {name}".encode()).hexdigest()[:32]

    def tune(self, objective: Objective, *, trials: int, timeout_s: float | None = None) -> RunInfo | None:
        """Try until the study has so many trials, all processes and times taken together.

        Trials of processes that were killed are marked as failed, and their parameters are tried first.

        Args:
            objective: takes Optuna's trial, which suggests parameters, and the run, which logs; gives the value.
            timeout_s: begin no more trials after so long.

        Returns:
            The run of the best trial so far, None when none has finished.
        """
        self._recover()
        began_s = time.monotonic()
        with self._recorded():
            while self._begun() < trials and (timeout_s is None or time.monotonic() - began_s < timeout_s):
                self._try(objective)
        return self.best

    @property
    def trials(self) -> list[Trial]:
        """Every trial, in the order in which they began."""
        return [self._told(trial) for trial in self.optuna.get_trials(deepcopy=False)]

    @property
    def best(self) -> RunInfo | None:
        """The run of the best trial, None when none has finished."""
        finished = [trial for trial in self.trials if trial.state == "finished" and trial.value is not None]
        if not finished:
            return None
        chosen = (max if self.direction == "maximize" else min)(finished, key=lambda trial: trial.value or 0.0)
        return None if chosen.run is None else self._tracker.get(chosen.run)

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """The run of the study goes on; the last process to stop ends it."""
        facts = {"metric": self.metric, "direction": self.direction}
        code, spine = self._spine.code(), self._spine
        with spine.write() as tx:
            work = spine.executions.start(
                tx, self.run_id, KIND, code=code, subject=Ref("run", self.run_id), parameters=facts
            )
            tags = {f"stackcanvas.study.{key}": value for key, value in facts.items()}
            self._tracker.open(tx, self.run_id, experiment=self.name, code=code, name=self.name, tags=tags)
        try:
            with within(work):
                yield
        finally:
            if not self._in_state("running"):
                with spine.write() as tx:
                    work.finish(tx)
                    self._tracker.runs.end(tx, self.run_id, FINISHED)

    def _try(self, objective: Objective) -> None:
        trial = self.optuna.ask()
        run = self._tracker.run(
            self.name, name=f"trial {trial.number}", parent=self.run_id, tags={"trial": trial.number}
        )
        trial.set_user_attr(_RUN, run.id)
        try:
            with run.opened():
                value = _number(objective(trial, run))
        except self._adapter.Pruned:
            self.optuna.tell(trial, state=self._adapter.TrialState.PRUNED)
            run.set_tag(_PRUNED, "yes")
            self._end(trial, run, FINISHED)
        except BaseException as error:
            with suppress(Exception):
                self.optuna.tell(trial, state=self._adapter.TrialState.FAIL)
            self._end(trial, run, FAILED if isinstance(error, Exception) else KILLED, error)
            raise
        else:
            run.log({self.metric: value})
            self._end(trial, run, FINISHED)
            state = self._adapter.TrialState.FAIL if value != value else None  # noqa: PLR0124 - not a number
            if state:
                trial.set_user_attr(_NO_NUMBER, True)
            self.optuna.tell(trial, None if state else value, state=state)
            self._log_best(trial.number)

    def _end(self, trial: Any, run: Run, status: str, error: BaseException | None = None) -> None:
        run.log_parameters(trial.params)
        run.end(status, error=None if error is None else f"{type(error).__name__}: {error}")

    def _log_best(self, number: int) -> None:
        """The best value so far is a curve of the study's own run."""
        best = self.best
        if best is not None:
            parent = self._tracker.attach(self.run_id)
            parent.log({self.metric: best.metrics[self.metric].value}, step=number)
            parent.flush()

    def _recover(self) -> None:
        """End the trials of dead processes, and put what they tried first in the queue."""
        for trial in self._in_state("running"):
            run_id = trial.user_attrs.get(_RUN)
            if run_id is None:
                continue
            with suppress(NotFound):
                execution = self._spine.executions.get(run_id)
                if not processes.is_gone(execution.process) or not self._adapter.fail(self.optuna, trial):
                    continue
                with self._spine.write() as tx:
                    self._tracker.runs.set_parameters(tx, run_id, trial.params)
                    self._spine.executions.end(tx, run_id, [], state="lost", error="its process died")
                    self._tracker.runs.end(tx, run_id, KILLED)
                if trial.params:
                    self.optuna.enqueue_trial(trial.params)

    def _begun(self) -> int:
        """How many trials count: those that ended in order, whatever they gave, and those that somebody is at."""
        counted = ("finished", "pruned", "running")
        found = self.optuna.get_trials(deepcopy=False)
        return sum(self._adapter.STATES[one.state] in counted or _NO_NUMBER in one.user_attrs for one in found)

    def _in_state(self, state: str) -> list[Any]:
        found = self.optuna.get_trials(deepcopy=False)
        return [trial for trial in found if self._adapter.STATES[trial.state] == state]

    def _told(self, trial: Any) -> Trial:
        return Trial(
            number=trial.number,
            state=self._adapter.STATES[trial.state],
            value=trial.value,
            parameters=dict(trial.params),
            run=trial.user_attrs.get(_RUN),
        )

    def suggest(self, trial: Any, space: Mapping[str, Space]) -> dict[str, object]:
        """A value for each parameter of a space, as the command line reads it."""
        found: dict[str, object] = self._adapter.suggest(trial, space)
        return found


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise BadInput(f"the objective gave {reprlib.repr(value)}", expected="a number") from None

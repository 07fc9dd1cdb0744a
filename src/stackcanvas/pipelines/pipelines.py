"""The pipelines block: what code and doors call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection

from stackcanvas.backends.executor import Executor
from stackcanvas.backends.objects import Objects
from stackcanvas.clock import Clock, SteadyClock
from stackcanvas.errors import NotFound, StackCanvasError
from stackcanvas.experiments import Experiments, RunInput, environment
from stackcanvas.metadata import CodeState, Recording, Ref, Spine, within
from stackcanvas.pipelines.bench import Address, Bench
from stackcanvas.pipelines.cache import Cache, Keys
from stackcanvas.pipelines.dag import StepDescription, describe
from stackcanvas.pipelines.encoding import encode
from stackcanvas.pipelines.execute import Execution, Means, Progress
from stackcanvas.pipelines.frames import user_traceback
from stackcanvas.pipelines.hold import held
from stackcanvas.pipelines.inputs import Pin, Source, pin
from stackcanvas.pipelines.ledger import Ledger, Lost
from stackcanvas.pipelines.load import Definitions
from stackcanvas.pipelines.pipeline import Pipeline
from stackcanvas.pipelines.resolve import Results
from stackcanvas.pipelines.run import CANCELLED, FAILED, FINISHED, PipelineRun, RunRecords, StepLog, StepRun, new_holder
from stackcanvas.pipelines.trace import Graph
from stackcanvas.pipelines.values import Values


class Pipelines:
    """Runs the pipelines of a project, with state, cache and lineage.

    Args:
        spine: records, lineage, events.
        objects: where large results of steps lie.
        executor: where steps run.
        project: the user's code.
        experiments: every run of a pipeline is a tracked run as well, under the same id.
        source: where declared inputs come from: the data block.
        context: gives the stack, for steps that ask for it.
        address: how another process opens the project; needed by executors that use other processes.
        slots: how many steps run beside each other; one a core unless given, one in this process.
        sleep: waits between attempts; a test that passes a clock passes its own.
        wall: how time goes by, for who holds a run.
    """

    def __init__(
        self,
        spine: Spine,
        objects: Objects,
        executor: Executor,
        project: Definitions,
        *,
        experiments: Experiments,
        source: Source,
        context: Callable[[], Any],
        address: Address | None = None,
        slots: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
        wall: Clock | None = None,
    ) -> None:
        self.project = project
        self.records = RunRecords(spine, wall=wall or SteadyClock())
        self.values = Values(spine, objects, rename=project.rename)
        self.bench = Bench(spine, self.values, source, experiments, project, context, address)
        self._spine = spine
        self._experiments = experiments
        self._executor = executor
        self._code: Callable[[], CodeState] = spine.code
        self._slots = slots or (1 if executor.url == "inline:" else os.cpu_count() or 1)
        self._sleep = sleep

    def run(
        self,
        name: str,
        parameters: Mapping[str, object] | None = None,
        *,
        seed: int = 0,
        fresh: bool = False,
        trigger: str = "manual",
        echo: TextIO | None = None,
        watch: Callable[[Progress], None] | None = None,
    ) -> PipelineRun:
        """Run a pipeline now, in this process.

        A failing step stops only what depends on it; the run comes back as failed then. `check()` of what comes back
        raises unless it has finished.

        Args:
            name: of the pipeline.
            parameters: those that differ from the defaults.
            seed: for steps that ask for one.
            fresh: take nothing from earlier runs.
            echo: where the output of steps is passed on to; it is kept in the log of the step either way.
            watch: is told of every change of a step.

        Raises:
            NotFound: there is no such pipeline, or a data set that it needs.
            BadInput: the code cannot be loaded, a parameter does not fit, or the body failed.
        """
        pipeline = self.project.pipeline(name)
        bound = pipeline.bind(parameters or {})
        graph = pipeline.trace(bound)
        pins = pin(graph.inputs(), self.bench.source, keep=self._keep)
        holder = new_holder(self._spine)
        with self._spine.write() as tx:
            run_id = str(self.records.add(tx, name, parameters=bound, trigger=trigger, seed=seed))
            self.records.take(tx, run_id, holder)
        means = self._means(echo, watch, fresh=fresh)
        return self._execute(run_id, holder, parameters=bound, graph=graph, pins=pins, means=means)

    def resume(
        self,
        run_id: str,
        *,
        fresh: bool = False,
        echo: TextIO | None = None,
        watch: Callable[[Progress], None] | None = None,
    ) -> PipelineRun:
        """Go on with a run that failed or whose process died; steps that have finished are not run again.

        A step that finished is run again only when its code or its inputs have changed since.

        Raises:
            NotFound: there is no such run.
            Conflict: it has finished, or another process executes it.
        """
        holder = new_holder(self._spine)
        with self._spine.write() as tx:
            self.records.take(tx, run_id, holder)
        return self.execute(run_id, holder, means=self._means(echo, watch, fresh=fresh))

    def execute(self, run_id: str, holder: str, *, means: Means | None = None, fresh: bool = False) -> PipelineRun:
        """Execute a run that this process holds; whatever is wrong with the code ends in the record of the run.

        Args:
            fresh: take nothing from earlier runs.
        """
        known = self.records.get(run_id)
        try:
            pipeline = self.project.pipeline(known.pipeline)
            bound = pipeline.bind(known.parameters)
            graph = pipeline.trace(bound)
            pins = pin(graph.inputs(), self.bench.source, keep=self._keep, known=known.pins)
        except StackCanvasError as error:
            return self.fail(run_id, error)
        means = means or self._means(None, None, fresh=fresh)
        return self._execute(run_id, holder, parameters=bound, graph=graph, pins=pins, means=means)

    def claim(self) -> tuple[str, str] | None:
        """Become the one who executes the oldest queued run that may run now; None when there is none.

        Returns:
            What `execute` takes: the id of the run and the name under which this process holds it.
        """
        holder = new_holder(self._spine)
        with self._spine.write() as tx:
            claimed = self.records.claim(tx, holder)
        return None if claimed is None else (claimed, holder)

    def take_over(self, run_id: str, before: str) -> str | None:
        """Take a run from the process that claimed it; None when that holds it no longer.

        Returns:
            The name under which this process holds it now.
        """
        holder = new_holder(self._spine)
        with self._spine.write() as tx:
            return holder if self.records.hand_over(tx, run_id, before=before, after=holder) else None

    def release(self, run_id: str, holder: str) -> None:
        """Give a claimed run back, where nobody has taken it over: the next one may execute it at once."""
        with self._spine.write() as tx:
            self.records.release(tx, run_id, holder)

    def at(self, folder: Path, code: CodeState) -> Pipelines:
        """The same pipelines with the code of another folder, such as a work tree of a commit."""
        other = copy(self)
        other.project = Definitions(folder, identity=self.project.identity)
        address = self.bench.address and replace(self.bench.address, code=str(folder))
        other.bench = replace(self.bench, definitions=other.project, address=address)
        other._code = lambda: code  # noqa: SLF001 - of the same class
        return other

    def fail(self, run_id: str, error: StackCanvasError) -> PipelineRun:
        """Record the failure of a run whose code or inputs could not even be read."""
        frames = "\n".join(getattr(error, "__notes__", [])) or user_traceback(error, root=self.project.root)
        with self._spine.write() as tx:
            self._write_failure(tx, self.records.get(run_id), error.sentence(), frames)
        return self.records.get(run_id)

    def reap(self) -> list[str]:
        """Record as failed what a person started and whose process has died since; they may resume it."""
        with self._spine.read() as connection:
            if not self.records.dead(connection):
                return []
        with self._spine.write() as tx:
            dead = self.records.dead(tx)
            for run in dead:
                self._write_failure(tx, run, "the process that executed it died", None)
        return [run.id for run in dead]

    def queue(
        self, name: str, parameters: Mapping[str, object] | None = None, *, concurrency: int | None = None
    ) -> PipelineRun:
        """Ask for a run that a worker will execute.

        Raises:
            NotFound: there is no such pipeline.
            BadInput: a parameter does not fit.
        """
        bound = self.project.pipeline(name).bind(parameters or {})
        with self._spine.write() as tx:
            run_id = self.records.add(
                tx, name, parameters=bound, trigger="manual", queued=True, concurrency=concurrency
            )
        return self.records.get(str(run_id))

    def again(self, run_id: str, *, trigger: str) -> tuple[str, str]:
        """Ask for a run with the parameters, the seed and the versions of data of an earlier one; nobody claims it.

        Returns:
            What `execute` takes: the id of the run and the name under which this process holds it.

        Raises:
            NotFound: there is no such run of a pipeline.
        """
        known, holder = self.records.get(run_id), new_holder(self._spine)
        given = known.parameters
        with self._spine.write() as tx:
            again = self.records.add(
                tx, known.pipeline, parameters=given, trigger=trigger, seed=known.seed, pins=known.pins
            )
            assert again is not None, "nothing caused it"
            self.records.take(tx, again, holder)
        return again, holder

    def ls(self) -> list[Pipeline[..., Any]]:
        """The pipelines of the project, by name.

        Raises:
            BadInput: the code cannot be loaded.
        """
        return [pipeline for _, pipeline in sorted(self.project.pipelines().items())]

    def graph(self, name: str, parameters: Mapping[str, object] | None = None) -> Graph:
        """The graph of a pipeline, without running it."""
        pipeline = self.project.pipeline(name)
        return pipeline.trace(pipeline.bind(parameters or {}))

    def describe(self, name: str, parameters: Mapping[str, object] | None = None) -> list[StepDescription]:
        """The steps of a pipeline and what each needs, without running it."""
        return describe(self.graph(name, parameters))

    def cancel(self, run_id: str) -> PipelineRun:
        """Take a queued run out of the queue.

        Raises:
            NotFound: there is no such run.
            Conflict: it does not wait any more.
        """
        with self._spine.write() as tx:
            self.records.cancel(tx, run_id)
        return self.records.get(run_id)

    def logs(self, run_id: str, *, step: str | None = None) -> list[StepLog]:
        """What the steps of a run printed, and the user's part of the traceback where they failed.

        Raises:
            NotFound: there is no such run, or it has no such step.
        """
        self.records.get(run_id)
        known = {one.node: one for one in self.steps(run_id)}
        if step is not None and step not in known:
            raise NotFound("step of the run", step, known=known)
        chosen = list(known.values()) if step is None else [known[step]]
        texts = [(one.node, "".join(text for text in (one.log, one.frames) if text)) for one in chosen]
        return [StepLog(node, text) for node, text in texts if text]

    def get(self, run_id: str) -> PipelineRun:
        """One run.

        Raises:
            NotFound: there is none of that id.
        """
        return self.records.get(run_id)

    def runs(self, *, pipeline: str | None = None, state: str | None = None, limit: int = 100) -> list[PipelineRun]:
        """Runs, the newest first."""
        return self.records.ls(pipeline=pipeline, state=state, limit=limit)

    def steps(self, run_id: str) -> list[StepRun]:
        """The steps of a run, in the order of the graph."""
        return self.records.steps(run_id)

    def result(self, run_id: str, *, step: str | None = None) -> Any:
        """What a run returned, or one of its steps.

        Raises:
            RunFailed: the run has not finished.
            NotFound: the run has no such step, or it gave no value.
        """
        if step is None:
            return self.values.load(self.values.find(str(self.records.get(run_id).check().value)))
        known = {one.node: one.value for one in self.steps(run_id)}
        if step not in known:
            raise NotFound("step of the run", step, known=known)
        if known[step] is None:
            raise NotFound("value of the step", step, fix="It did not finish; `steps` tells why")
        return self.values.load(self.values.find(str(known[step])))

    def _means(self, echo: TextIO | None, watch: Callable[[Progress], None] | None, *, fresh: bool = False) -> Means:
        return Means(
            self.bench, self._executor, self._spine.clock, self._slots, self._sleep, echo=echo, watch=watch, fresh=fresh
        )

    def _execute(
        self,
        run_id: str,
        holder: str,
        *,
        parameters: Mapping[str, object],
        graph: Graph,
        pins: Mapping[str, Pin],
        means: Means,
    ) -> PipelineRun:
        known = replace(self.records.get(run_id), parameters=dict(parameters))
        earlier = {step.node: step for step in self.records.steps(run_id)} if known.started else {}
        run, recording = self._begin(known, pins)
        ledger = Ledger(
            self._spine, records=self.records, values=self.values, run=recording, subject=_subject(run), holder=holder
        )
        keys = Keys(environment().digest)
        results = Results(self.values, keys, pins)
        cache = Cache(self._spine, self.values, pipeline=run.pipeline)
        execution = Execution(run, graph, means, ledger, results, keys, cache, earlier)
        try:
            with within(recording), held(self._spine, self.records, run_id=run_id, holder=holder):
                execution.go()
                self._end(execution, recording)
        except Lost:
            raise
        except BaseException as error:
            self._abandon(run, recording, error)
            raise
        return self.records.get(run_id)

    def _begin(self, known: PipelineRun, pins: Mapping[str, Pin]) -> tuple[PipelineRun, Recording]:
        """Record the start: the run, its execution and the tracked run are one commit."""
        code = self._code()
        inputs = [
            RunInput(one.ref.name, one.digest, "stackcanvas", str(one.ref), tags=self._split_of(one.ref))
            for one in pins.values()
        ]
        origin = self._experiments.origin(known.id, code)
        with self._spine.write() as tx:
            self.records.begin(tx, known.id, code=code, parameters=known.parameters, pins=pins)
            recording = self._spine.executions.start(
                tx,
                known.id,
                "pipelines.run",
                code=code,
                subject=_subject(known),
                parameters=known.parameters,
                trigger=known.trigger,
            )
            self._experiments.open(
                tx,
                known.id,
                experiment=known.pipeline,
                code=code,
                parameters=known.parameters,
                tags={"trigger": known.trigger},
                seed=known.seed,
                inputs=inputs,
                origin=origin,
            )
        for asked, pinned in pins.items():
            recording.used(pinned.ref, asked)
        return replace(known, code=code, pins=dict(pins)), recording

    def _split_of(self, ref: Ref) -> dict[str, str]:
        """The split that a part came from, as a tag of the input."""
        found = self._spine.lineage.beside(ref, kind="split")
        return {} if found is None else {"split": str(found)}

    def _keep(self, rows: object) -> str:
        kept = self.values.keep(encode(rows))
        with self._spine.write() as tx:
            self.values.record(tx, kept)
        return kept[0].digest

    def _end(self, execution: Execution, recording: Recording) -> None:
        """Record the end of a run whose graph has been executed."""
        failed = execution.failed()
        error = value = None
        kept = []
        if failed:
            error = "; ".join(f"{entry.node}: {(entry.error or '').strip()}" for entry in failed)
        else:
            kept = execution.results.value(execution.graph.result, self.bench)
            value = kept[0].digest
        state = FAILED if failed else FINISHED
        recording.made(execution.run.ref)
        with self._spine.write() as tx:
            self.values.record(tx, kept)
            self._write_end(tx, execution.run, recording, state, error=error, value=value)

    def _abandon(self, run: PipelineRun, recording: Recording, error: BaseException) -> None:
        """Record that a run was broken off; the first error is the one to tell."""
        state = FAILED if isinstance(error, Exception) else CANCELLED
        told = error.sentence() if isinstance(error, StackCanvasError) else f"{type(error).__name__}: {error}"
        recording.finished = False
        with suppress(StackCanvasError), self._spine.write() as tx:
            self._write_end(tx, run, recording, state, error=told)

    def _write_end(
        self,
        tx: Connection,
        run: PipelineRun,
        recording: Recording,
        state: str,
        *,
        error: str | None = None,
        value: str | None = None,
    ) -> None:
        ends = {FINISHED: ("done", "finished"), FAILED: ("failed", "failed"), CANCELLED: ("cancelled", "killed")}
        executed, tracked = ends[state]
        self.records.end(tx, run.id, state, error=error, value=value)
        recording.finish(tx, state=executed, error=error)
        self._experiments.runs.end(tx, run.id, tracked)
        self._spine.events.emit(tx, "run.finished", run.ref, {"pipeline": run.pipeline, "state": state})

    def _write_failure(self, tx: Connection, run: PipelineRun, error: str, frames: str | None) -> None:
        self.records.end(tx, run.id, FAILED, error=error, frames=frames)
        if run.started is not None:
            self._experiments.runs.end(tx, run.id, "failed")
        self._spine.events.emit(tx, "run.finished", run.ref, {"pipeline": run.pipeline, "state": FAILED})


def _subject(run: PipelineRun) -> Ref:
    return Ref("pipeline", run.pipeline)

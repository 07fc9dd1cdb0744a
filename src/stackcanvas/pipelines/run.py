"""Runs of pipelines as records: who waits, who runs, how it ended, and what became of each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, bindparam, func, literal, select, update

from stackcanvas.backends.database.types import Instant
from stackcanvas.clock import Clock
from stackcanvas.errors import Conflict, NotFound, StackCanvasError
from stackcanvas.metadata import CodeState, Ref, Spine, processes
from stackcanvas.metadata.leases import Watch
from stackcanvas.pipelines.frames import storable
from stackcanvas.pipelines.inputs import Pin, pins_from_json, pins_to_json
from stackcanvas.pipelines.tables import pipeline_run, pipeline_step

QUEUED, RUNNING, FINISHED, FAILED, CANCELLED = "queued", "running", "finished", "failed", "cancelled"
# Of steps: taken from an earlier run; not wanted by a condition; not possible after a failure.
CACHED, SKIPPED, BLOCKED = "cached", "skipped", "blocked"
LEASE_S = 30.0
_LOOKED_AT = 1000

# Made once: it is executed with every step.
_RENEW = (
    update(pipeline_run)
    .where(pipeline_run.c.id == bindparam("run"), pipeline_run.c.holder == bindparam("by"))
    .where(pipeline_run.c.state == RUNNING)
)


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step of a run.

    Args:
        node: its place in the graph; `fit#2` for the second use, `fit[3]` for an item of a mapped step.
        state: running, finished, cached, failed, skipped (by a condition) or blocked (by a failure before it).
        attempt: how often it was tried.
        execution: the execution that made the value; of an earlier run when it is cached.
        error: the sentence of the error, where it failed.
        frames: the user's part of the traceback.
        log: what it printed, at most the last 64 KB.
    """

    node: str
    step: str
    state: str
    attempt: int
    key: str | None
    value: str | None
    execution: str | None
    started: datetime | None
    ended: datetime | None
    error: str | None
    frames: str | None
    log: str | None

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end of the last attempt."""
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()


@dataclass(frozen=True, slots=True)
class StepLog:
    """What a step printed, and where it failed.

    Args:
        node: its place in the graph.
    """

    node: str
    text: str


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """A run of a pipeline.

    Args:
        state: queued, running, finished, failed or cancelled.
        trigger: what started it.
        code: the commit that runs.
        pins: the version of each input, by the ref as the pipeline names it.
        error: why it failed.
        frames: the user's part of the traceback, where the body of the pipeline failed.
        value: the digest of what the body returned; `Pipelines.result` reads it.
    """

    id: str
    pipeline: str
    state: str
    parameters: dict[str, object]
    seed: int
    trigger: str
    requested: datetime
    started: datetime | None
    ended: datetime | None
    code: CodeState
    pins: dict[str, Pin] = field(default_factory=dict)
    error: str | None = None
    frames: str | None = None
    value: str | None = None

    @property
    def ref(self) -> Ref:
        """The ref of the run; the tracked run has the same."""
        return Ref("run", self.id)

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end."""
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()

    def check(self) -> PipelineRun:
        """The run itself, when it has finished.

        Raises:
            RunFailed: it has not.
        """
        if self.state != FINISHED:
            raise RunFailed(self)
        return self


class RunFailed(StackCanvasError):
    """A run of a pipeline did not finish."""

    status = 422
    exit_code = 1

    def __init__(self, run: PipelineRun) -> None:
        self.run = run
        resume = f"Mend it and go on: stackcanvas run {run.pipeline} --resume {run.id}"
        what = (run.error or "it has not ended").rstrip(".")
        super().__init__(f"the run {run.id} of {run.pipeline} is {run.state}: {what}", fix=resume)


class RunRecords:
    """Writes and reads the records of runs.

    Args:
        wall: how time goes by, for who holds a run; records themselves have the spine's time.
    """

    def __init__(self, spine: Spine, *, wall: Clock) -> None:
        self._spine = spine
        self._wall = wall
        self._watch = Watch(wall)

    def add(
        self,
        tx: Connection,
        pipeline: str,
        *,
        parameters: Mapping[str, object],
        trigger: str,
        seed: int = 0,
        queued: bool = False,
        cause: str | None = None,
        concurrency: int | None = None,
        pins: Mapping[str, Pin] | None = None,
    ) -> str | None:
        """Record a run that waits; None when what causes it has caused one before."""
        run_id = self._spine.ids.new()
        new = self._spine.database.insert(pipeline_run).values(
            id=run_id,
            pipeline=pipeline,
            state=QUEUED,
            parameters=dict(parameters),
            seed=seed,
            trigger=trigger,
            cause=cause,
            concurrency=concurrency,
            queued=queued,
            requested=self._spine.clock.now(),
            dirty=False,
            pins=pins_to_json(pins or {}),
        )
        once = new.on_conflict_do_nothing(index_elements=[pipeline_run.c.cause])
        return run_id if tx.execute(once.returning(pipeline_run.c.id)).first() else None

    def caused(self, connection: Connection, causes: Sequence[str]) -> set[str]:
        """Those of the causes that have caused a run."""
        chosen = select(pipeline_run.c.cause).where(pipeline_run.c.cause.in_(causes))
        return set(connection.execute(chosen).scalars()) if causes else set()

    def take(self, tx: Connection, run_id: str, holder: str) -> None:
        """Become the one who executes a run.

        Raises:
            NotFound: there is no such run.
            Conflict: another process executes it, or it has finished.
        """
        row = tx.execute(select(pipeline_run).where(pipeline_run.c.id == run_id)).one_or_none()
        if row is None:
            raise NotFound("run of a pipeline", run_id)
        if row.state == FINISHED:
            raise Conflict(f"the run {run_id} has finished", fix=f"Start another one: stackcanvas run {row.pipeline}")
        if row.state == RUNNING and row.holder != holder and not self._is_free(row):
            raise Conflict(f"the run {run_id} is being executed by process {_process(row.holder)}")
        self._hold(tx, run_id, holder)

    def claim(self, tx: Connection, holder: str) -> str | None:
        """Become the one who executes the oldest queued run that may run now; None when there is none."""
        for row in self._claimable(tx)[:1]:
            self._hold(tx, row.id, holder)
            return str(row.id)
        return None

    def hand_over(self, tx: Connection, run_id: str, *, before: str, after: str) -> bool:
        """Pass a run from one holder to another; False when the first holds it no longer."""
        held = (pipeline_run.c.id == run_id) & (pipeline_run.c.holder == before) & (pipeline_run.c.state == RUNNING)
        values = {"holder": after, "expires": self._later()}
        return bool(tx.execute(update(pipeline_run).where(held).values(values)).rowcount)

    def release(self, tx: Connection, run_id: str, holder: str) -> None:
        """Give a run back, where the holder has it still: the next one may execute it at once."""
        held = (pipeline_run.c.id == run_id) & (pipeline_run.c.holder == holder)
        tx.execute(update(pipeline_run).where(held).values(holder=None, expires=None))

    def dead(self, connection: Connection) -> list[PipelineRun]:
        """Runs that a person started and whose process has died; nobody goes on with them unasked."""
        at_work = select(pipeline_run).where(pipeline_run.c.state == RUNNING, ~pipeline_run.c.queued)
        return [_run(row) for row in connection.execute(at_work).all() if self._has_lapsed(row)]

    def at_work(self) -> set[str]:
        """The ids of the runs that somebody executes now."""
        running = select(pipeline_run).where(pipeline_run.c.state == RUNNING)
        with self._spine.read() as connection:
            return {str(row.id) for row in connection.execute(running).all() if not self._has_lapsed(row)}

    def _claimable(self, connection: Connection) -> list[Row[tuple[object, ...]]]:
        """Those that wait and whose pipeline has room, and those whose holder has died."""
        at_work = select(pipeline_run).where(pipeline_run.c.state == RUNNING)
        waiting = select(pipeline_run).where(pipeline_run.c.state == QUEUED, pipeline_run.c.queued)
        ordered = (pipeline_run.c.requested, pipeline_run.c.id)
        found: list[Row[tuple[object, ...]]] = []
        taken: Counter[str] = Counter()
        for row in connection.execute(at_work.order_by(*ordered)).all():
            free = self._has_lapsed(row)
            # A run by hand whose process died keeps nobody waiting.
            taken[row.pipeline] += row.queued or not free
            if row.queued and free:
                found.append(row)
        for row in connection.execute(waiting.order_by(*ordered).limit(_LOOKED_AT)).all():
            if row.concurrency is None or taken[row.pipeline] < row.concurrency:
                taken[row.pipeline] += 1
                found.append(row)
        return found

    def _is_free(self, row: Row[tuple[object, ...]]) -> bool:
        """Whether the holder has died, or going by the clock says nothing any more: good enough for a person."""
        facts = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
        if facts["holder"] is None or facts["expires"] is None:
            return True
        return bool(facts["expires"] <= self._wall.now()) or processes.is_gone(_process(facts["holder"]))

    def _has_lapsed(self, row: Row[tuple[object, ...]]) -> bool:
        """Whether the holder has died, or has been silent for as long as its hold lasts while this process looked."""
        facts = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
        if facts["holder"] is None or facts["expires"] is None or processes.is_gone(_process(facts["holder"])):
            return True
        return self._watch.unchanged_s(facts["id"], (facts["holder"], facts["expires"])) >= LEASE_S

    def renew(self, tx: Connection, run_id: str, holder: str) -> bool:
        """Say that the holder lives; False when it holds the run no longer."""
        return bool(tx.execute(_RENEW, {"run": run_id, "by": holder, "expires": self._later()}).rowcount)

    def begin(
        self,
        tx: Connection,
        run_id: str,
        *,
        code: CodeState,
        parameters: Mapping[str, object],
        pins: Mapping[str, Pin],
    ) -> None:
        """Record code, parameters (defaults filled in) and inputs of a run that starts; the first start counts."""
        values = {
            "code_commit": code.commit,
            "dirty": code.dirty,
            "parameters": dict(parameters),
            "pins": pins_to_json(pins),
        }
        started = func.coalesce(pipeline_run.c.started, literal(self._spine.clock.now(), Instant))
        here = update(pipeline_run).where(pipeline_run.c.id == run_id)
        tx.execute(here.values(**values, started=started, ended=None, error=None, frames=None))

    def end(
        self,
        tx: Connection,
        run_id: str,
        state: str,
        *,
        error: str | None = None,
        frames: str | None = None,
        value: str | None = None,
    ) -> None:
        """Record how a run ended, inside the caller's transaction."""
        here = update(pipeline_run).where(pipeline_run.c.id == run_id)
        told = {
            "error": None if error is None else storable(error, end=False),
            "frames": None if frames is None else storable(frames),
        }
        free = {"holder": None, "expires": None}
        tx.execute(here.values(state=state, ended=self._spine.clock.now(), value=value, **told, **free))

    def cancel(self, tx: Connection, run_id: str) -> None:
        """Take a queued run out of the queue.

        Raises:
            NotFound: there is no such run.
            Conflict: it does not wait any more.
        """
        waits = (pipeline_run.c.id == run_id) & (pipeline_run.c.state == QUEUED)
        changed = update(pipeline_run).where(waits).values(state=CANCELLED, ended=self._spine.clock.now())
        if not tx.execute(changed).rowcount:
            raise Conflict(f"the run {run_id} is {self.get(run_id).state}", expected="a queued run")

    def get(self, run_id: str) -> PipelineRun:
        """One run.

        Raises:
            NotFound: there is none of that id.
        """
        for found in self._select(pipeline_run.c.id == run_id, limit=1):
            return found
        raise NotFound("run of a pipeline", run_id)

    def ls(self, *, pipeline: str | None = None, state: str | None = None, limit: int = 100) -> list[PipelineRun]:
        """Runs, the newest first."""
        wanted = []
        if pipeline is not None:
            wanted.append(pipeline_run.c.pipeline == pipeline)
        if state is not None:
            wanted.append(pipeline_run.c.state == state)
        return self._select(*wanted, limit=limit)

    def steps(self, run_id: str) -> list[StepRun]:
        """The steps of a run, in the order of the graph."""
        names = list(StepRun.__dataclass_fields__)
        chosen = select(*(pipeline_step.c[name] for name in names)).where(pipeline_step.c.run == run_id)
        with self._spine.read() as connection:
            rows = connection.execute(chosen.order_by(pipeline_step.c.position, pipeline_step.c.node))
            return [StepRun(*row) for row in rows]

    def _select(self, *wanted: object, limit: int) -> list[PipelineRun]:
        chosen = select(pipeline_run).where(*wanted)  # type: ignore[arg-type]
        ordered = chosen.order_by(pipeline_run.c.requested.desc(), pipeline_run.c.id.desc()).limit(limit)
        with self._spine.read() as connection:
            return [_run(row) for row in connection.execute(ordered)]

    def _hold(self, tx: Connection, run_id: str, holder: str) -> None:
        here = update(pipeline_run).where(pipeline_run.c.id == run_id)
        tx.execute(here.values(state=RUNNING, holder=holder, expires=self._later()))

    def _later(self) -> datetime:
        return self._wall.now() + timedelta(seconds=LEASE_S)


def new_holder(spine: Spine) -> str:
    """A name for this process as the one who executes a run; told apart from its other runs."""
    return f"{processes.mark()}#{spine.ids.new()}"


def _process(holder: str) -> str:
    return holder.partition("#")[0]


def _run(row: Row[tuple[object, ...]]) -> PipelineRun:
    facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    code = CodeState(facts.pop("code_commit"), facts.pop("dirty"))
    for name in ("cause", "concurrency", "queued", "holder", "expires"):
        del facts[name]
    return PipelineRun(**facts | {"code": code, "pins": pins_from_json(facts["pins"])})

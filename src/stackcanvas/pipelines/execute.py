"""Executing a graph: what can run does, what is known already is taken, a failure stops only what depends on it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TextIO

from blake3 import blake3

from stackcanvas.backends.executor import Executor
from stackcanvas.clock import Clock
from stackcanvas.errors import BadInput, StackCanvasError
from stackcanvas.pipelines.bench import Bench
from stackcanvas.pipelines.cache import Cache, Keys
from stackcanvas.pipelines.dag import dependents, needs
from stackcanvas.pipelines.encoding import join
from stackcanvas.pipelines.handles import Handle, leaves
from stackcanvas.pipelines.ledger import Entry, Ledger
from stackcanvas.pipelines.perform import Outcome, StepTimedOut, Task
from stackcanvas.pipelines.resolve import Results
from stackcanvas.pipelines.run import BLOCKED, CACHED, FAILED, FINISHED, RUNNING, SKIPPED, PipelineRun, StepRun
from stackcanvas.pipelines.trace import Call, Choice, Graph, Node
from stackcanvas.pipelines.values import Stored

_PERFORM = "stackcanvas.pipelines.perform:perform"
_LONGEST_PAUSE_S = 60.0
_ITEMS = 1_000_000


@dataclass(frozen=True, slots=True)
class Progress:
    """A step has changed its state.

    Args:
        done: how many steps of the run have ended.
        total: how many there are, as far as is known.
    """

    node: str
    state: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Means:
    """What a run is executed with.

    Args:
        slots: how many steps run beside each other.
        sleep: waits so many seconds of the clock's time.
        echo: where the output of steps is passed on to.
        watch: is told of every change.
        fresh: take nothing from earlier runs.
    """

    bench: Bench
    executor: Executor
    clock: Clock
    slots: int
    sleep: Callable[[float], None]
    echo: TextIO | None = None
    watch: Callable[[Progress], None] | None = None
    fresh: bool = False


@dataclass(slots=True)
class _Job:
    """A step that is to be executed, or is."""

    entry: Entry
    node: Call
    arguments: Mapping[str, object]
    index: int | None
    due: datetime | None = None
    began_s: float = 0.0


@dataclass(slots=True)
class _Mapped:
    """A mapped step whose items are on their way."""

    entries: list[Entry]
    left: int


@dataclass(slots=True)
class Execution:
    """One execution of a graph."""

    run: PipelineRun
    graph: Graph
    means: Means
    ledger: Ledger
    results: Results
    keys: Keys
    cache: Cache
    earlier: Mapping[str, StepRun]
    entries: dict[str, Entry] = field(default_factory=dict)
    _states: dict[str, str] = field(default_factory=dict)
    _missing: dict[str, int] = field(default_factory=dict)
    _after: dict[str, list[str]] = field(default_factory=dict)
    _open: deque[str] = field(default_factory=deque)
    _queue: deque[_Job] = field(default_factory=deque)
    _delayed: list[_Job] = field(default_factory=list)
    _running: dict[Future[object], _Job] = field(default_factory=dict)
    _mapped: dict[str, _Mapped] = field(default_factory=dict)

    def go(self) -> None:
        """Execute until nothing is left that could be.

        Raises:
            Lost: another process executes the run now.
        """
        self._after = dependents(self.graph)
        self._missing = {name: len(needs(node)) for name, node in self.graph.nodes.items()}
        self._open.extend(name for name, count in self._missing.items() if count == 0)
        while True:
            while self._open:
                self._visit(self._open.popleft())
            job = self._next()
            if job is not None:
                self._launch(job)
            elif self._running:
                self._wait()
            elif self._delayed:
                self.means.sleep(max(self._pause_s(), 0.0))
            else:
                break
        self.ledger.flush()

    def failed(self) -> list[Entry]:
        """The steps that failed, in the order of the graph."""
        found = [entry for entry in self.entries.values() if entry.state == FAILED and entry.node not in self._mapped]
        return sorted(found, key=lambda entry: entry.position)

    # What becomes of a node whose needs have all ended.

    def _visit(self, name: str) -> None:
        node = self.graph.nodes[name]
        try:
            refused = self._refused(node)
            if refused is not None:
                self._end_node(name, refused)
            elif isinstance(node, Choice):
                self._choose(node)
            elif node.over is not None:
                self._expand(node)
            else:
                self._prepare(self._entry(node), node, node.arguments, None)
        except StackCanvasError as error:
            entry = self.entries.get(name) or self._entry(node)
            entry.error = error.sentence()
            self._end_node(name, FAILED)

    def _refused(self, node: Node) -> str | None:
        """Why a node does not run: a condition, or something before it."""
        for guard in node.guards:
            state = self._states[guard.condition.node]
            if state in {FAILED, BLOCKED}:
                return BLOCKED
            if state == SKIPPED or not self.results.holds(guard):
                return SKIPPED
        return self._stopped(node.arguments if isinstance(node, Call) else node.condition)

    def _stopped(self, structure: object) -> str | None:
        given = dict(structure) if isinstance(structure, Mapping) else structure
        states = {self._states[leaf.node] for leaf in leaves(given) if isinstance(leaf, Handle)}
        if states & {FAILED, BLOCKED}:
            return BLOCKED
        return SKIPPED if SKIPPED in states else None

    def _choose(self, node: Choice) -> None:
        holds = self.results.decides(node.condition)
        chosen = node.then if holds else node.otherwise
        stopped = self._stopped(chosen)
        if stopped is not None:
            self._end_node(node.id, stopped)
            return
        kept = self.results.value(chosen, self.means.bench)
        executions = self.results.executions.get(chosen.node, ()) if isinstance(chosen, Handle) else ()
        self.results.put(node.id, kept[0], executions)
        if not isinstance(chosen, Handle):
            self.ledger.keep(kept)
        self._end_node(node.id, FINISHED)

    def _expand(self, node: Call) -> None:
        over = str(node.over)
        items = self.results.items(node.arguments[over])
        parent = self._entry(node)
        parent.state = RUNNING
        entries = [self._entry(node, index) for index in range(len(items))]
        self._mapped[node.id] = _Mapped(entries, len(items))
        if not items:
            self._gather(node.id)
        for index, item in enumerate(items):
            try:
                self._prepare(entries[index], node, {**node.arguments, over: item}, index)
            except StackCanvasError as error:
                entries[index].error = error.sentence()
                self.ledger.settle(entries[index], FAILED)
                self._end_item(node.id)

    def _prepare(self, entry: Entry, node: Call, arguments: Mapping[str, object], index: int | None) -> None:
        """Take what is known, or queue the step."""
        settled = self.results.settled(arguments)
        entry.key = self.results.key(node, settled)
        entry.cached = node.definition.cache
        earlier = self.earlier.get(entry.node)
        values = self.means.bench.values
        if earlier is not None and earlier.state in {FINISHED, CACHED} and earlier.key == entry.key and earlier.value:
            stored = values.find_all([earlier.value]).get(earlier.value)
            if stored is not None and values.is_there(stored):
                # Its row says already how it ended.
                entry.value, entry.execution, entry.state = stored, earlier.execution, earlier.state
                self._end_job(entry, node, index)
                return
        found = self.cache.get(entry.key) if entry.cached and not self.means.fresh else None
        if found is not None:
            self._take(entry, node, index, found)
            return
        self._queue.append(_Job(entry, node, settled, index))

    def _take(self, entry: Entry, node: Call, index: int | None, found: tuple[Stored, str]) -> None:
        entry.value, entry.execution = found
        self.cache.put(str(entry.key), *found)
        self.ledger.settle(entry, CACHED)
        self._end_job(entry, node, index)

    # Jobs: launched, waited for, collected.

    def _next(self) -> _Job | None:
        """The first job for which there is room."""
        now = self.means.clock.now() if self._delayed else None
        for job in [one for one in self._delayed if now is not None and one.due is not None and one.due <= now]:
            self._delayed.remove(job)
            self._queue.appendleft(job)
        taken = sum(_cpu(job) for job in self._running.values())
        for job in self._queue:
            if not self._running or taken + _cpu(job) <= self.means.slots:
                self._queue.remove(job)
                return job
        return None

    def _launch(self, job: _Job) -> None:
        entry = job.entry
        twin = self.cache.made(str(entry.key)) if entry.cached and entry.attempt == 0 else None
        if twin is not None:  # an equal step of this run has ended meanwhile
            self._take(entry, job.node, job.index, twin)
            return
        self.ledger.start(entry, self.results.used(job.node.arguments))
        self.ledger.flush()
        self._tell(entry.node, RUNNING)
        job.began_s = time.monotonic()
        elsewhere = self.means.executor.url != "inline:"
        try:
            future = self.means.executor.submit(
                _PERFORM, self.means.bench, self._task(job, elsewhere=elsewhere), None if elsewhere else self.means.echo
            )
        except StackCanvasError as error:
            self._finish(job, Outcome(error=error.sentence(), final=True))
            return
        self._running[future] = job
        if future.done():
            self._collect(future)

    def _task(self, job: _Job, *, elsewhere: bool) -> Task:
        definition, run = job.node.definition, self.run
        return Task(
            run=run.id,
            pipeline=run.pipeline,
            parameters=run.parameters,
            node=job.entry.node,
            call=job.node.id,
            definition=None if elsewhere else definition,
            digest=self.keys.code(definition),
            arguments=job.arguments,
            seed=int.from_bytes(blake3(f"{run.seed}:{job.entry.node}".encode()).digest(4)),
            execution=str(job.entry.execution),
            trigger=run.trigger,
            code=run.code,
        )

    def _wait(self) -> None:
        self.ledger.flush()
        pause_s = max(self._pause_s(), 0.0) if self._delayed else None
        ended, _ = wait(self._running, timeout=pause_s, return_when=FIRST_COMPLETED)
        for future in ended:
            self._collect(future)

    def _collect(self, future: Future[object]) -> None:
        job = self._running.pop(future)
        try:
            outcome = future.result()
        except StackCanvasError as error:
            outcome = self._lost(job, error)
        assert isinstance(outcome, Outcome)
        if self.means.echo is not None and self.means.executor.url != "inline:" and outcome.log:
            self.means.echo.write(outcome.log)
        self._finish(job, outcome)

    def _lost(self, job: _Job, error: StackCanvasError) -> Outcome:
        """The executor could not bring the outcome: its worker died, or ended itself when the step took too long."""
        limit_s = job.node.definition.timeout_s
        if limit_s is not None and time.monotonic() - job.began_s >= limit_s:
            return Outcome(error=StepTimedOut(job.node.definition.name, limit_s).sentence())
        return Outcome(error=error.sentence(), final=isinstance(error, BadInput))

    def _finish(self, job: _Job, outcome: Outcome) -> None:
        entry, definition = job.entry, job.node.definition
        entry.error, entry.frames, entry.log = outcome.error, outcome.frames, outcome.log
        if entry.recording is not None:
            for direction, ref, role in outcome.links:
                (entry.recording.used if direction == "used" else entry.recording.made)(ref, role)
        if outcome.error is None:
            entry.value, entry.kept = outcome.kept[0], list(outcome.kept)
            self.ledger.end(entry, FINISHED)
            self.cache.put(str(entry.key), entry.value, str(entry.execution))
            self._end_job(entry, job.node, job.index)
            return
        self.ledger.end(entry, FAILED)
        if entry.attempt <= definition.retries and not outcome.final:
            pause_s = min(2.0 ** (entry.attempt - 1), _LONGEST_PAUSE_S)
            job.due = self.means.clock.now() + timedelta(seconds=pause_s)
            self._delayed.append(job)
            self._tell(entry.node, FAILED)
            return
        self._end_job(entry, job.node, job.index)

    def _pause_s(self) -> float:
        """Until the first job that waits to be tried again."""
        due = min(job.due for job in self._delayed if job.due is not None)
        return (due - self.means.clock.now()).total_seconds()

    # Ends.

    def _end_job(self, entry: Entry, node: Call, index: int | None) -> None:
        self._tell(entry.node, entry.state)
        if index is not None:
            self._end_item(node.id)
            return
        if entry.value is not None and entry.state in {FINISHED, CACHED}:
            self.results.put(node.id, entry.value, (str(entry.execution),))
        self._unlock(node.id, entry.state)

    def _end_item(self, name: str) -> None:
        mapped = self._mapped[name]
        mapped.left -= 1
        if mapped.left == 0:
            self._gather(name)

    def _gather(self, name: str) -> None:
        """A mapped step has its items: its value is their list."""
        mapped, parent = self._mapped[name], self.entries[name]
        values = [entry.value for entry in mapped.entries if entry.value is not None and entry.state != FAILED]
        if len(values) < len(mapped.entries):
            parent.error = "some of its items failed"
            self._end_node(name, FAILED)
            return
        kept = self.means.bench.values.keep(join([value.digest for value in values]))
        self.ledger.keep(kept)
        parent.value = kept[0]
        self.results.put(name, kept[0], [str(entry.execution) for entry in mapped.entries])
        self._end_node(name, CACHED if all(entry.state == CACHED for entry in mapped.entries) else FINISHED)

    def _end_node(self, name: str, state: str) -> None:
        """A node ends without an execution of its own."""
        node = self.graph.nodes[name]
        if isinstance(node, Call) or state == FAILED:
            entry = self.entries.get(name) or self._entry(node)
            self.ledger.settle(entry, state)
        self._tell(name, state)
        self._unlock(name, state)

    def _unlock(self, name: str, state: str) -> None:
        self._states[name] = state
        for waiting in self._after[name]:
            self._missing[waiting] -= 1
            if self._missing[waiting] == 0:
                self._open.append(waiting)

    def _entry(self, node: Node, index: int | None = None) -> Entry:
        name = node.id if index is None else f"{node.id}[{index}]"
        step = node.definition.name if isinstance(node, Call) else "when"
        position = list(self.graph.nodes).index(node.id) * _ITEMS + (0 if index is None else index + 1)
        self.entries[name] = entry = Entry(node=name, step=step, position=position)
        return entry

    def _tell(self, node: str, state: str) -> None:
        if self.means.watch is not None:
            done = sum(1 for entry in self.entries.values() if entry.state not in {"", RUNNING})
            total = len(self.graph.nodes) + sum(len(mapped.entries) - 1 for mapped in self._mapped.values())
            self.means.watch(Progress(node, state, done, total))


def _cpu(job: _Job) -> float:
    return float(job.node.definition.resources.get("cpu", 1))

"""A live run: what code calls while it works, with metrics gathered and written many at a time."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from stackcanvas.errors import BadInput, StackCanvasError
from stackcanvas.experiments.artifacts import RunArtifacts
from stackcanvas.experiments.metrics import Metrics, Point
from stackcanvas.experiments.runs import FAILED, FINISHED, KILLED, RunInput, Runs
from stackcanvas.metadata import Recording, Ref, Spine, within

_MOST_POINTS = 1000
_LONGEST_WAIT_S = 1.0


class Run:
    """A run that is going on.

    Metrics are gathered and written when a thousand wait or a second has passed, by `flush`, and at the end; everything
    else is written at once. As a context manager it ends the run, as failed when an error leaves the block.

    Args:
        recording: the execution that ends with this run; None when another one owns the run, as a pipeline does.
    """

    def __init__(
        self,
        run_id: str,
        *,
        experiment_id: int,
        spine: Spine,
        artifacts: RunArtifacts,
        recording: Recording | None = None,
    ) -> None:
        self.id = run_id
        self._experiment_id = experiment_id
        self._spine = spine
        self._runs = Runs(spine)
        self._metrics = Metrics(spine)
        self._artifacts = artifacts
        self._recording = recording
        self._points: list[Point] = []
        self._lock = threading.Lock()
        self._flushed = time.monotonic()
        self._around = ExitStack()
        _LIVE.add(self)

    @property
    def ref(self) -> Ref:
        """The ref of the run."""
        return Ref("run", self.id)

    def log_parameters(self, parameters: Mapping[str, object]) -> None:
        """Record parameters; each can be given once, the same value again is accepted.

        Raises:
            Conflict: one has another value already; then none is recorded.
        """
        with self._spine.write() as tx:
            self._runs.set_parameters(tx, self.id, parameters)

    def log_metric(self, key: str, value: float, *, step: int = 0) -> None:
        """Record a value of a metric; NaN and the infinities are kept.

        Raises:
            BadInput: the value is not a number.
        """
        self.log_metrics({key: value}, step=step)

    def log_metrics(self, metrics: Mapping[str, float], *, step: int = 0) -> None:
        """Record values of several metrics at the same step."""
        now = self._spine.clock.now()
        points = [Point(key, step, now, _number(key, value)) for key, value in metrics.items()]
        with self._lock:
            self._points += points
            due = len(self._points) >= _MOST_POINTS or time.monotonic() - self._flushed > _LONGEST_WAIT_S
        if due:
            self.flush()

    def set_tag(self, key: str, value: object) -> None:
        """Set a tag; a later value takes the place of an earlier one."""
        with self._spine.write() as tx:
            self._runs.set_tags(tx, self.id, {key: value})

    def log_input(self, ref: Ref, *, digest: str, context: str = "") -> None:
        """Record a data version that the run read.

        Args:
            context: what it was for, such as `training`.
        """
        tags = {"context": context} if context else {}
        given = RunInput(ref.name, digest, "stackcanvas", str(ref), tags=tags)
        with self._spine.write() as tx:
            self._runs.add_inputs(tx, self.id, [given], experiment_id=self._experiment_id)
        if self._recording is not None:
            self._recording.used(ref, context)

    def log_artifact(self, path: str, data: bytes | str | Path) -> None:
        """Keep a file with the run.

        Args:
            path: where, below the run's place.
            data: its bytes, its text, or the path of a file to copy.
        """
        self._artifacts.put(self.id, path, data.encode() if isinstance(data, str) else data)

    def flush(self) -> None:
        """Write the metrics that wait; what was logged before is durable when this returns."""
        with self._writing() as points:
            if points:
                with self._spine.database.write(durable=False) as tx:
                    self._metrics.add(tx, self.id, points, experiment=self._experiment_id)

    def end(self, status: str = FINISHED, *, error: str | None = None) -> None:
        """End the run: what waits, its status, and its execution where it owns one are one commit."""
        with self._writing() as points, self._spine.write() as tx:
            self._metrics.add(tx, self.id, points, experiment=self._experiment_id)
            self._runs.end(tx, self.id, status)
            if self._recording is not None and not self._recording.finished:
                self._recording.made(self.ref)
                state = {FINISHED: "done", KILLED: "cancelled"}.get(status, "failed")
                self._recording.finish(tx, state=state, error=error)

    @contextmanager
    def _writing(self) -> Iterator[list[Point]]:
        """The points that wait; where they cannot be written they wait on."""
        with self._lock:
            points, self._points = self._points, []
            self._flushed = time.monotonic()
            try:
                yield points
            except BaseException:
                self._points = points + self._points
                raise

    def __enter__(self) -> Self:
        if self._recording is not None:
            self._around.enter_context(within(self._recording))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._around.close()
        if error is None:
            self.end()
            return
        said = error.sentence() if isinstance(error, StackCanvasError) else f"{type(error).__name__}: {error}"
        # The first error is the one to tell.
        with suppress(StackCanvasError):
            self.end(FAILED if isinstance(error, Exception) else KILLED, error=said)


def _number(key: str, value: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadInput(f"the metric {key!r} was given {value!r}", expected="a number") from None


_LIVE: weakref.WeakSet[Run] = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    for run in list(_LIVE):
        # Nobody is left to hear of an error here.
        with suppress(Exception):
            run.flush()

"""A live run: what code calls while it works."""

from __future__ import annotations

import operator
import os
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from stackcanvas.errors import BadInput, StackCanvasError
from stackcanvas.experiments.artifacts import RunArtifacts
from stackcanvas.experiments.contents import files_of
from stackcanvas.experiments.html import as_html
from stackcanvas.experiments.metrics import Metrics, Point
from stackcanvas.experiments.origin import NOTEBOOK, OWN, Origins, cells
from stackcanvas.experiments.runs import FAILED, FINISHED, KILLED, RunInfo, RunInput, Runs
from stackcanvas.experiments.system import SYSTEM, SystemMetrics
from stackcanvas.experiments.writer import Writer
from stackcanvas.metadata import Recording, Ref, Spine, within

_INT64 = 1 << 63
_LONGEST_KEY = 250

_open: ContextVar[str | None] = ContextVar("stackcanvas_run", default=None)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a live run writes with."""

    spine: Spine
    runs: Runs
    origins: Origins
    metrics: Metrics
    writer: Writer
    artifacts: RunArtifacts
    get: Callable[[str], RunInfo]


class Run:
    """A run that is going on.

    Metrics are written in the background, a fifth of a second after they were logged at the latest, by `flush`, and at
    the end; everything else is written at once. As a context manager it ends the run, as failed when an error leaves
    the block. It may be used from several threads, and be written to after its end.

    Args:
        recording: the execution that ends with this run; None when another one owns the run, as a pipeline does.
        system_s: how often to sample how busy the machine is; None for never.
    """

    def __init__(
        self,
        run_id: str,
        *,
        experiment_id: int,
        tools: Tools,
        recording: Recording | None = None,
        system_s: float | None = None,
    ) -> None:
        self.id = run_id
        self._experiment_id = experiment_id
        self._tools = tools
        self._spine = tools.spine
        self._writer = tools.writer
        self._recording = recording
        self._process = os.getpid()
        self._around = ExitStack()
        self._known: set[str] = set()
        self._system = None if system_s is None else self._sampled(system_s)

    @property
    def ref(self) -> Ref:
        """The ref of the run."""
        return Ref("run", self.id)

    def log(self, metrics: Mapping[str, float] | None = None, /, *, step: int = 0, **more: float) -> None:
        """Record values of metrics at a step; NaN and the infinities are kept.

        Args:
            metrics: value by name; those whose name is a word can be given by keyword instead.
            step: counts within the run.

        Raises:
            BadInput: a value is no number, or a name or the step cannot be kept.
        """
        now = self._spine.clock.now()
        if metrics is not None and not isinstance(metrics, Mapping):
            raise BadInput(f"{reprlib.repr(metrics)} are no metrics", expected="numbers by name")
        given = more if metrics is None else {**metrics, **more}
        whole = _whole(step)
        points = []
        for key, value in given.items():
            if key not in self._known:
                self._check(key)
            try:
                points.append(Point(key, whole, now, float(value)))
            except (TypeError, ValueError, OverflowError):
                raise BadInput(f"the metric {key!r} was given {reprlib.repr(value)}", expected="a number") from None
        self._writer.add(self.id, points, experiment=self._experiment_id)

    def log_parameters(self, parameters: Mapping[str, object]) -> None:
        """Record parameters; each can be given once, the same value again is accepted.

        Raises:
            Conflict: one has another value already; then none is recorded.
        """
        check_names(parameters, "parameter")
        with self._spine.write() as tx:
            self._tools.runs.set_parameters(tx, self.id, parameters)

    def set_tag(self, key: str, value: object) -> None:
        """Set a tag; a later value takes the place of an earlier one."""
        check_names((key,), "tag")
        with self._spine.write() as tx:
            self._tools.runs.set_tags(tx, self.id, {key: value})

    def log_input(self, ref: Ref | str, *, digest: str, context: str = "") -> None:
        """Record a data version that the run read; versions read through the stack are recorded by themselves.

        Args:
            context: what it was for, such as `training`.
        """
        named = Ref.parse(ref, kind="data") if isinstance(ref, str) else ref
        tags = {"context": context} if context else {}
        given = RunInput(named.name, digest, "stackcanvas", str(named), tags=tags)
        with self._spine.write() as tx:
            self._tools.runs.add_inputs(tx, self.id, [given], experiment_id=self._experiment_id)
        if self._recording is not None:
            self._recording.used(named, context)

    def log_artifact(self, path: str, content: Any) -> None:
        """Keep a file with the run.

        Args:
            path: where, below the run's place; its ending says the format of a table, figure or image.
            content: bytes, text, the path of a file or folder to copy, a table, a figure, an image, or what JSON holds.

        Raises:
            BadInput: the path leaves the run's place, or the content is of no such kind.
            NotFound: there is no such file.
        """
        if path == OWN or path.startswith(f"{OWN}/"):
            raise BadInput(f"the path {path!r} is the stack's own", expected=f"a path outside of {OWN}/")
        for name, data in files_of(path, content):
            self._tools.artifacts.put(self.id, name, data)

    def log_split(self, **parts: Any) -> None:
        """Record which rows were used for what, so that the same split can be made, or told from another one.

        Args:
            parts: by name, such as `train` and `test`: the columns of a table that tell its rows apart, or a list or
                array of keys or positions.
        """
        for name, rows in parts.items():
            if callable(getattr(rows, "tolist", None)):  # an array, a column
                self.log_artifact(f"split/{name}.json", rows.tolist())
            elif hasattr(rows, "__arrow_c_stream__"):
                self.log_artifact(f"split/{name}.parquet", rows)
            elif isinstance(rows, Iterable) and not isinstance(rows, str | bytes):
                self.log_artifact(f"split/{name}.json", list(rows))
            else:
                raise BadInput(f"{reprlib.repr(rows)} are no rows for {name!r}", expected="a table, a list or an array")

    def flush(self) -> None:
        """Write the metrics that wait; what was logged before is committed when this returns."""
        self._writer.flush()

    def end(self, status: str = FINISHED, *, error: str | None = None) -> None:
        """End the run: what waits, its status, and its execution where it owns one are one commit.

        A run ends once: whoever ends it again, as the end of its block does, only has written what was logged since.
        """
        if self._recording is not None and self._recording.finished:
            self.flush()
            return
        if self._system is not None:
            self._system.stop()
        executed = cells() if self._recording is not None else None
        if executed is not None:
            self._tools.artifacts.put(self.id, NOTEBOOK, executed.encode())
        recording = self._recording
        try:
            with (
                self._writer.taken(self.id, experiment=self._experiment_id) as points,
                self._spine.write() as tx,
            ):
                self._tools.metrics.add(tx, self.id, points, experiment=self._experiment_id)
                if recording is not None:
                    recording.made(self.ref)
                    state = {FINISHED: "done", KILLED: "cancelled"}.get(status, "failed")
                    recording.finish(tx, state=state, error=error)
                if executed is not None:
                    self._tools.origins.note_cells(tx, self.id, executed)
                self._tools.runs.end(tx, self.id, status)
        except BaseException:
            if recording is not None:
                recording.finished = False
            raise

    def _check(self, key: object) -> None:
        if not isinstance(key, str) or not key.strip() or "\0" in key or len(key) > _LONGEST_KEY or not _is_text(key):
            raise BadInput(
                f"{reprlib.repr(key)} is no name of a metric", expected=f"text of 1 to {_LONGEST_KEY} characters"
            )
        self._known.add(key)

    def _sampled(self, interval_s: float) -> SystemMetrics:
        """Samples of the machine, counted on from those of a run that is gone on with."""
        before = (metric.step for name, metric in self._tools.get(self.id).metrics.items() if name.startswith(SYSTEM))
        log = lambda metrics, step: self.log(metrics, step=step)  # noqa: E731
        return SystemMetrics(log, interval_s=interval_s, first=max(before, default=-1) + 1)

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """A block of code whose work belongs to the run; it does not end the run."""
        token = _open.set(self.id)
        try:
            with nullcontext() if self._recording is None else within(self._recording):
                yield self
        finally:
            with suppress(ValueError):  # the block ends in another context than it began in
                _open.reset(token)

    def __enter__(self) -> Self:
        self._around.enter_context(self.opened())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._around.close()
        if os.getpid() != self._process:  # a forked child leaves the block as well; the run is its parent's
            self.flush()
            return
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.end()
            return
        said = error.sentence() if isinstance(error, StackCanvasError) else f"{type(error).__name__}: {error}"
        # The first error is the one to tell.
        with suppress(StackCanvasError):
            self.end(FAILED if isinstance(error, Exception | SystemExit) else KILLED, error=said)

    def __repr__(self) -> str:
        return f"<{self.ref}>"

    def _repr_html_(self) -> str:
        self.flush()
        return as_html(self._tools.get(self.id))


def check_names(names: Iterable[object], what: str) -> None:
    """Refuse names of parameters or tags that nobody could ask for.

    Raises:
        BadInput: one is no text, or blank.
    """
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise BadInput(f"{reprlib.repr(name)} is no name of a {what}", expected="text that is not blank")


def open_run() -> str | None:
    """The id of the run whose block of code this is."""
    return _open.get()


def _whole(step: int) -> int:
    """The step as a plain number: those of numpy are not what a database takes."""
    try:
        found = operator.index(step)
    except TypeError:
        found = _INT64
    if not -_INT64 <= found < _INT64:
        raise BadInput(f"the step {reprlib.repr(step)} cannot be kept", expected="a whole number of 64 bits")
    return found


def _is_text(key: str) -> bool:
    """Whether a name can be written down: half of a character, as a broken file name may hold, cannot."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Experiments of a served stack: code runs here, its runs are recorded there."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from stackcanvas.backends.objects import Objects
from stackcanvas.clock import to_us
from stackcanvas.experiments import Experiments, Wanted
from stackcanvas.experiments.artifacts import RunArtifacts
from stackcanvas.experiments.environment import Environment, environment
from stackcanvas.experiments.experiments import Start
from stackcanvas.experiments.lock import lock
from stackcanvas.experiments.metrics import Point
from stackcanvas.experiments.origin import Origin, gather
from stackcanvas.experiments.runs import Elsewhere, RunInput, text_of
from stackcanvas.experiments.writer import Writer
from stackcanvas.metadata import CodeState, Recording, processes
from stackcanvas.stack.served.link import Link
from stackcanvas.stack.served.parts import Part, asked
from stackcanvas.stack.served.spine import Batch, ServedSpine


class _Metrics:
    """Values of metrics on their way into a batch."""

    def add(self, tx: Batch, run_id: str, points: Sequence[Point], *, experiment: int) -> None:
        del experiment  # the server knows
        if points:
            tx.add(run_id, "points", rows=[(key, step, to_us(time), value) for key, step, time, value in points])


class _Runs:
    """What is written of runs, on its way into a batch."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def set_parameters(self, tx: Batch, run_id: str, parameters: Mapping[str, object]) -> None:
        if parameters:
            tx.add(run_id, "parameters", parameters={key: text_of(value) for key, value in parameters.items()})

    def set_tags(self, tx: Batch, run_id: str, tags: Mapping[str, object]) -> None:
        if tags:
            tx.add(run_id, "tags", tags={key: text_of(value) for key, value in tags.items()})

    def add_inputs(self, tx: Batch, run_id: str, inputs: Sequence[RunInput], *, experiment_id: int) -> None:
        del experiment_id  # the server knows
        tx.add(run_id, "inputs", inputs=list(inputs))

    def end(self, tx: Batch, run_id: str, status: str) -> None:
        tx.add(run_id, "status", status=status)

    def experiment_of(self, _connection: object, run_id: str) -> int:
        found: int = self._link.call("experiments", "get", run_id).experiment_id
        return found


class _Origins(Part):
    def note_cells(self, tx: Batch, run_id: str, executed: str) -> None:
        tx.add(run_id, "cells", executed=executed)


class ServedExperiments(Experiments):
    """As `Experiments`; what it computes it computes here.

    Args:
        spine: of the served stack.
        objects: likewise.
        root: the folder of the code that runs.
        wanted: what every run must have.
    """

    get = asked("experiments", "get")
    search = asked("experiments", "search")
    count = asked("experiments", "count")
    metrics = asked("experiments", "metrics")
    outline = asked("experiments", "outline")
    experiments = asked("experiments", "experiments")
    overview = asked("experiments", "overview")
    environment = asked("experiments", "environment")
    reap = asked("experiments", "reap")

    def __init__(  # not the one above: each of its parts is another one here
        self, link: Link, spine: ServedSpine, objects: Objects, *, root: Path | None, wanted: Wanted
    ) -> None:
        parts: dict[str, Any] = {
            "_link": link,
            "_spine": spine,
            "_root": root,
            "_wanted": wanted,
            "_metrics": _Metrics(),
            "_gathered": {},
            "catalog": Part(link, "experiments.catalog"),
            "models": Part(link, "experiments.models"),
            "files": RunArtifacts(objects),
            "runs": _Runs(link),
            "origins": _Origins(link, "experiments.origins"),
        }
        vars(self).update(parts)
        self._writer = Writer(parts["_spine"], self._metrics)

    def begin(self, run_id: str, start: Start) -> tuple[int, Recording]:
        """Record the start of a run that this process carries out."""
        here = Elsewhere(socket.gethostname(), processes.own(), _here(str(self._root)))
        parameters = {key: text_of(value) for key, value in start.parameters.items()}
        tags = {key: text_of(value) for key, value in start.tags.items()}
        ask: Any = vars(self)["_link"]
        told = replace(start, elsewhere=here, parameters=parameters, tags=tags)
        files = vars(self)["_gathered"].pop(run_id, {})  # also of a run that cannot start
        number: int = ask.call("served", "start", run_id, told)
        for path, content in files.items():
            self.files.put(run_id, path, content)
        executions: Any = self._spine.executions
        return number, Recording(executions, run_id, trigger=start.trigger, code=start.code)

    def origin(self, run_id: str, code: CodeState) -> Origin:
        """Where a run comes from that this process starts now; its files follow when the run is there."""
        found, vars(self)["_gathered"][run_id] = gather(self._root, code)
        return found


@lru_cache(maxsize=4)
def _locked(digest: str, root: str) -> str:  # the digest tells one environment from another
    del digest
    return lock(environment().packages, root=Path(root))


def _here(root: str) -> Environment:
    found = environment()
    return replace(found, lock=_locked(found.digest, root))

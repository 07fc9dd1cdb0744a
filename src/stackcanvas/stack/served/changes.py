"""What a client writes to runs, gathered while its code works and sent as one piece that is written as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from stackcanvas.clock import from_us
from stackcanvas.errors import BadInput, Conflict
from stackcanvas.experiments import Experiments
from stackcanvas.experiments.experiments import KIND
from stackcanvas.experiments.metrics import Point
from stackcanvas.experiments.runs import RunInput
from stackcanvas.metadata import Ref, Spine
from stackcanvas.stack.served.wire import adapter

MOST = 20_000
"""Values of metrics in one piece."""

_ENDS = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to write.

    Args:
        run: the id of the run.
        what: `points`, `parameters`, `tags`, `inputs`, `cells`, `status`, or `end` of the execution.
        facts: what is to be written.
    """

    run: str
    what: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Writing:
    """Writes the changes of a client; all of a call or none.

    Args:
        experiments: of the server's stack.
        spine: likewise.
    """

    def __init__(self, experiments: Experiments, spine: Spine) -> None:
        self._experiments = experiments
        self._spine = spine
        self._writers: dict[str, Callable[[Connection, str, Mapping[str, Any]], None]] = {
            "points": self._points,
            "parameters": self._parameters,
            "tags": self._tags,
            "inputs": self._inputs,
            "cells": self._cells,
            "status": self._status,
            "end": self._end,
        }

    def write(self, changes: list[Change]) -> None:
        """Write changes in one transaction.

        Raises:
            NotFound: there is no such run.
            BadInput: a change cannot be read.
        """
        kinds = {change.run: self._spine.executions.get(change.run).kind for change in changes if change.what == "end"}
        if any(kind != KIND for kind in kinds.values()):
            raise Conflict("a run that belongs to other work ends with that work")
        with self._spine.write() as tx:
            for change in changes:
                writer = self._writers.get(change.what)
                if writer is None:
                    raise BadInput(f"{change.what[:60]!r} is nothing that can be written to a run")
                writer(tx, change.run, change.facts)

    def _points(self, tx: Connection, run_id: str, facts: Mapping[str, Any]) -> None:
        rows = _held(list[tuple[str, int, int, float]], facts.get("rows"))
        points = [Point(key, step, from_us(time_us), value) for key, step, time_us, value in rows]
        number = self._experiments.runs.experiment_of(tx, run_id)
        self._experiments.add_points(tx, run_id, points, experiment=number)

    def _parameters(self, tx: Connection, run_id: str, facts: Mapping[str, Any]) -> None:
        self._experiments.runs.experiment_of(tx, run_id)
        self._experiments.runs.set_parameters(tx, run_id, _held(dict[str, Any], facts.get("parameters")))

    def _tags(self, tx: Connection, run_id: str, facts: Mapping[str, Any]) -> None:
        self._experiments.runs.experiment_of(tx, run_id)
        self._experiments.runs.set_tags(tx, run_id, _held(dict[str, Any], facts.get("tags")))

    def _inputs(self, tx: Connection, run_id: str, facts: Mapping[str, Any]) -> None:
        number = self._experiments.runs.experiment_of(tx, run_id)
        given = _held(list[RunInput], facts.get("inputs"))
        self._experiments.runs.add_inputs(tx, run_id, given, experiment_id=number)

    def _cells(self, tx: Connection, run_id: str, facts: Mapping[str, Any]) -> None:
        self._experiments.origins.note_cells(tx, run_id, _held(str, facts.get("executed")))

    def _status(self, tx: Connection, run_id: str, facts: Mapping[str, Any]) -> None:
        self._experiments.runs.end(tx, run_id, _held(str, facts.get("status")))

    def _end(self, tx: Connection, run_id: str, facts: Mapping[str, Any]) -> None:
        state, error = _held(str, facts.get("state")), _held(str | None, facts.get("error"))
        if state not in _ENDS:
            raise BadInput(f"{state[:60]!r} is no end of a run", expected=", ".join(_ENDS))
        now = self._spine.clock.now()
        read = _held(list[tuple[str, str]], facts.get("used", []))
        made = [Ref.parse(text) for text in _held(list[str], facts.get("made", []))] if state == "done" else []
        # What it read is the client's word; what it made is known here already, or it is the run itself.
        known = [ref for ref in made if ref == Ref("run", run_id) or self._spine.artifacts.get(ref) is not None]
        links = [("used", str(Ref.parse(text)), role, now) for text, role in read]
        links += [("made", str(ref), "", now) for ref in known]
        self._spine.executions.end(tx, run_id, links, state=state, error=error)


def _held(kind: Any, given: Any) -> Any:
    try:
        return adapter(kind).validate_python(given)
    except ValueError:
        raise BadInput("what is to be written to a run cannot be read") from None

"""Whether a run has all that the team said every run must have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, literal, select

from stackcanvas.experiments.tables import run, run_input, run_metric_latest, run_parameter, run_tag

# The tag of a run that lacks something: what it lacks, for people and for searching.
INCOMPLETE = "stackcanvas.incomplete"
_NOTES = ("mlflow.note.content", "note")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What every run must have.

    Args:
        metadata: kinds of what is recorded: code, data, parameters, metrics, artifacts, environment, seeds, hardware,
            notes.
        metrics: names of metrics.
    """

    metadata: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is wanted at all."""
        return bool(self.metadata or self.metrics)


@dataclass(frozen=True, slots=True)
class Completeness:
    """Tells what runs lack.

    Args:
        wanted: what they must have.
        has_artifacts: whether a run has files or its parts made something, by its id.
    """

    wanted: Wanted = field(default_factory=Wanted)
    has_artifacts: Callable[[Connection, str], bool] = lambda _connection, _run_id: True

    def missing(self, connection: Connection, run_id: str) -> list[str]:
        """What a run lacks, in the words of the canvas; the names of metrics come last."""
        logged = select(run_metric_latest.c.key).where(run_metric_latest.c.run == run_id)
        metrics = set(connection.execute(logged).scalars())
        lacking = [kind for kind in self.wanted.metadata if not self._has(connection, run_id, kind, metrics)]
        return lacking + [f"metric {name}" for name in self.wanted.metrics if name not in metrics]

    def _has(self, connection: Connection, run_id: str, kind: str, metrics: set[str]) -> bool:
        columns = {
            "code": run.c.code_commit,
            "environment": run.c.environment,
            "seeds": run.c.seed,
            "hardware": run.c.host,
        }
        if kind in columns:
            return connection.execute(select(columns[kind]).where(run.c.id == run_id)).scalar() is not None
        if kind == "metrics":
            return bool(metrics)
        if kind == "artifacts":
            return self.has_artifacts(connection, run_id)
        table = {"data": run_input, "parameters": run_parameter}.get(kind, run_tag)
        counted = select(func.count(literal(1))).select_from(table).where(table.c.run == run_id)
        if kind == "notes":
            counted = counted.where(run_tag.c.key.in_(_NOTES))
        return bool(connection.execute(counted).scalar())

"""What the stack keeps for good: data versions, models, deployments, each under its pinned ref."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from stackcanvas.backends.database import Database
from stackcanvas.clock import Clock
from stackcanvas.metadata.refs import Ref
from stackcanvas.metadata.tables import artifact


@dataclass(frozen=True, slots=True)
class Artifact:
    """A thing that was made once and does not change.

    Args:
        ref: pinned: the selector is a number or an id.
        digest: of its content.
        execution: the id of the execution that made it.
        facts: what a list should show beside it.
    """

    ref: Ref
    digest: str | None
    execution: str | None
    created: datetime
    facts: dict[str, object]


class Artifacts:
    """Records artifacts and finds them again."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        tx: Connection,
        ref: Ref,
        *,
        digest: str | None = None,
        execution: str | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        """Record an artifact inside the caller's transaction."""
        tx.execute(
            artifact.insert().values(
                ref=str(ref),
                kind=ref.kind,
                name=ref.name,
                digest=digest,
                execution=execution,
                created=self._clock.now(),
                facts=dict(facts or {}),
            )
        )

    def get(self, ref: Ref) -> Artifact | None:
        """The artifact under a pinned ref."""
        with self._database.read() as connection:
            row = connection.execute(select(artifact).where(artifact.c.ref == str(ref))).mappings().one_or_none()
        return _artifact(dict(row)) if row else None

    def search(self, *, kind: str | None = None, name: str | None = None, limit: int = 100) -> list[Artifact]:
        """Artifacts, newest first."""
        chosen = select(artifact).order_by(artifact.c.created.desc(), artifact.c.ref.desc()).limit(limit)
        if kind is not None:
            chosen = chosen.where(artifact.c.kind == kind)
        if name is not None:
            chosen = chosen.where(artifact.c.name == name)
        with self._database.read() as connection:
            return [_artifact(dict(row)) for row in connection.execute(chosen).mappings()]


def _artifact(row: dict[str, object]) -> Artifact:
    return Artifact(
        ref=Ref.parse(str(row["ref"])),
        digest=row["digest"],  # type: ignore[arg-type]
        execution=row["execution"],  # type: ignore[arg-type]
        created=row["created"],  # type: ignore[arg-type]
        facts=row["facts"],  # type: ignore[arg-type]
    )

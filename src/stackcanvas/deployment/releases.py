"""Releases and endpoints as recorded: the truth about what is live and what is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from stackcanvas.backends.database import Database
from stackcanvas.deployment.router import Variant
from stackcanvas.deployment.strategy import Strategy, from_json, to_json
from stackcanvas.deployment.tables import deployment_endpoint, deployment_release
from stackcanvas.metadata import Ref

PROGRESSING, LIVE, ROLLED_BACK, ENDED = "progressing", "live", "rolled back", "ended"


@dataclass(frozen=True, slots=True)
class Release:
    """One way of a model version to an endpoint.

    Args:
        candidate: the version on its way in.
        previous: what was live before, None for the first.
        state: progressing, live, rolled back, or ended (a shadow that left).
        step: index of the stage that it is in.
        step_since: when that stage began.
        reason: why it was rolled back, or why it was started.
    """

    id: str
    endpoint: str
    candidate: Variant
    previous: Variant | None
    strategy: Strategy
    state: str
    step: int
    step_since: datetime
    started: datetime
    ended: datetime | None
    reason: str

    @property
    def model(self) -> Ref:
        """The version on its way in."""
        return self.candidate.model

    def to_dict(self) -> dict[str, object]:
        """The release as people and programs read it."""
        return {
            "id": self.id,
            "endpoint": self.endpoint,
            "model": self.model,
            "previous": None if self.previous is None else self.previous.model,
            "strategy": to_json(self.strategy),
            "state": self.state,
            "step": self.step,
            "step_since": self.step_since,
            "started": self.started,
            "ended": self.ended,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What answers at a name.

    Args:
        release: id of the release in progress, None when all is settled.
        revision: grows with every change.
    """

    name: str
    live: Variant
    live_since: datetime
    release: str | None
    revision: int


class Releases:
    """Reads and writes the records; every change runs inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def endpoint(self, connection: Connection, name: str) -> Endpoint | None:
        """One endpoint, None when nothing was ever deployed there."""
        chosen = select(deployment_endpoint).where(deployment_endpoint.c.name == name)
        row = connection.execute(chosen).mappings().one_or_none()
        return _endpoint(dict(row)) if row else None

    def endpoints(self, connection: Connection) -> list[Endpoint]:
        """Every endpoint, by name."""
        rows = connection.execute(select(deployment_endpoint).order_by(deployment_endpoint.c.name)).mappings()
        return [_endpoint(dict(row)) for row in rows]

    def release(self, connection: Connection, release_id: str) -> Release:
        """One release."""
        chosen = select(deployment_release).where(deployment_release.c.id == release_id)
        return _release(dict(connection.execute(chosen).mappings().one()))

    def history(self, connection: Connection, endpoint: str, *, limit: int) -> list[Release]:
        """The releases of an endpoint, newest first."""
        table = deployment_release
        chosen = select(table).where(table.c.endpoint == endpoint).order_by(table.c.started.desc(), table.c.id.desc())
        return [_release(dict(row)) for row in connection.execute(chosen.limit(limit)).mappings()]

    def add(self, tx: Connection, release: Release) -> None:
        """Record a new release."""
        tx.execute(
            deployment_release.insert().values(
                id=release.id,
                endpoint=release.endpoint,
                model=str(release.model),
                bundle=release.candidate.bundle,
                previous_model=None if release.previous is None else str(release.previous.model),
                previous_bundle=None if release.previous is None else release.previous.bundle,
                strategy=to_json(release.strategy),
                state=release.state,
                step=release.step,
                step_since=release.step_since,
                started=release.started,
                ended=release.ended,
                reason=release.reason,
            )
        )

    def move(self, tx: Connection, release: Release) -> None:
        """Record where a release is now."""
        moved = update(deployment_release).where(deployment_release.c.id == release.id)
        tx.execute(
            moved.values(
                state=release.state,
                step=release.step,
                step_since=release.step_since,
                ended=release.ended,
                reason=release.reason,
            )
        )

    def settle(self, tx: Connection, endpoint: Endpoint) -> None:
        """Record what an endpoint answers with."""
        facts = {
            "live_model": str(endpoint.live.model),
            "live_bundle": endpoint.live.bundle,
            "live_since": endpoint.live_since,
            "release": endpoint.release,
            "revision": endpoint.revision,
        }
        new = self._database.insert(deployment_endpoint).values(name=endpoint.name, **facts)
        tx.execute(new.on_conflict_do_update(index_elements=[deployment_endpoint.c.name], set_=facts))


def _endpoint(row: dict[str, Any]) -> Endpoint:
    live = Variant(Ref.parse(row.pop("live_model")), row.pop("live_bundle"))
    return Endpoint(**row, live=live)


def _release(row: dict[str, Any]) -> Release:
    candidate = Variant(Ref.parse(row.pop("model")), row.pop("bundle"))
    model, bundle, strategy = row.pop("previous_model"), row.pop("previous_bundle"), row.pop("strategy")
    previous = None if model is None else Variant(Ref.parse(model), bundle)
    return Release(**row, candidate=candidate, previous=previous, strategy=from_json(strategy))

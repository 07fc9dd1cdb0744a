"""Deploying: a model version goes live at an endpoint, in steps, and comes back when it must."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from stackcanvas.deployment.health import Health, breach
from stackcanvas.deployment.releases import ENDED, LIVE, PROGRESSING, ROLLED_BACK, Endpoint, Release, Releases
from stackcanvas.deployment.router import Router, Variant
from stackcanvas.deployment.strategy import Recreate, Strategy, analysis, stages
from stackcanvas.errors import Conflict, NotFound
from stackcanvas.metadata import Recording, Ref, Spine
from stackcanvas.metadata.refs import check_name

_LEASE_S = 30.0


@dataclass(frozen=True, slots=True)
class Status:
    """An endpoint now.

    Args:
        state: `live`, or `progressing` while a release is on its way.
        live: the version that answers, or answers most until the release ends.
        candidate: the version on its way in.
        share: the part of the traffic that the candidate answers, 0 to 1.
    """

    endpoint: str
    state: str
    live: Ref
    live_since: datetime
    candidate: Ref | None
    share: float
    revision: int


class Deployment:
    """Endpoints and the releases that change them.

    Args:
        spine: where changes are recorded.
        router: prediction serving.
        allow: raises Refused for a model version that may not go live.
        health: what the log shows of a model version at an endpoint between two instants.
    """

    def __init__(
        self,
        spine: Spine,
        router: Router,
        *,
        allow: Callable[[Ref], None],
        health: Callable[[str, Ref, datetime, datetime], Health],
    ) -> None:
        self._spine = spine
        self._router = router
        self._allow = allow
        self._health = health
        self._releases = Releases(spine.database)

    def deploy(self, endpoint: str, model: Ref, *, strategy: Strategy | None = None, reason: str = "") -> Release:
        """Begin to bring a model version to an endpoint; the first at an endpoint is live at once.

        Args:
            model: pinned: with its number.
            strategy: how the traffic moves; all at once by default.
            reason: why, for the record.

        Raises:
            Refused: the version may not go live.
            Conflict: it is live already, or another release is on its way.
        """
        check_name(endpoint, kind="deployment")
        self._allow(model)
        parameters = {"model": str(model), "strategy": (strategy or Recreate()).kind, "reason": reason}
        with self._spine.record("deployment.deploy", subject=_ref(endpoint), parameters=parameters) as work:
            work.used(model)
            candidate = Variant(model, self._router.prepare(model))
            with self._spine.write() as tx:
                now, before = self._spine.clock.now(), self._releases.endpoint(tx, endpoint)
                _check_free(before, endpoint, model)
                release = Release(
                    id=self._spine.ids.new(),
                    endpoint=endpoint,
                    candidate=candidate,
                    previous=before.live if before else None,
                    strategy=(strategy or Recreate()) if before else Recreate(),
                    state=PROGRESSING,
                    step=0,
                    step_since=now,
                    started=now,
                    ended=None,
                    reason=reason,
                )
                self._releases.add(tx, release)
                release = self._enter(tx, work, release, 0, before)
        self._router.publish()
        return release

    def rollback(self, endpoint: str, *, reason: str = "by hand") -> Release:
        """Go back: out of a release on its way, or from the live version to the one before it.

        Raises:
            NotFound: nothing is deployed there.
            Conflict: there is nothing to go back to.
        """
        parameters = {"reason": reason}
        recorded = self._spine.record("deployment.rollback", subject=_ref(endpoint), parameters=parameters)
        with recorded as work, self._spine.write() as tx:
            now = self._known(tx, endpoint)
            last = self._last_live(tx, now) if now.release is None else self._releases.release(tx, now.release)
            if last is None or last.previous is None:
                raise Conflict(
                    f"the endpoint {endpoint!r} has had no other version than {now.live.model}",
                    fix=f"Deploy another: stackcanvas deploy MODEL@NUMBER --endpoint {endpoint}",
                )
            back = self._back(tx, work, last, now, reason)
        self._router.publish()
        return back

    def status(self, endpoint: str) -> Status:
        """What answers at an endpoint now.

        Raises:
            NotFound: nothing is deployed there.
        """
        with self._spine.read() as connection:
            return self._status(connection, self._known(connection, endpoint))

    def ls(self) -> list[Status]:
        """Every endpoint, by name."""
        with self._spine.read() as connection:
            return [self._status(connection, found) for found in self._releases.endpoints(connection)]

    def history(self, endpoint: str, *, limit: int = 50) -> list[Release]:
        """The releases of an endpoint, newest first."""
        with self._spine.read() as connection:
            self._known(connection, endpoint)
            return self._releases.history(connection, endpoint, limit=limit)

    def tick(self, now: datetime) -> list[Release]:
        """Move every release on its way: forward when its time has come, back when its analysis says so.

        Two workers may call it at once and any may be killed: the record is the truth, the routes are made from it.
        """
        self._router.publish()
        with self._spine.read() as connection:
            waiting = [found for found in self._releases.endpoints(connection) if found.release]
        moved = [self._tick_endpoint(found.name, now) for found in waiting]
        return [release for release in moved if release is not None]

    def _tick_endpoint(self, name: str, now: datetime) -> Release | None:
        holder = self._spine.ids.new()
        with self._spine.leases.hold(f"deployment:{name}", holder, ttl_s=_LEASE_S) as lease:
            if lease is None:
                return None
            with self._spine.read() as connection:
                endpoint = self._known(connection, name)
                if endpoint.release is None:
                    return None
                release = self._releases.release(connection, endpoint.release)
            stage, limits = stages(release.strategy)[release.step], analysis(release.strategy)
            health = self._health(name, release.model, release.step_since, now)
            broken = breach(health, limits)
            due = stage.lasts is not None and now - release.step_since >= stage.lasts
            if broken is None and not (due and health.predictions >= limits.min_predictions):
                return None
            return self._move(endpoint, release, broken)

    def _move(self, seen: Endpoint, release: Release, broken: str | None) -> Release | None:
        """Forward or back, unless somebody changed the endpoint since it was looked at."""
        kind = "deployment.rollback" if broken else "deployment.advance"
        parameters = {"release": release.id, "reason": broken or ""}
        with self._spine.record(kind, subject=_ref(seen.name), parameters=parameters, trigger="release") as work:
            work.used(release.model)
            with self._spine.write() as tx:
                current = self._known(tx, seen.name)
                if current.revision != seen.revision:
                    return None
                if broken:
                    moved = self._back(tx, work, release, current, broken)
                else:
                    moved = self._enter(tx, work, release, release.step + 1, current)
        self._router.publish()
        return moved

    def _enter(self, tx: Connection, work: Recording, release: Release, step: int, before: Endpoint | None) -> Release:
        """Enter a stage: its weights, and at the last one the end of the release."""
        now, stage = self._spine.clock.now(), stages(release.strategy)[step]
        last = stage.lasts is None
        taken = stage.share == 1.0
        state = PROGRESSING if not last else LIVE if taken else ENDED
        release = replace(release, step=step, step_since=now, state=state, ended=now if last else None)
        self._releases.move(tx, release)
        old = None if last and taken else release.previous
        live = old or release.candidate
        endpoint = Endpoint(
            name=release.endpoint,
            live=live,
            live_since=before.live_since if before and before.live.model == live.model else now,
            release=None if last else release.id,
            revision=before.revision + 1 if before else 1,
        )
        self._write(tx, work, endpoint, release)
        return release

    def _back(self, tx: Connection, work: Recording, release: Release, before: Endpoint, reason: str) -> Release:
        """All traffic to the version that was live before a release."""
        now, live = self._spine.clock.now(), release.previous
        assert live is not None
        work.used(live.model)
        release = replace(release, state=ROLLED_BACK, ended=now, reason=reason)
        self._releases.move(tx, release)
        endpoint = Endpoint(
            name=before.name,
            live=live,
            live_since=before.live_since if live.model == before.live.model else now,
            release=None,
            revision=before.revision + 1,
        )
        self._write(tx, work, endpoint, release)
        return release

    def _write(self, tx: Connection, work: Recording, endpoint: Endpoint, release: Release) -> None:
        """Records, route, event and audit of one change, in one transaction."""
        variants, shadow = _variants(endpoint, release)
        self._releases.settle(tx, endpoint)
        self._router.route(tx, endpoint.name, variants, shadow=shadow)
        pinned = _ref(endpoint.name).at(endpoint.revision)
        facts: dict[str, object] = {
            "state": release.state,
            "model": str(release.model),
            "live": str(endpoint.live.model),
            "weights": {str(variant.model): variant.weight for variant in variants},
            "reason": release.reason,
        }
        work.made(pinned)
        self._spine.artifacts.add(tx, pinned, execution=work.id, facts=facts)
        self._spine.events.emit(tx, "deployment.changed", _ref(endpoint.name), facts)
        self._spine.audit.add(tx, "deployment.changed", pinned, facts)
        work.finish(tx)

    def _last_live(self, connection: Connection, endpoint: Endpoint) -> Release | None:
        history = self._releases.history(connection, endpoint.name, limit=100)
        return next((found for found in history if found.state == LIVE and found.model == endpoint.live.model), None)

    def _known(self, connection: Connection, name: str) -> Endpoint:
        found = self._releases.endpoint(connection, name)
        if found is None:
            known = [endpoint.name for endpoint in self._releases.endpoints(connection)]
            raise NotFound("endpoint", name, known=known, fix="Deploy a model: stackcanvas deploy MODEL@NUMBER")
        return found

    def _status(self, connection: Connection, endpoint: Endpoint) -> Status:
        release = None if endpoint.release is None else self._releases.release(connection, endpoint.release)
        return Status(
            endpoint=endpoint.name,
            state=LIVE if release is None else PROGRESSING,
            live=endpoint.live.model,
            live_since=endpoint.live_since,
            candidate=None if release is None else release.model,
            share=0.0 if release is None else stages(release.strategy)[release.step].share,
            revision=endpoint.revision,
        )


def _variants(endpoint: Endpoint, release: Release) -> tuple[list[Variant], list[Variant]]:
    """Who answers, and who only watches: the live version, and beside it the candidate while it is on its way."""
    if endpoint.release is None:
        return [endpoint.live], []
    stage = stages(release.strategy)[release.step]
    shares = [(endpoint.live, 1.0 - stage.share), (release.candidate, stage.share)]
    answering = [replace(variant, weight=share) for variant, share in shares if share > 0]
    return answering, [replace(release.candidate, weight=stage.copied)] if stage.copied > 0 else []


def _check_free(endpoint: Endpoint | None, name: str, model: Ref) -> None:
    if endpoint is None:
        return
    if endpoint.release is not None:
        raise Conflict(
            f"a release is on its way at the endpoint {name!r}",
            fix=f"Wait for its end, or take it back: stackcanvas deployment rollback {name}",
        )
    if endpoint.live.model == model:
        raise Conflict(f"{model} is live at the endpoint {name!r} already")


def _ref(endpoint: str) -> Ref:
    return Ref("deployment", endpoint)

"""The serving block: what code, doors and deployment call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from stackcanvas.errors import BadInput
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry import Registry
from stackcanvas.serving.bundles import Bundles
from stackcanvas.serving.compact import Compacted
from stackcanvas.serving.days import endpoint_folder
from stackcanvas.serving.log import Counts, Log
from stackcanvas.serving.policy import Policy
from stackcanvas.serving.routes import Route, Routes, Variant


@dataclass(frozen=True, slots=True)
class Served:
    """An endpoint as the prediction server of this project has it.

    Args:
        state: `ready` or `unavailable`.
        variants: the names of those that answer.
        revision: of the routes that the server has.
        error: why the newest route is not served, where it is not.
    """

    endpoint: str
    state: str
    variants: tuple[str, ...]
    revision: int
    error: str | None


class Serving:
    """Bundles, routes and the prediction log of a project.

    Args:
        spine: records.
        registry: the models.
        folder: the project's state, `.stackcanvas`; the server reads `serving/` and writes `predictions/` in it.
        policy: how a model's versions are served, by the model's name.
        lookup: what of a version's columns can be looked up by entity keys; None when nothing.
    """

    def __init__(
        self,
        spine: Spine,
        registry: Registry,
        folder: Path,
        *,
        policy: Callable[[str], Policy] = lambda _: Policy(),
        lookup: Callable[[Ref], Mapping[str, Any] | None] = lambda _: None,
    ) -> None:
        self._folder = folder / "serving"
        self._policy = policy
        self._lookup = lookup
        self._bundles = Bundles(spine, registry, self._folder / "bundles")
        self._routes = Routes(spine, self._bundles, self._folder)
        self.log = Log(folder / "predictions")

    def prepare(self, model: Ref) -> str:
        """Compile a model version for the prediction server; gives its digest, the same each time.

        Raises:
            NotFound: the version, or the model that is its fallback, is not registered.
            Refused: the prediction server cannot run it.
            BadInput: what the canvas asks of its predictions does not fit the model.
        """
        policy = replace(self._policy(model.name), lookup=self._lookup(model))
        has_way_out = policy.fallback_model is not None or policy.fallback_constant is not None
        if policy.lookup is not None and policy.lookup["missing"] == "fallback" and not has_way_out:
            raise BadInput(
                "missing features call for a fallback, and none is given",
                where="features.databases.missing",
                fix="Answer serving.fallback with a model or a constant",
            )
        return self._bundles.prepare(model, policy)

    def route(self, tx: Connection, endpoint: str, variants: Sequence[Variant], *, shadow: Sequence[Variant]) -> int:
        """Record inside the caller's transaction what answers at an endpoint; gives the revision of all routes.

        Raises:
            BadInput: the predictions of an endpoint of this name could not be kept.
        """
        endpoint_folder(self._folder, endpoint)
        policy = self._policy(variants[0].model.name)
        return self._routes.write(tx, endpoint, variants, shadow=shadow, policy=policy)

    def publish(self) -> None:
        """Hand the recorded routes to the prediction servers; doing it again changes nothing.

        Raises:
            Unavailable: the folder cannot be written.
        """
        self._routes.publish()

    def needed_files(self) -> set[str]:
        """The digests of the files of models that answer at an endpoint, whatever became of their versions."""
        routes = self._routes.ls()
        return self._bundles.files_of([one["bundle"] for route in routes for one in (*route.variants, *route.shadow)])

    def routes(self) -> list[Route]:
        """What answers at every endpoint, as recorded."""
        return self._routes.ls()

    def served(self) -> list[Served]:
        """Every endpoint as the prediction server has it, as far as it has said; empty when none ever ran."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads((self._folder / "status.json").read_text())
            return [
                Served(name, one["state"], tuple(one["variants"]), told["revision"], one["error"])
                for name, one in sorted(told["endpoints"].items())
            ]
        return []

    def counts(
        self,
        endpoint: str,
        *,
        model: Ref | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Counts:
        """How an endpoint, or one model version there, did between two instants."""
        return self.log.counts(endpoint, model=model, start=start, end=end)

    def tick(self, now: datetime) -> Compacted:  # noqa: ARG002 - every tick takes the time
        """The recurring work: routes where the servers look, ended segments into the files of their days."""
        self.publish()
        return self.log.compact()

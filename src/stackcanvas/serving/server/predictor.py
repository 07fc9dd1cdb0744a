"""The inside of the server: what every door asks, whatever protocol it speaks."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from stackcanvas.clock import Clock, to_us
from stackcanvas.errors import BadInput, NotFound, Unavailable
from stackcanvas.serving.server.batch import Item
from stackcanvas.serving.server.checks import Mask
from stackcanvas.serving.server.metrics import Metrics
from stackcanvas.serving.server.numbering import PredictionIds
from stackcanvas.serving.server.routes import Endpoint, Routes
from stackcanvas.serving.server.signature import Array, Rows, Signature
from stackcanvas.serving.server.variant import Variant

_SHADOW_ROWS = 10_000

RowsFor = Callable[[Signature, list[int] | None], Rows]
"""Decodes the rows of a request (all of them, or those named) as a signature lays them out."""


@dataclass(slots=True)
class Request:
    """What a door has read: the rows are decoded for the variant that is chosen."""

    rows_for: RowsFor
    ids: list[str]
    time_us: int
    started_s: float
    request_id: str | None = None
    entities: list[dict[str, Any] | None] | None = None
    absent: Mask | None = None


@dataclass(slots=True)
class Result:
    """Answers in the order of the rows; `variants` has one element for all rows, or one for each."""

    outputs: list[Array]
    variants: Sequence[Variant]
    fallback: list[bool] | None = None
    warnings: list[str | None] | None = None


class Predictor:
    """Finds the endpoint, chooses the variant, has the rows answered.

    Args:
        routes: what is served.
        metrics: counts.
        clock: gives the time of a request that brings none.
        rng: draws variants by weight.
        shadow_pool: runs shadows, off the path of the answers.
        replay: whether a request may say when it happened.
    """

    def __init__(
        self,
        routes: Routes,
        *,
        metrics: Metrics,
        clock: Clock,
        rng: random.Random,
        shadow_pool: Executor,
        replay: bool = False,
    ) -> None:
        self.routes = routes
        self.metrics = metrics
        self._clock = clock
        self._rng = rng
        self._ids = PredictionIds()
        self._shadow_pool = shadow_pool
        self._shadow_rows = 0
        self._replay = replay

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of that name.

        Raises:
            NotFound: there is none.
            Unavailable: there is one, and none of its models could be loaded; or nothing has been loaded yet.
        """
        table = self.routes.table
        found = table.endpoints.get(name)
        if found is not None:
            return found
        if "" in table.failures:
            raise Unavailable(f"the routes cannot be read: {table.failures[''].rstrip('.')}")
        if name in table.failures:
            raise Unavailable(f"the model {name!r} is not ready: {table.failures[name].rstrip('.')}")
        if not self.routes.loaded:
            raise Unavailable("the server is still starting")
        raise NotFound("model", name, known=table.endpoints)

    def version(self, endpoint: Endpoint, version: str) -> Variant:
        """The variant that serves that version.

        Raises:
            NotFound: none does.
        """
        for variant in endpoint.variants:
            if variant.version == version:
                return variant
        known = [variant.version for variant in endpoint.variants]
        raise NotFound(f"version of the model {endpoint.name!r}", version, known=known)

    def choose(self, endpoint: Endpoint, key: object = None) -> Variant:
        """The variant for a row, or for a request: the same one for the same key, else drawn by weight."""
        chooser = endpoint.chooser
        if chooser.only is not None:
            return endpoint.variants[chooser.only]
        return endpoint.variants[chooser.free(self._rng) if key is None else chooser.sticky(key)]

    def time_us(self, given: str | None) -> int:
        """When a request happened: now, or in a replay what it says.

        Raises:
            BadInput: the time is not an instant with a zone, or this server is not replaying.
        """
        if given is None:
            return to_us(self._clock.now())
        if not self._replay:
            raise BadInput("event_time was given", fix="Start the server with --replay to take times from requests")
        try:
            return to_us(datetime.fromisoformat(given))
        except ValueError:
            raise BadInput(
                f"event_time {given[:40]!r} is not an instant", expected="ISO 8601 with a zone, as 2013-05-01T12:00:00Z"
            ) from None

    def ids(self, count: int) -> list[str]:
        """New prediction ids. They carry the machine's time also in a replay, so that none is given twice."""
        return self._ids.take(count, now_us=time.time_ns() // 1000)

    async def answer(self, endpoint: Endpoint, chosen: Sequence[Variant], request: Request) -> Result:
        """Have the rows of a request answered.

        Args:
            endpoint: the request is for.
            chosen: the one variant for all rows, or one for each row.
            request: its rows and what belongs to them.

        Raises:
            StackCanvasError: a check rejects the rows, or the model failed and nothing stands in for it.
        """
        parts = _parts(chosen)
        items = [self._item(variant, at, request) for variant, at in parts]
        for running in [variant.submit(item) for (variant, _), item in zip(parts, items, strict=True)]:
            if running is not None:
                await running
        if endpoint.shadows:
            asyncio.get_running_loop().call_soon(self._shadow, endpoint, parts, request, items)
        for item in items:
            if item.error is not None:
                raise item.error
        if len(items) == 1:
            return Result(items[0].outputs, chosen[:1], items[0].fallback, items[0].warnings)
        return _merge(chosen, [at or [] for _, at in parts], items)

    def _item(self, variant: Variant, at: list[int] | None, request: Request) -> Item:
        rows = request.rows_for(variant.signature, at)
        ids, entities, absent = request.ids, request.entities, request.absent
        if at is not None:
            ids = [ids[row] for row in at]
            entities = None if entities is None else [entities[row] for row in at]
            absent = None if absent is None else absent[at]
        return Item(rows, ids, request.time_us, request.started_s, request.request_id, entities, absent)

    def _shadow(
        self, endpoint: Endpoint, parts: list[tuple[Variant, list[int] | None]], request: Request, items: list[Item]
    ) -> None:
        """Show the rows to the shadows; what they cannot keep up with is dropped and counted."""
        for spec, shadow in zip(endpoint.spec.shadow, endpoint.shadows, strict=True):
            if spec.weight < 1 and self._rng.random() >= spec.weight:
                continue
            for (variant, at), item in zip(parts, items, strict=True):
                same = shadow.signature.spec == variant.signature.spec
                try:
                    rows = item.rows if same else request.rows_for(shadow.signature, at)
                except BadInput:  # the request lacks what only the shadow asks for
                    self.metrics.shadow_dropped.add((endpoint.name,), item.count)
                    continue
                self._shadow_part(endpoint, shadow, item, rows)

    def _shadow_part(self, endpoint: Endpoint, shadow: Variant, item: Item, rows: Rows) -> None:
        if self._shadow_rows + item.count > _SHADOW_ROWS:
            self.metrics.shadow_dropped.add((endpoint.name,), item.count)
            return
        copy = Item(rows, item.ids, item.time_us, time.perf_counter(), item.request_id, item.entities, item.absent)
        self._shadow_rows += copy.count
        running = asyncio.get_running_loop().run_in_executor(self._shadow_pool, shadow.answer, [copy])
        running.add_done_callback(lambda future: self._shadowed(future, copy.count))

    def _shadowed(self, future: asyncio.Future[None], count: int) -> None:
        self._shadow_rows -= count
        future.exception()  # a shadow's failure is in the log and the metrics; nobody else asks for it


def _parts(chosen: Sequence[Variant]) -> list[tuple[Variant, list[int] | None]]:
    """Which rows go to which variant; None stands for all of them."""
    if all(variant is chosen[0] for variant in chosen):
        return [(chosen[0], None)]
    rows: dict[str, tuple[Variant, list[int]]] = {}
    for at, variant in enumerate(chosen):
        rows.setdefault(variant.name, (variant, []))[1].append(at)
    return list(rows.values())


def _merge(chosen: Sequence[Variant], places: Sequence[list[int]], items: Sequence[Item]) -> Result:
    """The answers of several variants in the order of the request's rows."""
    count = len(chosen)
    outputs = []
    for at, first in enumerate(items[0].outputs):
        joined = np.empty((count, *first.shape[1:]), dtype=first.dtype)
        for place, item in zip(places, items, strict=True):
            joined[place] = item.outputs[at]
        outputs.append(joined)
    fallback: list[bool] = [False] * count
    warnings: list[str | None] = [None] * count
    for place, item in zip(places, items, strict=True):
        _put(fallback, place, item.fallback)
        _put(warnings, place, item.warnings)
    return Result(outputs, chosen, fallback if any(fallback) else None, warnings if any(warnings) else None)


def _put(values: list[Any], places: list[int], given: Sequence[Any] | None) -> None:
    if given is not None:
        for place, value in zip(places, given, strict=True):
            values[place] = value

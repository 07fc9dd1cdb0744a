"""One folder that is served: its routes and models, its features, its prediction log, its metrics.

The project's state is one, and so is that of each workspace; what belongs to the process is shared by all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stackcanvas.clock import Clock
from stackcanvas.errors import Corrupt, StackCanvasError
from stackcanvas.ids import Ids
from stackcanvas.serving.server.app import App
from stackcanvas.serving.server.bundle import Bundle
from stackcanvas.serving.server.documents import EndpointSpec, VariantSpec
from stackcanvas.serving.server.fallback import make_fallback
from stackcanvas.serving.server.feast import Feast
from stackcanvas.serving.server.features import FeatureStore
from stackcanvas.serving.server.gate import Gate
from stackcanvas.serving.server.log import PredictionLog
from stackcanvas.serving.server.logplan import LogPlan
from stackcanvas.serving.server.lookup import Lookup, LookupSpec
from stackcanvas.serving.server.metrics import Metrics
from stackcanvas.serving.server.predictor import Predictor
from stackcanvas.serving.server.routes import Routes
from stackcanvas.serving.server.signature import NUMPY_TYPES
from stackcanvas.serving.server.talk import say
from stackcanvas.serving.server.variant import Variant

_WATCH_S = 0.1
_RETRY_S = 5.0
_BLANKS = {"f": None, "O": "", "b": False, "i": 0, "u": 0}


@dataclass(frozen=True, slots=True)
class Means:
    """What the folders of a process share.

    Args:
        clock: tells the time of requests that bring none.
        rng: draws variants by weight, and rows for sampled logs.
        replay: whether a request may say when it happened.
        version: of the package, told to clients.
        alone: whether no other request is under way.
        models: runs models.
        shadows: runs shadows, off the path of the answers.
        loads: loads routes, models and documents.
        reads: asks online stores across the network.
    """

    clock: Clock
    rng: random.Random
    replay: bool
    version: str
    alone: Callable[[], bool]
    models: Executor
    shadows: Executor
    loads: Executor
    reads: Executor


class Place:
    """Serves one folder.

    Args:
        folder: the state of the project or of a workspace.
        means: of the process.
        gate: lets those in who have a token; None asks nobody.
        workspace: its name; empty for the project's own.

    Attributes:
        app: answers its requests.
    """

    def __init__(self, folder: Path, means: Means, *, gate: Gate | None, workspace: str = "") -> None:
        self._means = means
        self._gate = gate
        self._workspace = workspace
        self._metrics = Metrics()
        self._metrics.started.set(means.clock.now().timestamp())
        self._log = PredictionLog(
            folder / "predictions" / "segments",
            process=Ids(means.clock.now).new(),
            metrics=self._metrics,
            rng=means.rng,
        )
        self._features = FeatureStore(folder / "serving", metrics=self._metrics, pool=means.reads)
        self._routes = Routes(folder / "serving", make=self._variants, clock=means.clock)
        predictor = Predictor(
            self._routes,
            metrics=self._metrics,
            clock=means.clock,
            rng=means.rng,
            shadow_pool=means.shadows,
            replay=means.replay,
        )
        feast = Feast(self._features, folder, clock=means.clock)
        self.app = App(
            predictor, metrics=self._metrics, reload=self._reload, feast=feast, version=means.version, gate=gate
        )
        self._reloading = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write the log and to watch the folder; inside the event loop."""
        self._log.start()
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def rest(self) -> None:
        """Watch the folder no more."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    def close(self) -> None:
        """Write what waits and let go of everything; no model runs any more."""
        self._log.stop()
        self._features.close()

    async def _watch(self) -> None:
        """Take each new route document into service; try again from time to time what could not be loaded."""
        waited_s = 0.0
        while True:
            if self._gate is not None:
                self._gate.refresh()
            if self._features.changed():
                await self._load_features()
            failing = bool(self._routes.table.failures) and waited_s >= _RETRY_S
            if failing or self._routes.changed():
                waited_s = 0.0
                try:
                    await self._reload()
                except Exception:  # noqa: BLE001 - what is served stays; the next document is a new chance
                    traceback.print_exc(file=sys.stderr)
                    await asyncio.sleep(1)
            await asyncio.sleep(_WATCH_S)
            waited_s += _WATCH_S

    async def _load_features(self) -> None:
        """Take a new document of features into service; one that cannot be read leaves the last one."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._means.loads, self._features.load)
        except StackCanvasError as error:
            self._say(f"features: {error.sentence()}")
        except Exception:  # noqa: BLE001 - predictions that bring their features need none of this
            traceback.print_exc(file=sys.stderr)

    async def _reload(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._reloading:
            before = self._routes.table
            table = await loop.run_in_executor(self._means.loads, self._routes.load)
            first = not self._routes.loaded
            self._routes.put_in_service(table)
            self._metrics.revision.set(table.revision)
            self._metrics.failing.set(len(table.failures))
            if table != before or first:
                self._metrics.swaps.add()
                for name, reason in table.failures.items():
                    if before.failures.get(name) != reason:
                        self._say(f"{name or 'routes.json'}: {reason}")
                await loop.run_in_executor(self._means.loads, self._routes.keep, table)
            if first and not self._workspace:
                gc.freeze()  # what was loaded at the start lives as long as the process

    def _say(self, what: str) -> None:
        say(f"workspace {self._workspace}: {what}" if self._workspace else what)

    def _variants(
        self, name: str, spec: EndpointSpec, load: Callable[[str], Bundle]
    ) -> tuple[list[Variant], list[Variant]]:
        return (
            [self._variant(name, spec, one, load, shadow=False) for one in spec.variants],
            [self._variant(name, spec, one, load, shadow=True) for one in spec.shadow],
        )

    def _variant(
        self, name: str, spec: EndpointSpec, one: VariantSpec, load: Callable[[str], Bundle], *, shadow: bool
    ) -> Variant:
        bundle = load(one.bundle)
        where = f"endpoint {name!r}, variant {one.name!r}"
        return Variant(
            name,
            one,
            bundle,
            fallback=make_fallback(spec.fallback, bundle.signature, load, where=where),
            plan=LogPlan(name, bundle.signature, spec.log),
            log=self._log,
            metrics=self._metrics,
            pool=self._means.models,
            alone=self._means.alone,
            where=where,
            shadow=shadow,
            lookup=self._lookup(name, bundle, where),
        )

    def _lookup(self, name: str, bundle: Bundle, where: str) -> Lookup | None:
        if bundle.spec.lookup is None:
            return None
        try:
            spec = msgspec.convert(bundle.spec.lookup, LookupSpec)
        except msgspec.ValidationError as error:
            raise Corrupt(f"its look-up cannot be read: {error}", where=where) from None
        blanks = {column.name: _BLANKS[NUMPY_TYPES[column.dtype].kind] for column in bundle.signature.columns.values()}
        return Lookup(spec, self._features, blanks=blanks, endpoint=name, metrics=self._metrics)

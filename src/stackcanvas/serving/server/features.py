"""The features that this server can read and write by itself: a document of the stack, and the online store it names.

The server never sees the definitions, only what is needed to find their rows. The address of the store stands in the
document as the canvas has it; what it needs from the environment is taken from this process's own.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from stackcanvas.backends.keyvalue import KeyValue, open_keyvalue
from stackcanvas.backends.keyvalue.formulas import as_column, evaluate
from stackcanvas.backends.keyvalue.rows import NULL, PRESENT, Place, Reader, Row
from stackcanvas.clock import to_us
from stackcanvas.errors import BadInput, NotFound, StackCanvasError, Unavailable
from stackcanvas.serving.server.documents import decode
from stackcanvas.serving.server.metrics import Metrics

FILE = "features.json"
_SQLITE = "sqlite:///"
_PATIENCE_S, _AWAY_S = 0.25, 2.0
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ViewPlan(msgspec.Struct, frozen=True):
    """One view: where its rows lie, and which columns of pushed rows are times."""

    place: Place
    event_time: str
    known_time: str | None = None
    timezone: str | None = None
    stream: bool = False
    source: str = ""
    until_us: int | None = None


class DemandPlan(msgspec.Struct, frozen=True):
    """What is computed from other features and from the request."""

    inputs: list[str]
    request: list[str]
    formulas: dict[str, list[Any]]


class Plan(msgspec.Struct, frozen=True):
    """`features.json`: everything that can be read."""

    online: str = ""
    namespace: str = "stackcanvas"
    views: dict[str, ViewPlan] = {}
    on_demand: dict[str, DemandPlan] = {}
    services: dict[str, list[str]] = {}


class Found(msgspec.Struct, frozen=True):
    """One feature for every row that was asked."""

    view: str
    name: str
    values: list[Any]
    states: list[str]
    events_us: list[int | None]


class FeatureStore:
    """Reads features by key.

    Args:
        folder: the server's part of the project's state, which holds `features.json`.
        metrics: counts what was found.
        pool: where a store across the network is asked, so that nobody else waits for it.
    """

    def __init__(self, folder: Path, *, metrics: Metrics, pool: Executor) -> None:
        self._folder = folder
        self._metrics = metrics
        self._pool = pool
        self._seen: tuple[int, int] | None = None
        self._address = ""
        self._reader: Reader | None = None
        self._away: tuple[float, Unavailable] | None = None
        self.store: KeyValue | None = None
        self.plan = Plan()

    def changed(self) -> bool:
        """Whether the document is another one than the one last read."""
        return self._stamp() != self._seen

    def load(self) -> None:
        """Read the document and open its store; what cannot be read leaves everything as it is.

        Raises:
            Corrupt: the document cannot be read.
            Unavailable: the store cannot be opened.
        """
        stamp = self._stamp()
        self._seen = stamp
        if stamp is None:
            return
        place = self._folder / FILE
        plan = decode(place.read_bytes(), Plan, where=place)
        address = f"{plan.namespace} {plan.online}"
        if plan.online and (address != self._address or self.store is None):
            self.store = open_keyvalue(self._resolved(plan.online), namespace=plan.namespace)
            self._reader, self._address, self._away = Reader(self.store), address, None
        self.plan = plan
        for name, view in plan.views.items():
            if view.until_us is not None:
                self._metrics.feature_until.set(view.until_us / 1e6, (name,))

    def pairs(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """View and feature of each name: `view:feature`, `view:*`, or a service.

        Raises:
            NotFound: there is no such view, feature or service.
        """
        return [pair for name in names for pair in self._pairs(name)]

    def view(self, name: str) -> ViewPlan:
        """A view that has rows.

        Raises:
            NotFound: there is none of that name.
        """
        if name not in self.plan.views:
            raise NotFound("feature view", name, known=self.plan.views)
        return self.plan.views[name]

    def places(self, pairs: Sequence[tuple[str, str]]) -> list[Place]:
        """Where the views lie whose rows these features are read from."""
        demanded = [self.plan.on_demand[view] for view, _ in pairs if view in self.plan.on_demand]
        names = [view for view, _ in pairs] + [_pair(one)[0] for other in demanded for one in other.inputs]
        return [self.plan.views[name].place for name in dict.fromkeys(names) if name in self.plan.views]

    async def read(
        self, pairs: Sequence[tuple[str, str]], rows: Sequence[Mapping[str, Any]], *, now_us: int
    ) -> list[Found]:
        """The features for each row, in one trip to the store.

        Args:
            pairs: views and features, on-demand ones too.
            rows: keys, and what on-demand views take from the request.
            now_us: the instant that ages are told from.

        Raises:
            BadInput: a row lacks a key, or has one that no row can have.
            Unavailable: the store does not answer.
        """
        demanded = {view: self.plan.on_demand[view] for view, _ in pairs if view in self.plan.on_demand}
        inputs = [_pair(one) for other in demanded.values() for one in other.inputs]
        stored = [pair for pair in (*pairs, *inputs) if pair[0] not in demanded]
        views = list(dict.fromkeys(view for view, _ in stored))
        found: dict[tuple[str, str], Found] = {}
        for view, lines in zip(views, await self.rows(views, rows, now_us=now_us), strict=True):
            found |= self._stored(view, lines, {name for other, name in stored if other == view})
        for view, other in demanded.items():
            found |= _computed(view, other, found, rows)
        return [found[pair] for pair in pairs]

    async def rows(self, views: Sequence[str], rows: Sequence[Mapping[str, Any]], *, now_us: int) -> list[list[Row]]:
        """Of each view the row of each key."""
        places = [self.view(name).place for name in views]
        reader = self.reader
        if not places:
            return []
        if self.remote:
            found = await self._asked(lambda: reader.read(places, rows, now_us=now_us))
        else:
            found = reader.read(places, rows, now_us=now_us)
        for name, column in zip(views, found, strict=True):
            self._count(name, column, now_us)
        return found

    async def _asked(self, read: Callable[[], list[list[Row]]]) -> list[list[Row]]:
        """Ask a store across the network; one that let a request wait in vain is not waited for by every other."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        if self._away is not None and begun_s < self._away[0]:
            raise self._away[1]
        try:
            found = await loop.run_in_executor(self._pool, read)
        except Unavailable as error:
            if loop.time() - begun_s > _PATIENCE_S:  # one that refuses at once may be back at once
                self._away = (loop.time() + _AWAY_S, error)
            raise
        self._away = None
        return found

    @property
    def reader(self) -> Reader:
        """What reads the store.

        Raises:
            Unavailable: no store is known yet.
        """
        if self._reader is None:
            fix = "Bring features online with `stackcanvas features materialize`"
            raise Unavailable("this server knows no online store yet", where=str(self._folder / FILE), fix=fix)
        return self._reader

    @property
    def remote(self) -> bool:
        """Whether the store is across a network."""
        return not self.plan.online.startswith(_SQLITE)

    def close(self) -> None:
        """Close the store."""
        if self.store is not None:
            self.store.close()

    def _count(self, view: str, rows: Sequence[Row], now_us: int) -> None:
        for state, count in Counter([row.state for row in rows]).items():
            self._metrics.feature_rows.add((view, state), count)
        ages = [(now_us - row.event_us) / 1e6 for row in rows if row.event_us is not None]
        if ages:
            self._metrics.feature_age.observe_all(ages, (view,))

    def _stored(self, view: str, rows: Sequence[Row], names: set[str]) -> dict[tuple[str, str], Found]:
        """The columns of a view; they share their states and times as far as they are the same."""
        states, events = [row.state for row in rows], [row.event_us for row in rows]
        columns = zip(*[row.values for row in rows], strict=True)
        found = {}
        for name, column in zip(self.view(view).place.features, columns, strict=True):
            if name in names:
                own = states
                if None in column:
                    pairs = zip(states, column, strict=True)
                    own = [NULL if state == PRESENT and value is None else state for state, value in pairs]
                found[view, name] = Found(view, name, list(column), own, events)
        return found

    def _pairs(self, name: str) -> list[tuple[str, str]]:
        view, colon, feature = name.partition(":")
        if not colon:
            if view not in self.plan.services:
                raise NotFound("feature service", name, known=self.plan.services)
            return [pair for one in self.plan.services[view] for pair in self._pairs(one)]
        demanded = self.plan.on_demand.get(view)
        features = list(demanded.formulas) if demanded is not None else list(self.view(view).place.features)
        if feature == "*":
            return [(view, one) for one in features]
        if feature not in features:
            raise NotFound("feature", feature, known=features, where=f"view {view}")
        return [(view, feature)]

    def _resolved(self, address: str) -> str:
        missing = [name for name in _VARIABLE.findall(address) if not os.environ.get(name)]
        if missing:
            raise Unavailable(
                f"the environment of the prediction server has no {missing[0]}",
                where="features.databases.online",
                fix=f"Run: export {missing[0]}=...",
            )
        whole = _VARIABLE.sub(lambda found: os.environ[found[1]], address)
        if whole.startswith(_SQLITE):  # relative to the project, whose state this folder is a part of
            path = self._folder.absolute().parent.parent / unquote(whole.removeprefix(_SQLITE))
            return _SQLITE + quote(str(path))
        return whole

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = (self._folder / FILE).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino


def _computed(
    view: str,
    demanded: DemandPlan,
    found: Mapping[tuple[str, str], Found],
    rows: Sequence[Mapping[str, Any]],
) -> dict[tuple[str, str], Found]:
    columns = {}
    for one in demanded.inputs:
        given = found[_pair(one)]
        columns[given.name] = as_column([_plain(value) for value in given.values])
    for name in demanded.request:
        for at, row in enumerate(rows):
            if name not in row:
                raise BadInput(f"the column {name!r} is missing", where=f"row {at}, for on-demand view {view}")
        columns[name] = as_column([_plain(row[name]) for row in rows])
    try:
        made = {name: evaluate(tree, columns).tolist() for name, tree in demanded.formulas.items()}
    except StackCanvasError as error:
        raise BadInput(error.what, where=f"on-demand view {view}", expected=error.expected) from None
    answers = {}
    for name, values in made.items():
        plain = [None if value != value else value for value in values]  # noqa: PLR0124 - NaN
        states = [NULL if value is None else PRESENT for value in plain]
        answers[view, name] = Found(view, name, plain, states, [None] * len(plain))
    return answers


def _pair(feature: str) -> tuple[str, str]:
    view, _, name = feature.partition(":")
    return view, name


def _plain(value: Any) -> Any:
    return to_us(value) / 1_000_000 if hasattr(value, "tzinfo") else value

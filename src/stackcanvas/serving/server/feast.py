"""Feast's HTTP contract over our features: read, push, and ask the worker to materialise."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from stackcanvas.backends.keyvalue.rows import EXPIRED, MISSING, NULL, PRESENT
from stackcanvas.clock import Clock, from_us, to_us
from stackcanvas.errors import BadInput, Conflict, NotFound, Unavailable
from stackcanvas.ids import Ids
from stackcanvas.serving.server.features import FeatureStore
from stackcanvas.serving.server.files import replace
from stackcanvas.serving.server.http import Answer
from stackcanvas.serving.server.pushes import as_json, as_keys, available_us, instant, instant_us, items, rows_of

ROUTES = frozenset({"get-online-features", "push", "write-to-online-store", "materialize", "materialize-incremental"})

_encode = msgspec.json.Encoder().encode
_STATUS = {PRESENT: "PRESENT", NULL: "NULL_VALUE", MISSING: "NOT_FOUND", EXPIRED: "OUTSIDE_MAX_AGE"}
_NEVER = "1970-01-01T00:00:00Z"
_SKEW_S = 2.0
_LOOK_S = 0.02


class GetRequest(msgspec.Struct):
    """The body of `/get-online-features`."""

    entities: dict[str, list[Any]]
    features: list[str] | None = None
    feature_service: str | None = None
    full_feature_names: bool = False


class PushRequest(msgspec.Struct):
    """The body of `/push`; `df` holds columns."""

    push_source_name: str
    df: dict[str, list[Any]]
    to: Literal["online", "offline", "online_and_offline"] = "online"


class WriteRequest(msgspec.Struct):
    """The body of `/write-to-online-store`."""

    feature_view_name: str
    df: dict[str, list[Any]]


class MaterializeRequest(msgspec.Struct):
    """The body of `/materialize` and `/materialize-incremental`."""

    end_ts: str | None = None
    start_ts: str | None = None
    feature_views: list[str] | None = None


class Feast:
    """Answers these routes.

    Args:
        store: of the features.
        folder: the project's `.stackcanvas`; pushed rows and requests for the worker are laid there.
        clock: tells the time.
        patience_s: how long a request to materialise waits for the worker.
    """

    def __init__(self, store: FeatureStore, folder: Path, *, clock: Clock, patience_s: float = 600.0) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._ids = Ids(clock.now)
        self._patience_s = patience_s

    async def answer(self, route: str, body: bytes) -> Answer:
        """Answer one request.

        Raises:
            StackCanvasError: it cannot be answered, with the status that says why.
        """
        if route == "get-online-features":
            return Answer(_encode(await self._get(_decode(body, GetRequest))))
        if route == "push":
            push = _decode(body, PushRequest)
            await self._push(self._pushed(push.push_source_name), push.df, to=push.to)
        elif route == "write-to-online-store":
            write = _decode(body, WriteRequest)
            self._store.view(write.feature_view_name)
            await self._push([write.feature_view_name], write.df, to="online")
        else:
            await self._materialize(_decode(body, MaterializeRequest))
        return Answer(b"null")

    async def _get(self, request: GetRequest) -> dict[str, Any]:
        if (not request.features) == (request.feature_service is None):
            raise BadInput("the request names not exactly one of features and feature_service")
        if request.feature_service is not None and ":" in request.feature_service:
            raise NotFound("feature service", request.feature_service, known=self._store.plan.services)
        pairs = self._store.pairs(request.features or [str(request.feature_service)])
        full = request.full_feature_names
        names = [f"{view}__{name}" if full else name for view, name in pairs]
        if len({*names, *request.entities}) < len(names) + len(request.entities):
            raise BadInput("two features, or a feature and an entity, have one name", fix="Set full_feature_names")
        asked = as_keys(request.entities, self._store.places(pairs))
        rows = rows_of(asked)
        if not rows:
            raise BadInput("no entities are asked")
        found = await self._store.read(pairs, rows, now_us=to_us(self._clock.now()))
        entities = [
            {"values": values, "statuses": ["PRESENT"] * len(rows), "event_timestamps": [_NEVER] * len(rows)}
            for values in asked.values()
        ]
        # Columns of one view share their lists, and what is written of them is made once.
        statuses: dict[int, list[str]] = {}
        times: dict[int, list[datetime | str]] = {}
        said: dict[int | None, datetime | str] = {None: _NEVER}
        features = []
        for one in found:
            if id(one.states) not in statuses:
                statuses[id(one.states)] = [_STATUS[state] for state in one.states]
            if id(one.events_us) not in times:
                said |= {event: _said(event) for event in set(one.events_us) if event not in said and event is not None}
                times[id(one.events_us)] = [said[event] for event in one.events_us]
            at = times[id(one.events_us)]
            known = {"statuses": statuses[id(one.states)], "event_timestamps": at}
            features.append({"values": as_json(one.values), **known})
        return {"metadata": {"feature_names": [*request.entities, *names]}, "results": [*entities, *features]}

    def _pushed(self, name: str) -> list[str]:
        """The views that a push goes to: the one of that name, or all that take their rows from that data set."""
        views = self._store.plan.views
        found = [name] if name in views else [view for view, plan in views.items() if plan.source == name]
        if not found:
            raise NotFound("push source", name, known=views)
        return found

    async def _push(self, views: Sequence[str], columns: Mapping[str, list[Any]], *, to: str) -> None:
        self._store.reader  # noqa: B018 - without a store nothing is taken
        plans = [self._store.view(name) for name in views]
        rows = rows_of(as_keys(columns, [view.place for view in plans]))
        for view in plans:
            if to != "online" and not view.stream:
                name, source = view.place.name, view.source
                raise Conflict(
                    f"the view {name!r} is no stream: its rows reach training by commits to data:{source}",
                    fix="Push to online, or define the view with stream=True",
                )
        last_us = max((one for view in plans if (one := available_us(view, rows)) is not None), default=None)
        now = self._clock.now()
        if to == "online" and last_us is not None:
            now = await self._until(last_us)
        found = [one for view in plans for one in items(view, rows, now_us=to_us(now))]
        if to != "online":
            for name in views:
                self._keep(name, columns, now)
        store = self._store.store
        assert store is not None
        if to != "offline" and found:
            await asyncio.get_running_loop().run_in_executor(None, store.put_many, found)

    async def _until(self, last_us: int) -> datetime:
        """The time when the last row is known. A client whose clock goes a little fast waits for the answer.

        Raises:
            BadInput: that is long; a row that nobody keeps would be lost meanwhile.
        """
        now = self._clock.now()
        early_s = (last_us - to_us(now)) / 1e6
        if early_s > _SKEW_S:
            raise BadInput(
                f"a row becomes known at {from_us(last_us).isoformat()}, which is still to come",
                fix="Push it then; or, of a stream, to online_and_offline",
            )
        await asyncio.sleep(max(0.0, early_s))
        return max(now, from_us(last_us))

    def _keep(self, view: str, columns: Mapping[str, list[Any]], now: datetime) -> None:
        """Lay pushed rows where the worker takes them into the data set."""
        plan = self._store.view(view)
        place = self._folder / "features" / "pushed" / _quoted(view) / f"{to_us(now):020d}-{self._ids.new()}.json"
        times = [plan.event_time] if plan.known_time is None else [plan.event_time, plan.known_time]
        told = {
            name: [instant_us(plan, one) for one in values] if name in times else values
            for name, values in columns.items()
        }
        place.parent.mkdir(parents=True, exist_ok=True)
        replace(place, _encode({"columns": told, "instants": times}))

    async def _materialize(self, request: MaterializeRequest) -> None:
        for view in request.feature_views or []:
            self._store.view(view)
        until = None if request.end_ts is None else instant(request.end_ts)
        if request.start_ts is not None:
            instant(request.start_ts)
        if not _alive(self._folder / "run" / "worker.json"):
            raise Unavailable(
                "no worker is running, which materialises",
                fix="Start it with `stackcanvas up`, or run `stackcanvas features materialize`",
            )
        asked = self._folder / "features" / "asked" / f"{self._ids.new()}.json"
        asked.parent.mkdir(parents=True, exist_ok=True)
        done = asked.with_suffix(".done")
        replace(asked, _encode({"views": request.feature_views, "until": until and until.isoformat()}))
        last = asyncio.get_running_loop().time() + self._patience_s
        while not done.exists():
            if asyncio.get_running_loop().time() > last:
                raise Unavailable("the worker has not materialised in time; it goes on")
            await asyncio.sleep(_LOOK_S)
        told = msgspec.json.decode(done.read_bytes())
        done.unlink(missing_ok=True)
        if told.get("error"):
            raise BadInput(str(told["error"]).rstrip("."))


def _said(event_us: int) -> datetime | str:
    """An instant as it is written; the encoder is far faster at it than Python."""
    try:
        return from_us(event_us)
    except OverflowError:
        return _NEVER


def _decode(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"the body cannot be read: {error}") from None
    except RecursionError:
        raise BadInput("the body is nested too deeply") from None


def _quoted(name: str) -> str:
    return "".join(
        one if one.isalnum() or one in "_.-~" else "".join(f"%{b:02X}" for b in one.encode()) for one in name
    )


def _alive(place: Path) -> bool:
    """Whether a process announced itself there and still runs."""
    try:
        os.kill(int(msgspec.json.decode(place.read_bytes())["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError, msgspec.MsgspecError):
        return False
    return True

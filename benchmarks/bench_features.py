"""Features: the point-in-time join and the online store, beside bare Polars and bare SQLite."""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import redis

from benchmarks.harness import HERE, Peer, Row, per_second, run
from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.features import FeatureView, Observations, point_in_time
from stackcanvas.features.online import Online, place_of
from stackcanvas.testing.redis import RedisServer
from stackcanvas.testing.serving import PredictionProcess, ServedFolder

_FEAST = ("feast[redis,duckdb]==0.67.0",)

_VIEWS = 3
_FEATURES = 10
_TTL = timedelta(days=7)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_START_US = 1_764_000_000_000_000
_SPAN_US = 30 * 86_400_000_000
_KEYS_ONLINE = 100_000


def _instants(microseconds: Any) -> pl.Series:
    return pl.Series(microseconds).cast(pl.Datetime("us", "UTC"))


def make(folder: Path, rows: int) -> None:
    """Entity rows and three views of as many rows, of which one in a hundred ties with the one before it."""
    rng = np.random.default_rng(0)
    keys = rows // 10
    asked = {"key": rng.integers(0, keys, rows), "time": _instants(_START_US + rng.integers(0, _SPAN_US, rows))}
    pl.DataFrame(asked).write_parquet(folder / "entities.parquet")
    for view in range(_VIEWS):
        key = rng.integers(0, keys, rows)
        event = _START_US + rng.integers(-_SPAN_US // 4, _SPAN_US, rows)
        ties = np.flatnonzero(rng.random(rows) < 0.01)[1:]
        key[ties], event[ties] = key[ties - 1], event[ties - 1]
        columns: dict[str, Any] = {"key": key, "event": _instants(event)}
        columns["known"] = _instants(event + rng.integers(0, 86_400_000_000, rows))
        columns |= {f"v{view}_f{number}": rng.random(rows) for number in range(_FEATURES)}
        pl.DataFrame(columns).write_parquet(folder / f"view{view}.parquet")


def join(folder: Path, *, known: bool) -> pl.DataFrame:
    """With us, from the files."""
    views = [
        Observations(
            name=f"v{view}",
            frame=pl.scan_parquet(folder / f"view{view}.parquet"),
            keys=("key",),
            event_time="event",
            known_time="known" if known else None,
            ttl=_TTL,
            features=tuple(f"v{view}_f{number}" for number in range(_FEATURES)),
        )
        for view in range(_VIEWS)
    ]
    return point_in_time(pl.read_parquet(folder / "entities.parquet"), views, time="time")


def bare_join(folder: Path) -> pl.DataFrame:
    """With Polars alone: ties are decided by the order in the file, and nothing is known of knowledge time."""
    joined = pl.scan_parquet(folder / "entities.parquet").sort("time")
    for view in range(_VIEWS):
        rows = pl.scan_parquet(folder / f"view{view}.parquet").drop("known").rename({"event": f"event{view}"})
        joined = joined.join_asof(
            rows.sort(f"event{view}"),
            left_on="time",
            right_on=f"event{view}",
            by="key",
            tolerance=_TTL,
            check_sortedness=False,
        )
    return joined.collect(engine="streaming")


def _timed(work: Callable[[], pl.DataFrame], rows: int) -> float:
    start = time.perf_counter()
    joined = work()
    took_s = time.perf_counter() - start
    assert joined.height == rows
    return took_s


def _peak(folder: Path, side: str) -> float:
    """Peak memory of a fresh process that does the join once."""
    command = [sys.executable, "-m", "benchmarks.bench_features", "--peak", str(folder), side]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
    return float(json.loads(done.stdout))


def _print_peak(folder: Path, side: str) -> None:
    bare_join(folder) if side == "floor" else join(folder, known=side == "known")
    # Not ru_maxrss: that begins at what the parent process had.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(json.dumps(int(status.split("VmHWM:")[1].split()[0]) / 1024))


def _views() -> list[FeatureView]:
    return [
        FeatureView(
            f"v{view}",
            entity=["key"],
            source="rows",
            event_time="event",
            features=[f"v{view}_f{number}" for number in range(_FEATURES)],
        )
        for view in range(_VIEWS)
    ]


def _rows(view: FeatureView, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    event = _instants(np.full(_KEYS_ONLINE, _START_US))
    values = {name: rng.random(_KEYS_ONLINE) for name in view.features}
    return pl.DataFrame({"key": np.arange(_KEYS_ONLINE), "event": event, **values})


def _materialise(folder: Path, views: Sequence[FeatureView], *, server: RedisServer | None = None) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as fresh, closing(_open(Path(fresh), server)) as store:
        online = Online(store)
        frames = [_rows(view, seed).lazy() for seed, view in enumerate(views)]

        def work() -> None:
            for view, frame in zip(views, frames, strict=True):
                online.put(view, frame, after=None, until=_NOW)

        return per_second(_KEYS_ONLINE * len(views), work)


def _materialise_bare(folder: Path, views: Sequence[FeatureView]) -> float:
    encode = msgspec.msgpack.encode
    items = [
        (b"%d:%d" % (seed, row[0]), encode(row[2:]))
        for seed, view in enumerate(views)
        for row in _rows(view, seed).rows()
    ]
    with tempfile.TemporaryDirectory(dir=folder) as fresh, closing(sqlite3.connect(Path(fresh) / "bare.db")) as bare:
        bare.execute("pragma journal_mode = wal")
        bare.execute("create table item (key blob primary key, value blob) without rowid")

        def work() -> None:
            with bare:
                bare.executemany("insert into item values (?, ?)", items)

        return per_second(len(items), work)


def _open(folder: Path, server: RedisServer | None = None) -> Any:
    if server is not None:
        return open_keyvalue(server.url, namespace=folder.name)
    return open_keyvalue(f"sqlite:///{folder}/online.db")


def _materialise_bare_redis(server: RedisServer, views: Sequence[FeatureView]) -> float:
    client: Any = redis.Redis(port=server.port)
    encode = msgspec.msgpack.encode
    items = [
        (b"bare:%d:%d" % (seed, row[0]), encode(row[2:]))
        for seed, view in enumerate(views)
        for row in _rows(view, seed).rows()
    ]

    def work() -> None:
        for start in range(0, len(items), 5000):
            client.mset(dict(items[start : start + 5000]))

    return per_second(len(items), work)


def _read(online: Online, views: Sequence[FeatureView], keys: int) -> float:
    """Milliseconds for one read of 30 features of so many keys."""
    rng = np.random.default_rng(keys)
    wanted = [(view, view.features) for view in views]
    asked = [[{"key": int(key)} for key in rng.integers(0, _KEYS_ONLINE, keys)] for _ in range(500)]
    return _median_ms(asked, lambda one: online.get(wanted, one, now=_NOW))


def _read_bare(store: Any, online: Online, views: Sequence[FeatureView], keys: int) -> float:
    """The same with one statement and one decoder."""
    rng = np.random.default_rng(keys)
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
    prefixes = [online.place(view).prefix for view in views]
    asked = [[int(key) for key in rng.integers(0, _KEYS_ONLINE, keys)] for _ in range(500)]
    with closing(sqlite3.connect(store.path)) as bare:

        def work(one: Sequence[int]) -> None:
            places = [prefix + encode((key,)) for prefix in prefixes for key in one]
            marks = ",".join("?" * len(places))
            found = dict(bare.execute(f"select key, value from item where key in ({marks})", places))  # noqa: S608
            for place in places:
                decode(found[place])

        return _median_ms(asked, work)


def _median_ms(asked: Sequence[Any], work: Callable[[Any], object]) -> float:
    took = []
    for one in asked:
        start = time.perf_counter()
        work(one)
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1000


def _http(server: PredictionProcess, keys: int) -> float:
    """Milliseconds for one read over HTTP, on a connection that stays open."""
    rng = np.random.default_rng(keys)
    features = [f"v{view}:v{view}_f{number}" for view in range(_VIEWS) for number in range(_FEATURES)]
    bodies = [
        json.dumps(
            {"features": features, "entities": {"key": [int(key) for key in rng.integers(0, _KEYS_ONLINE, keys)]}}
        )
        for _ in range(300)
    ]
    connection = HTTPConnection("127.0.0.1", server.port)

    def work(body: str) -> None:
        connection.request("POST", "/get-online-features", body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200

    with closing(connection):
        return _median_ms(bodies, work)


def _served(stack: ExitStack, folder: Path, views: Sequence[FeatureView]) -> PredictionProcess:
    """The prediction server over the filled store."""
    served = ServedFolder(folder / "served")
    places = {
        view.name: {"place": msgspec.to_builtins(place_of(view)), "event_time": view.event_time} for view in views
    }
    told = {"online": f"sqlite:///{folder}/online.db", "views": places}
    (served.root / "serving" / "features.json").write_bytes(msgspec.json.encode(told))
    server = PredictionProcess(served)
    stack.callback(server.kill)
    return server


def _import(code: str) -> float:
    """Seconds of a fresh interpreter, its own start included."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def _peer(work: str, source: Path, *arguments: object) -> Peer:
    return Peer("feast", _FEAST, "peer_feast.py", (work, str(source), *map(str, arguments)))


def rows(stack: ExitStack) -> Sequence[Row]:
    """The rows of this family."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    large, small = folder / "1m", folder / "100k"
    for place, count in ((large, 1_000_000), (small, 100_000)):
        place.mkdir()
        make(place, count)
    views = _views()
    store = stack.enter_context(closing(_open(folder)))
    online = Online(store)
    kept = folder / "online"
    kept.mkdir()
    for seed, view in enumerate(views):
        online.put(view, _rows(view, seed).lazy(), after=None, until=_NOW)
        _rows(view, seed).write_parquet(kept / f"view{seed}.parquet")
    server = RedisServer()
    server.start()
    stack.callback(server.stop)
    shared = Online(stack.enter_context(closing(_open(folder, server))))
    for seed, view in enumerate(views):
        shared.put(view, _rows(view, seed).lazy(), after=None, until=_NOW)
    served = _served(stack, folder, views)

    def joins(place: Path, count: int, aim_s: float) -> list[Row]:
        shown = f"{count // 1000:,}k rows x {_VIEWS} views of as many rows"
        floor = partial(_timed, partial(bare_join, place), count)
        plain = partial(_timed, partial(join, place, known=False), count)
        known = partial(_timed, partial(join, place, known=True), count)
        return [
            Row(f"join {shown}", "s", us=plain, floor=floor, peer=_peer("join", place, "duckdb"), aim=aim_s),
            Row(f"join {shown}, with knowledge time", "s", us=known, floor=floor),
        ]

    return [
        *joins(large, 1_000_000, 1.5),
        Row(
            "the same, peak memory",
            "MB",
            us=partial(_peak, large, "plain"),
            floor=partial(_peak, large, "floor"),
            aim=1000,
        ),
        Row("the same with knowledge time, peak memory", "MB", us=partial(_peak, large, "known"), aim=1000),
        *joins(small, 100_000, 0.7),
        Row(
            f"materialise {_KEYS_ONLINE // 1000}k keys x {_VIEWS} views",
            "rows/s",
            us=partial(_materialise, folder, views),
            floor=partial(_materialise_bare, folder, views),
            peer=_peer("materialise", kept, "sqlite"),
            aim=200_000,
        ),
        Row(
            f"materialise {_KEYS_ONLINE // 1000}k keys x {_VIEWS} views, Redis",
            "rows/s",
            us=partial(_materialise, folder, views, server=server),
            floor=partial(_materialise_bare_redis, server, views),
            peer=_peer("materialise", kept, f"redis=127.0.0.1:{server.port}"),
            aim=90_000,
        ),
        *(
            Row(
                f"online read, {keys} keys x 30 features",
                "ms",
                us=partial(_read, online, views, keys),
                floor=partial(_read_bare, store, online, views, keys),
                peer=_peer("read", kept, "sqlite", keys),
                aim=aim,
            )
            for keys, aim in ((1, 0.05), (10, 0.2), (100, 1.5))
        ),
        *(
            Row(
                f"online read, {keys} keys x 30 features, Redis",
                "ms",
                us=partial(_read, shared, views, keys),
                peer=_peer("read", kept, f"redis=127.0.0.1:{server.port}", keys),
                aim=aim,
            )
            for keys, aim in ((1, 0.15), (10, 0.3), (100, 1.5))
        ),
        *(
            Row(
                f"online read over HTTP, {keys} keys x 30 features",
                "ms",
                us=partial(_http, served, keys),
                peer=_peer("http", kept, "sqlite", keys),
                aim=aim,
            )
            for keys, aim in ((1, 0.4), (10, 0.7), (100, 2.0))
        ),
        Row("import", "s", us=partial(_import, "import stackcanvas"), peer=_peer("import", kept), aim=0.1),
        Row("import, ready to define views", "s", us=partial(_import, "import stackcanvas as sc; sc.FeatureView")),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        _print_peak(Path(sys.argv[2]), sys.argv[3])
    else:
        run("features", rows, packages=("polars", "msgspec"))

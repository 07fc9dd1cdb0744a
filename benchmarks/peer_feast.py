"""Feast on the files of `bench_features`: one piece of work in process or over HTTP, the import not counted."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

started = time.perf_counter()
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType  # type: ignore[import-not-found,unused-ignore]  # noqa: E402
from feast.types import Float64  # type: ignore[import-not-found,unused-ignore]  # noqa: E402

took_s = time.perf_counter() - started
work, source, *rest = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def make_store(folder: Path, *, ttl: timedelta, offline: str = "dask", online: str = "sqlite") -> FeatureStore:
    """A repository over the three files of the source."""
    stores = {
        "sqlite": f"type: sqlite\n    path: {folder}/online.db",
        "redis": f"type: redis\n    connection_string: {online.partition('=')[2]}",
    }
    (folder / "feature_store.yaml").write_text(
        f"project: bench\nprovider: local\nregistry: {folder}/registry.db\nentity_key_serialization_version: 3\n"
        f"offline_store:\n    type: {offline}\nonline_store:\n    {stores[online.partition('=')[0]]}\n"
    )
    store = FeatureStore(str(folder))
    key = Entity(name="key", join_keys=["key"], value_type=ValueType.INT64)
    views = [
        FeatureView(
            name=f"v{view}",
            entities=[key],
            ttl=ttl,
            schema=[Field(name=f"v{view}_f{number}", dtype=Float64) for number in range(10)],
            source=FileSource(path=str(source / f"view{view}.parquet"), timestamp_field="event"),
        )
        for view in range(3)
    ]
    store.apply([key, *views])
    return store


FEATURES = [f"v{view}:v{view}_f{number}" for view in range(3) for number in range(10)]


def rows_asked(keys: int) -> list[list[int]]:
    """Keys of several reads."""
    rng = np.random.default_rng(keys)
    return [[int(key) for key in rng.integers(0, 100_000, keys)] for _ in range(50)]


def over_http(folder: Path, keys: int) -> float:
    """Milliseconds of one read from Feast's own server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    feast = Path(sys.executable).with_name("feast")
    server = subprocess.Popen([feast, "-c", folder, "serve", "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                connection = HTTPConnection("127.0.0.1", port, timeout=30)
                connection.request("GET", "/health")
                connection.getresponse().read()
                break
            except OSError:
                time.sleep(0.1)
        took = []
        for asked in rows_asked(keys):
            body = json.dumps({"features": FEATURES, "entities": {"key": asked}})
            start = time.perf_counter()
            connection.request("POST", "/get-online-features", body, {"Content-Type": "application/json"})
            connection.getresponse().read()
            took.append(time.perf_counter() - start)
        return sorted(took)[len(took) // 2] * 1000
    finally:
        server.terminate()
        server.wait()


def measure(folder: Path) -> float:
    """The figure of one piece of work."""
    if work == "import":
        return took_s
    if work == "join":
        store = make_store(folder, ttl=timedelta(days=7), offline=rest[0])
        entities = pd.read_parquet(source / "entities.parquet").rename(columns={"time": "event_timestamp"})
        start = time.perf_counter()
        store.get_historical_features(entity_df=entities, features=FEATURES).to_df()
        return time.perf_counter() - start
    store = make_store(folder, ttl=timedelta(days=3650), online=rest[0])
    start = time.perf_counter()
    store.materialize(NOW - timedelta(days=365), NOW)
    if work == "materialise":
        return 300_000 / (time.perf_counter() - start)
    keys = int(rest[1])
    if work == "http":
        return over_http(folder, keys)
    took = []
    for asked in rows_asked(keys):
        rows: list[dict[str, Any]] = [{"key": key} for key in asked]
        start = time.perf_counter()
        store.get_online_features(features=FEATURES, entity_rows=rows).to_dict()
        took.append(time.perf_counter() - start)
    return sorted(took)[len(took) // 2] * 1000


with tempfile.TemporaryDirectory() as place:
    os.environ["FEAST_USAGE"] = "False"
    print(json.dumps({"value": measure(Path(place))}))

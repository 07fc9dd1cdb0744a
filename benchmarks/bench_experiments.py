"""Tracking in process: metrics logged natively, their history, and the best of ten thousand runs."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from benchmarks.harness import Row, per_second, run
from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import SystemClock
from stackcanvas.experiments import Experiments
from stackcanvas.experiments.tables import run as run_table
from stackcanvas.experiments.tables import run_metric_latest, run_parameter
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load

_POINTS = 100_000
_RUNS = 10_000


def _opened(stack: ExitStack) -> tuple[Spine, Experiments]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    database = open_database(f"sqlite:///{folder}/metadata.db")
    stack.callback(database.close)
    prepare(database, load)
    clock = SystemClock()
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("bench"))
    return spine, Experiments(spine, open_objects(folder / "objects"))


def _fill(spine: Spine, experiments: Experiments) -> None:
    """Ten thousand runs with ten parameters and twenty metrics."""
    number, now = experiments.catalog.create("many"), spine.clock.now()
    ids = [spine.ids.new() for _ in range(_RUNS)]
    facts = {"status": "finished", "lifecycle": "active", "actor": "bench", "dirty": False, "environment": None}
    with spine.write() as tx:
        runs = [
            {
                "id": one,
                "experiment": number,
                "name": one,
                "artifact_location": one,
                "started": now + timedelta(seconds=at),
                **facts,
            }
            for at, one in enumerate(ids)
        ]
        spine.database.bulk(tx, run_table, runs)
        parameters = [{"run": one, "key": f"p{key}", "value": str(key)} for one in ids for key in range(10)]
        spine.database.bulk(tx, run_parameter, parameters)
        metrics = [
            {
                "run": one,
                "key": f"m{key}",
                "experiment": number,
                "step": 0,
                "time": now,
                "value": float(at * 7919 % 10_007 + key),
            }
            for at, one in enumerate(ids)
            for key in range(20)
        ]
        spine.database.bulk(tx, run_metric_latest, metrics)


def _log(experiments: Experiments) -> float:
    with experiments.run("metrics") as logged:

        def work() -> None:
            for step in range(_POINTS):
                logged.log({"loss": 0.5 + step}, step=step)
            logged.flush()

        return per_second(_POINTS, work)


def _log_from_threads(experiments: Experiments) -> float:
    """Four threads that log to two runs."""
    runs = [experiments.run("threads"), experiments.run("threads")]

    def work(number: int) -> None:
        for step in range(_POINTS // 4):
            runs[number % 2].log({f"loss{number}": 0.5}, step=step)

    def everything() -> None:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        runs[0].flush()

    rate = per_second(_POINTS, everything)
    for run_ in runs:
        run_.end()
    return rate


def _log_floor(folder: Path) -> float:
    """The same rows in batches of a thousand, with the driver alone."""
    with closing(sqlite3.connect(folder / f"{time.monotonic_ns()}.db", isolation_level=None)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute(
            "create table point (run text, key text, step integer, time integer, value real,"
            " primary key (run, key, step, time, value)) without rowid"
        )

        def work() -> None:
            for batch in range(0, _POINTS, 1000):
                rows = [("run", "loss", step, time.time_ns(), 0.5 + step) for step in range(batch, batch + 1000)]
                connection.execute("begin immediate")
                connection.executemany("insert or ignore into point values (?, ?, ?, ?, ?)", rows)
                connection.execute("commit")

        return per_second(_POINTS, work)


def _start(experiments: Experiments) -> float:
    def work() -> None:
        for _ in range(100):
            parameters = {f"p{key}": key for key in range(10)}
            with experiments.run("short", parameters=parameters, tags={f"t{key}": key for key in range(5)}) as logged:
                logged.log({f"m{key}": float(key) for key in range(20)})

    return per_second(100, work)


def rows(stack: ExitStack) -> Sequence[Row]:
    """The rows of tracking that need no server."""
    spine, experiments = _opened(stack)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    _fill(spine, experiments)
    with experiments.run("history") as long:
        for step in range(_POINTS):
            long.log({"loss": 0.5 + step}, step=step)

    def history_ms() -> float:
        start = time.perf_counter()
        assert len(experiments.metrics(long.id, "loss")) == _POINTS
        return (time.perf_counter() - start) * 1000

    def search_ms(limit: int, *where: str) -> float:
        start = time.perf_counter()
        assert experiments.search("many", where=where, order_by="metric.m7 desc", limit=limit)
        return (time.perf_counter() - start) * 1000

    def page_ms() -> float:
        start = time.perf_counter()
        assert experiments.search("many", where="metrics.m3 > 5000", order_by="params.p3", limit=50, offset=1000)
        assert experiments.count("many", where="metrics.m3 > 5000")
        return (time.perf_counter() - start) * 1000

    def table_s() -> float:
        start = time.perf_counter()
        assert experiments.frame("many").height == _RUNS
        return time.perf_counter() - start

    return [
        Row(
            "log in the background, durable at flush",
            "metrics/s",
            us=lambda: _log(experiments),
            floor=lambda: _log_floor(folder),
            aim=50_000,
        ),
        Row("log from four threads to two runs", "metrics/s", us=lambda: _log_from_threads(experiments), aim=50_000),
        Row("a run with 10 parameters, 20 metrics, 5 tags", "runs/s", us=lambda: _start(experiments), aim=800),
        Row(
            "search with a metric filter and order, 100 of 10,000",
            "ms",
            us=lambda: search_ms(100, "metric.m3 > 5000"),
            aim=20,
        ),
        Row("a page of 50 of 10,000 runs by a parameter, with their number", "ms", us=page_ms, aim=100),
        Row("all 10,000 runs as a table", "s", us=table_s, aim=2),
        Row("search, 1000 runs with all their data", "ms", us=lambda: search_ms(1000), aim=120),
        Row("history of a metric, 100,000 points", "ms", us=history_ms, aim=200),
    ]


if __name__ == "__main__":
    run("experiments", rows, packages=("sqlalchemy",))

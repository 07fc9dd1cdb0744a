"""A hundred trivial steps with state, cache and lineage kept: new, in warm processes, and when nothing has changed."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

import stackcanvas as sc
from benchmarks.harness import Row, run

_STEPS = 100
_CODE = f"""
import stackcanvas as sc

@sc.step
def add(value: int, number: int, salt: int) -> int:
    return value + number

@sc.pipeline
def chain(salt: int = 0) -> int:
    value = 0
    for number in range({_STEPS}):
        value = add(value, number, salt)
    return value

@sc.pipeline
def fan(salt: int = 0) -> list:
    return [add(number, number, salt) for number in range({_STEPS})]
"""
_CANVAS = """
stackcanvas: 1
project: {{name: bench}}
pipelines: {{location: {{executor: "{executor}"}}}}
"""


def _project(stack: ExitStack, executor: str) -> sc.Stack:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (folder / "canvas.yaml").write_text(_CANVAS.format(executor=executor))
    (folder / "pipelines.py").write_text(_CODE)
    return stack.enter_context(sc.open(folder))


def _floor(folder: Path) -> float:
    """The same calls, each with one commit of its result and of a link to the one before."""
    with closing(sqlite3.connect(folder / f"{time.monotonic_ns()}.db", isolation_level=None)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute("create table step (node text primary key, value blob, started integer, ended integer)")
        connection.execute("create table link (node text, needs text)")
        value, start = 0, time.perf_counter()
        for number in range(_STEPS):
            began = time.time_ns()
            value += number
            connection.execute("begin immediate")
            row = (f"add#{number}", msgspec.msgpack.encode(value), began, time.time_ns())
            connection.execute("insert into step values (?, ?, ?, ?)", row)
            connection.execute("insert into link values (?, ?)", (f"add#{number}", f"add#{number - 1}"))
            connection.execute("commit")
        return (time.perf_counter() - start) * 1000 / _STEPS


def rows(stack: ExitStack) -> Sequence[Row]:
    """The rows of pipelines."""
    here, elsewhere = _project(stack, "inline:"), _project(stack, "processes:2")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    salts = itertools.count(1)
    elsewhere.pipelines.run("fan").check()  # starts the processes
    here.pipelines.run("chain").check()

    def step_ms(project: sc.Stack, pipeline: str, salt: int) -> float:
        start = time.perf_counter()
        project.pipelines.run(pipeline, {"salt": salt}).check()
        return (time.perf_counter() - start) * 1000 / _STEPS

    return [
        Row(
            "a trivial step in process, one after the other",
            "ms",
            us=lambda: step_ms(here, "chain", next(salts)),
            floor=lambda: _floor(folder),
            aim=1.0,
        ),
        Row("a trivial step when nothing changed", "ms", us=lambda: step_ms(here, "chain", 0), aim=0.3),
        Row(
            "a trivial step in one of two warm processes",
            "ms",
            us=lambda: step_ms(elsewhere, "fan", next(salts)),
            aim=5.0,
        ),
    ]


if __name__ == "__main__":
    run("pipelines", rows, packages=("sqlalchemy", "msgspec"))

"""A full canvas: check, assess and cost, the printed page, the choice of tools; and a bare start of the interpreter."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.resources import files

from benchmarks.harness import Row, run
from stackcanvas.canvas import loads
from stackcanvas.canvas.assess import assess
from stackcanvas.canvas.check import check
from stackcanvas.canvas.choose import choose
from stackcanvas.canvas.cost import estimate
from stackcanvas.canvas.show import sheet
from stackcanvas.canvas.show.page import printed

_TEXT = (files("stackcanvas") / "examples" / "flights" / "canvas.yaml").read_text(encoding="utf-8")


def milliseconds(work: Callable[[], object]) -> Callable[[], float]:
    """A measure of the time that some work takes, after one turn to warm up."""

    def measure() -> float:
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) * 1000

    work()
    return measure


def judged() -> None:
    """What `canvas check`, `assess` and `cost` do once the program has started, reading included."""
    canvas = loads(_TEXT)
    check(canvas)
    assess(canvas)
    estimate(canvas).to_dict()


def helped() -> None:
    """The command line's help, in a process of its own."""
    subprocess.run([sys.executable, "-m", "stackcanvas.cli", "--help"], check=True, capture_output=True)


def bare() -> None:
    """An interpreter that does nothing."""
    subprocess.run([sys.executable, "-c", ""], check=True)


def rows(stack: ExitStack) -> Sequence[Row]:
    """The work on a canvas with every question answered."""
    del stack
    canvas = loads(_TEXT)
    page = sheet(canvas)
    return [
        Row("read, check, assess and cost a full canvas", "ms", us=milliseconds(judged), aim=50),
        Row("one-page PDF", "ms", us=milliseconds(lambda: printed(sheet(canvas), "pdf")), aim=1000),
        Row("one-page PNG", "ms", us=milliseconds(lambda: printed(page, "png")), aim=1000),
        Row("choose a tool for every block, explained", "ms", us=milliseconds(lambda: choose(canvas)), aim=1000),
        Row("--help, beside a bare interpreter", "ms", us=milliseconds(helped), floor=milliseconds(bare), aim=150),
    ]


if __name__ == "__main__":
    run("canvas", rows, packages=("numpy", "scipy", "typst"))

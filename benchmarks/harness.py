"""What every family of rows shares: turns, medians, ratios, a table, JSON; peers in environments of their own."""

from __future__ import annotations

import argparse
import compileall
import gc
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stackcanvas

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PEERS = HERE / ".peers"
SIDES = ("us", "floor", "peer")

Measure = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Peer:
    """The same work done by another tool, in its own throw-away environment.

    Args:
        name: the tool.
        requirements: what pip installs, with versions.
        script: a file beside this one, run by the peer's Python; it prints `{"value": NUMBER}` as its last line.
        arguments: given to the script.
    """

    name: str
    requirements: tuple[str, ...]
    script: str
    arguments: tuple[str, ...] = ()

    def measure(self) -> float:
        """Run the script once."""
        command = [str(self.python()), str(HERE / self.script), *self.arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)
        if done.returncode:
            raise SystemExit(f"{self.name} failed:\n{done.stderr[-2000:]}")
        return float(json.loads(done.stdout.splitlines()[-1])["value"])

    def python(self) -> Path:
        """The interpreter of its environment, made at the first use and byte-compiled."""
        folder = PEERS / self.name
        python = folder / "bin" / "python"
        if not (folder / "ready").exists():
            print(f"installing {' '.join(self.requirements)} ...", flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *self.requirements], check=True)
            subprocess.run([str(python), "-m", "compileall", "-q", str(folder)], check=False)
            (folder / "ready").touch()
        return python


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of work, measured in one unit on up to three sides.

    Args:
        work: what is done.
        unit: of every figure; more is better when it ends in `/s`, less is better otherwise.
        us: does the work with stackcanvas and returns the figure.
        floor: the same with the bare library.
        peer: the same with another tool.
        aim: the figure to reach.
        aim_of_floor: the share of the floor to reach, 0.7 for 70 %.
    """

    work: str
    unit: str
    us: Measure
    floor: Measure | None = None
    peer: Peer | None = None
    aim: float | None = None
    aim_of_floor: float | None = None

    def better(self, one: float, other: float) -> float:
        """How many times better one figure is than another."""
        return one / other if self.unit.endswith("/s") else other / one


Rows = Callable[[ExitStack], Sequence[Row]]


def per_second(units: int, work: Callable[[], object]) -> float:
    """So many units of work, as a rate."""
    start = time.perf_counter()
    work()
    return units / (time.perf_counter() - start)


def run(family: str, rows: Rows, *, packages: Iterable[str], arguments: Sequence[str] | None = None) -> None:
    """Measure the rows of a family as the command line says, print the table and write the JSON.

    Args:
        family: the name of the JSON file.
        rows: makes the rows; what they need is entered on the stack and left at the end.
        packages: whose versions belong to the figures.
    """
    chosen = _parser(family).parse_args(arguments)
    sides = chosen.sides or ["us", "floor"]
    # An installed package is byte-compiled, and so are the peers'; a checkout may be not.
    compileall.compile_dir(Path(stackcanvas.__file__).parent, quiet=1)
    measured = []
    with ExitStack() as stack:
        for row in rows(stack):
            if chosen.only.lower() in row.work.lower():
                measured.append(_measure(row, sides, chosen.rounds))
                print(_line(measured[-1]), flush=True)
    result = {
        "family": family,
        "measured": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": _machine(),
        "versions": {name: importlib.metadata.version(name) for name in ("stackcanvas", *packages)},
        "rounds": chosen.rounds,
        "rows": measured,
    }
    if not chosen.only:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{family}.json").write_text(json.dumps(result, indent=2) + "\n")
    print("\n" + markdown(result))


def _parser(family: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.bench_{family}")
    parser.add_argument("sides", nargs="*", choices=[*SIDES, []], help="what to measure; us and floor by default")
    parser.add_argument("--rounds", type=int, default=3, help="each side so many times, in turn; the median counts")
    parser.add_argument("--only", default="", help="rows whose name holds this text; writes no JSON")
    return parser


def _measure(row: Row, sides: Sequence[str], rounds: int) -> dict[str, Any]:
    """All sides in turn, so that what else the machine does falls on each of them."""
    measures: dict[str, Measure | None] = {
        "us": row.us,
        "floor": row.floor,
        "peer": row.peer.measure if row.peer else None,
    }
    figures: dict[str, list[float]] = {side: [] for side in SIDES if side in sides and measures[side] is not None}
    for _ in range(rounds):
        for side, values in figures.items():
            measure = measures[side]
            assert measure is not None
            gc.collect()
            values.append(measure())
    medians = {side: statistics.median(values) for side, values in figures.items()}
    us, floor, peer = (medians.get(side) for side in SIDES)
    found: dict[str, Any] = {"work": row.work, "unit": row.unit, **medians}
    found["spread"] = {side: [min(values), max(values)] for side, values in figures.items()}
    if us and floor:
        found["of_floor"] = row.better(us, floor)
    if us and peer and row.peer:
        found["against_peer"] = row.better(us, peer)
        found["peer_name"] = " ".join(row.peer.requirements)
    aims = [row.aim] if row.aim else []
    aims += (
        [floor * row.aim_of_floor if row.unit.endswith("/s") else floor / row.aim_of_floor]
        if (floor and row.aim_of_floor)
        else []
    )
    if us and aims:
        found["aim"] = aims[0]
        found["reached"] = all(row.better(us, aim) >= 1 for aim in aims)
    return found


def _machine() -> dict[str, Any]:
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_bytes": pages,
        "python": platform.python_version(),
    }


def _line(row: Mapping[str, Any]) -> str:
    figures = ", ".join(f"{side} {shown(row[side])}" for side in SIDES if side in row)
    missed = "" if row.get("reached", True) else f"   MISSED the aim of {shown(row['aim'])}"
    return f"{row['work']}: {figures} {row['unit']}{missed}"


def shown(figure: float | None) -> str:
    """A figure with three digits that count.

    Example:
        >>> shown(255123.4), shown(0.01234), shown(None)
        ('255,000', '0.0123', '')
    """
    if figure is None:
        return ""
    if figure >= 100:
        digits = len(str(int(figure))) - 3
        return f"{round(figure, -digits):,.0f}"
    return f"{figure:.3g}"


def markdown(result: Mapping[str, Any]) -> str:
    """The table of a family for the documentation."""
    lines = ["| work | unit | us | floor | of the floor | peer | times the peer | aim |", "|" + "---|" * 8]
    for row in result["rows"]:
        share = f"{row['of_floor']:.0%}" if "of_floor" in row else ""
        times = f"{row['against_peer']:.1f}" if "against_peer" in row else ""
        aim = shown(row.get("aim")) + ("" if row.get("reached", True) else " (missed)")
        cells = [row["work"], row["unit"], *(shown(row.get(side)) for side in ("us", "floor"))]
        lines.append("| " + " | ".join([*cells, share, shown(row.get("peer")), times, aim]) + " |")
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    machine = result["machine"]
    lines += ["", f"{result['measured']}, {machine['cores']} cores, Python {machine['python']}, {versions}."]
    return "\n".join(lines)

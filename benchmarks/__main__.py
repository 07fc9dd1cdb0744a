"""Every family of rows, one after the other, each in a process of its own.

python -m benchmarks us floor [peer]     measure
python -m benchmarks page                the page of the last measurements, docs/reference/benchmarks.md
python -m benchmarks headlines           the table of the README
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.harness import HERE, RESULTS, markdown, shown

# What the README shows of each family: one row for each kind of work that a peer does too.
_HEADLINES = {
    "tracking": (
        "server start to first answer",
        "log_metric, raw",
        "a run with 10 parameters, 20 metrics, 5 tags, raw",
        "search_runs, metric filter and order, 100 of 10,000, raw",
        "history of a metric, 100,000 points, raw",
    ),
    "registry": ("create_model_version", "set alias, 5,000 versions"),
    "data": (
        "add 10,000 files of 10 KB",
        "status of 10,000 unchanged files, whole command",
        "add 1 GB of text",
        "check out 10,000 files, copies from packs",
    ),
    "features": (
        "join 1,000k rows x 3 views of as many rows",
        "materialise 100k keys x 3 views",
        "online read, 100 keys x 30 features",
        "online read over HTTP, 100 keys x 30 features",
    ),
    "drift": ("profiles and drift of 50 columns, 100,000 rows each",),
}
_PAGE = """# Benchmarks

What was measured last, made by `python -m benchmarks page` from `benchmarks/results/`. How to read and repeat it stands
in [benchmarks](../../benchmarks/README.md). "Floor" is the bare library on the same machine, "of the floor" how near to
it stackcanvas comes; "times the peer" is how many times better it is.
"""


def measured() -> list[dict[str, Any]]:
    """The last measurements, by family."""
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]


def page(results: Sequence[Mapping[str, Any]]) -> str:
    """All tables, as a page of the documentation."""
    return _PAGE + "".join(f"\n## {result['family'].capitalize()}\n{markdown(result)}\n" for result in results)


def headlines(results: Sequence[Mapping[str, Any]]) -> str:
    """The table of the README: the same work done by stackcanvas and by a peer."""
    lines = ["| work | stackcanvas | peer | |", "|---|---|---|---|"]
    for result in results:
        for row in result["rows"]:
            if row["work"] not in _HEADLINES.get(result["family"], ()) or "against_peer" not in row:
                continue
            times = f"{shown(row['against_peer'])} times" if row["against_peer"] >= 1 else "slower"
            name = row["peer_name"].split()[0].replace("==", " ").removesuffix(".*")
            us, peer = (_with_unit(row[side], row["unit"]) for side in ("us", "peer"))
            lines.append(f"| {row['work']} | {us} | {peer} ({name}) | {times} |")
    return "\n".join(lines) + "\n"


def _with_unit(figure: float, unit: str) -> str:
    return f"{shown(figure)}{unit}" if unit.startswith("/") else f"{shown(figure)} {unit}"


def main(arguments: list[str]) -> None:
    """Measure all families, then say where an aim was missed; or print what was measured last."""
    if arguments == ["page"]:
        sys.stdout.write(page(measured()))
        return
    if arguments == ["headlines"]:
        sys.stdout.write(headlines(measured()))
        return
    for path in sorted(HERE.glob("bench_*.py")):
        print(f"\n## {path.stem.removeprefix('bench_')}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{path.stem}", *arguments], check=True, cwd=HERE.parent)
    missed = [
        (result["family"], row) for result in measured() for row in result["rows"] if not row.get("reached", True)
    ]
    print(f"\n{len(missed)} aims missed")
    for family, row in missed:
        print(f"  {family}: {row['work']}: {shown(row['us'])} of {shown(row['aim'])} {row['unit']}")


if __name__ == "__main__":
    main(sys.argv[1:])

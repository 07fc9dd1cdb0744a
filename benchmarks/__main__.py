"""Every family of rows, one after the other, each in a process of its own.

python -m benchmarks us floor [peer]     measure
python -m benchmarks table               print the tables of the last measurements
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.harness import HERE, RESULTS, markdown, shown


def main(arguments: list[str]) -> None:
    """Measure all families, then say where an aim was missed; or print what was measured last."""
    if arguments != ["table"]:
        for path in sorted(HERE.glob("bench_*.py")):
            print(f"\n## {path.stem.removeprefix('bench_')}", flush=True)
            subprocess.run([sys.executable, "-m", f"benchmarks.{path.stem}", *arguments], check=True, cwd=HERE.parent)
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    if arguments == ["table"]:
        for result in results:
            print(f"### {result['family']}\n\n{markdown(result)}\n")
        return
    missed = [(result["family"], row) for result in results for row in result["rows"] if not row.get("reached", True)]
    print(f"\n{len(missed)} aims missed")
    for family, row in missed:
        print(f"  {family}: {row['work']}: {shown(row['us'])} of {shown(row['aim'])} {row['unit']}")


if __name__ == "__main__":
    main(sys.argv[1:])

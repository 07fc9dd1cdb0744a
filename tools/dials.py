"""Hold the dials of the house: sizes of files and functions, no own imports inside functions."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE, LONGEST_FILE_P90, LONGEST_FUNCTION = 500, 300, 60


def main() -> int:
    """Print what is over a dial; exit code 1 when something is."""
    problems: list[str] = []
    sizes: list[int] = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        if path.parent.name == "versions" and path.parent.parent.name == "migrations":
            continue  # migrations are tables: as long as the schema is, and never changed once shipped
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT)
        lines = text.count("\n")
        sizes.append(lines)
        if lines > LONGEST_FILE:
            problems.append(f"{name}: {lines} lines, at most {LONGEST_FILE}")
        problems += [f"{name}:{line}" for line in _functions(ast.parse(text))]
    p90 = sorted(sizes)[int(len(sizes) * 0.9)]
    if p90 > LONGEST_FILE_P90:
        problems.append(f"nine of ten files are up to {p90} lines long, at most {LONGEST_FILE_P90}")
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    sys.stdout.write(f"{len(sizes)} files, {sum(sizes)} lines, p90 {p90}, longest {max(sizes)}\n")
    return 1 if problems else 0


def _functions(tree: ast.Module) -> list[str]:
    found: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > LONGEST_FUNCTION:
            found.append(f"{node.lineno}: {node.name} has {length} lines, at most {LONGEST_FUNCTION}")
        for inner in ast.walk(node):
            own = isinstance(inner, ast.ImportFrom) and (inner.level or (inner.module or "").startswith("stackcanvas"))
            if own or (isinstance(inner, ast.Import) and any(a.name.startswith("stackcanvas") for a in inner.names)):
                found.append(f"{inner.lineno}: {node.name} imports a module of our own inside a function")  # type: ignore[attr-defined]
    return found


if __name__ == "__main__":
    sys.exit(main())

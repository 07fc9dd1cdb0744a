"""The figures that the documentation shows are those that were measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _printed(what: str) -> str:
    command = [sys.executable, "-m", "benchmarks", what]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_readme_shows_the_last_measurements() -> None:
    """Its table is the one that `python -m benchmarks headlines` prints."""
    table = _printed("headlines")

    assert table.count("\n") > 5
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_of_benchmarks_shows_the_last_measurements() -> None:
    """It is what `python -m benchmarks page` prints."""
    assert (ROOT / "docs/reference/benchmarks.md").read_text(encoding="utf-8") == _printed("page")

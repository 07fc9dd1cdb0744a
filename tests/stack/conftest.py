"""Projects with something in every store, and the servers that they can move to."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.testing.postgres import postgres_server, postgres_url
from stackcanvas.testing.s3 import s3_server, s3_url

__all__ = ["postgres_server", "postgres_url", "s3_server", "s3_url"]

CANVAS = """\
# Our own words stay where they are.
stackcanvas: 1
project: {name: churn, date: 2026-11-23}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with versions of data, runs, metrics that are no numbers, and files larger than one part."""
    root = tmp_path / "churn"
    root.mkdir()
    (root / "canvas.yaml").write_text(CANVAS)
    with open_stack(root) as stack:
        fill(stack, root)
    return root


def fill(stack: Stack, root: Path) -> None:
    """Records and bytes of several blocks."""
    large = root / "large.bin"
    large.write_bytes(bytes(range(256)) * 40_000)
    stack.data.commit("large", large, message="ten megabytes")
    (root / "odd.csv").write_text("name,value\nÄrger,1\n'quoted', 2\n,nan\n")
    stack.data.commit("odd", root / "odd.csv")
    for number in range(3):
        with stack.experiments.run(f"trial {number}", parameters={"depth": number}) as run:
            run.log({"loss": float("nan"), "gain": float("inf"), "auc": 0.5 + number / 10})
            run.log_artifact("note.txt", b"as it was")

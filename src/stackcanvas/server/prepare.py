"""Opens a project's stack once and closes it: canvas checked, database made or migrated, before processes share it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stackcanvas.canvas import load
from stackcanvas.canvas.check import require
from stackcanvas.cli.faults import to_exit_code
from stackcanvas.stack import admitting, find_root, open, planning  # noqa: A004 - the verb of the package


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the canvas and prepare the database of a project."""
    parser = argparse.ArgumentParser("stackcanvas.server.prepare", description=main.__doc__)
    parser.add_argument("--project", type=Path, default=None, help="the project's folder")
    given = parser.parse_args(arguments)

    def work() -> int:
        root = find_root(given.project or Path.cwd())
        environment = os.environ.get("STACKCANVAS_ENVIRONMENT") or None
        for warning in require(load(root / "canvas.yaml")):
            sys.stderr.write(f"{warning.line()}\n")
        # Before the state of the new canvas is touched: what it would leave behind is told first.
        planning.admit(root, environment=environment)
        with open(root) as stack:
            planning.apply(stack)
            admitting.publish(stack)
        return 0

    return to_exit_code(work)


if __name__ == "__main__":
    sys.exit(main())

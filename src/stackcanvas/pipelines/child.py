"""One queued run in a process of its own: `python -m stackcanvas.pipelines.child`, started by a worker."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stackcanvas.errors import StackCanvasError
from stackcanvas.metadata import CodeState
from stackcanvas.pipelines.bench import Address
from stackcanvas.pipelines.pipelines import Pipelines


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute one run; how it ends stands in its record, the exit code tells only that it was executed."""
    parser = argparse.ArgumentParser(prog="stackcanvas.pipelines.child")
    for name in ("opener", "root", "run", "holder"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("code", "commit", "environment"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--fresh", action="store_true")
    given = parser.parse_args(arguments)
    address = Address(given.opener, given.root, environment=given.environment)
    try:
        pipelines: Pipelines = address.open().pipelines
        if given.code is not None:
            pipelines = pipelines.at(Path(given.code), CodeState(given.commit))
        holder = pipelines.take_over(given.run, given.holder)
        if holder is not None:
            pipelines.execute(given.run, holder, fresh=given.fresh)
    except StackCanvasError as error:
        sys.stderr.write(f"run {given.run}: {error.sentence()}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

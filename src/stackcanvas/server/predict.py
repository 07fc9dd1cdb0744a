"""The prediction process: `python -m stackcanvas.server.predict --folder .stackcanvas --port 8080`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from stackcanvas.clock import SystemClock
from stackcanvas.errors import StackCanvasError
from stackcanvas.server.child import leave_with_parent, listen
from stackcanvas.server.door import add_door_options, door_of
from stackcanvas.serving.server.gate import Gate
from stackcanvas.serving.server.lifecycle import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped; the exit code says how it ended."""
    parser = argparse.ArgumentParser(prog="python -m stackcanvas.server.predict", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".stackcanvas"), help="the project's state")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--port", type=int, default=8080, help="0 picks a free one")
    parser.add_argument("--replay", action="store_true", help="take event times from requests")
    add_door_options(parser)
    options = parser.parse_args(arguments)
    leave_with_parent()
    try:
        gate = Gate(options.folder / "serving", clock=SystemClock())
        door = door_of(options, may_enter=lambda: bool(gate), role="reader")
        listening = listen(
            options.host,
            options.port,
            what="the prediction server",
            option="--port (--predict-port of `stackcanvas up`)",
            anywhere=True,
        )
        tls = None if door.certificate is None or door.key is None else (door.certificate, door.key)
        serve(
            options.folder,
            listening,
            replay=options.replay,
            version=version("stackcanvas"),
            gate=gate if door.tokens else None,
            tls=tls,
        )
    except StackCanvasError as error:
        sys.stderr.write(f"{error.sentence()}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"{error.filename or options.folder}: {error.strerror or error}.\n")
        return 6
    return 0


if __name__ == "__main__":
    sys.exit(main())

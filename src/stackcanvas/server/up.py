"""`stackcanvas up`: one parent for the three processes of a project."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import click

from stackcanvas.cli.faults import to_exit_code
from stackcanvas.server.child import is_loopback, log_to_stderr, on_stop, only_one
from stackcanvas.server.supervisor import Plan, Supervisor
from stackcanvas.stack.root import FOLDER, find_root
from stackcanvas.stack.running import Process, processes

_PATIENCE_S = 10.0


def plans(
    root: Path,
    folder: Path,
    *,
    host: str,
    control_port: int,
    predict_port: int,
    predict_host: str | None = None,
    door: Sequence[str] = (),
) -> list[Plan]:
    """The three children of a project, in the order in which they are stopped.

    Args:
        host: where control listens.
        predict_host: where the prediction server listens; unless given, it answers on this machine only.
        door: the options on who may ask and how; on this machine the prediction server asks nobody.
    """
    own = predict_host or (host if is_loopback(host) else "127.0.0.1")
    asking = [] if is_loopback(own) else door

    def python(module: str, *options: object) -> list[str]:
        return [sys.executable, "-m", f"stackcanvas.server.{module}", *map(str, options)]

    def worker(_port: int | None) -> list[str]:
        return python("worker", "--project", root)

    def control(port: int | None) -> list[str]:
        return python("control", "--project", root, "--host", host, "--port", port or control_port, *door)

    def predict(port: int | None) -> list[str]:
        return python("predict", "--folder", folder, "--host", own, "--port", port or predict_port, *asking)

    return [Plan("worker", worker, health=None), Plan("control", control), Plan("predict", predict)]


def run(
    root: Path,
    *,
    host: str,
    control_port: int,
    predict_port: int,
    predict_host: str | None = None,
    door: Sequence[str] = (),
) -> int:
    """Run a project's processes until a signal says stop; gives the exit code."""
    stop = threading.Event()
    on_stop(stop.set)
    folder = root / FOLDER
    with only_one(folder, "up"):
        # In a process of its own, so that this one, which only waits, stays small.
        prepared = subprocess.run([sys.executable, "-m", "stackcanvas.server.prepare", "--project", root], check=False)
        if prepared.returncode != 0:
            return prepared.returncode
        _await_orphans(folder, stop)
        chosen = plans(
            root,
            folder,
            host=host,
            control_port=control_port,
            predict_port=predict_port,
            predict_host=predict_host,
            door=door,
        )
        supervisor = Supervisor(folder, chosen, environ=os.environ)
        started = supervisor.start(stop)
        try:
            if not stop.is_set():
                _greet(started)
                supervisor.watch(stop)
        finally:
            supervisor.stop()
    click.echo("Stopped.", err=True)
    return 0


def _await_orphans(folder: Path, stop: threading.Event) -> None:
    """Children of a parent that was killed leave by themselves within a moment, and hold their ports until then."""
    tries = int(_PATIENCE_S / 0.1)
    while tries and processes(folder) and not stop.wait(0.1):
        tries -= 1


def _greet(started: Sequence[Process]) -> None:
    urls = {one.name: one.url for one in started}
    click.echo(f"The canvas:   {urls.get('control')}/")
    click.echo(f"Predictions:  {urls.get('predict')}/v2")
    click.echo("Ctrl-C stops everything.", err=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack of a project: web pages, prediction server, worker."""
    parser = argparse.ArgumentParser("stackcanvas.server.up", description=main.__doc__)
    parser.add_argument("--project", type=Path, default=None, help="the project's folder")
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine")
    parser.add_argument("--port", type=int, default=8700, help="of the pages and REST; 0 takes a free one")
    parser.add_argument("--predict-port", type=int, default=8080, help="of the prediction server; 0 takes a free one")
    parser.add_argument("--predict-host", default=None, help="where the prediction server listens")
    given, door = parser.parse_known_args(arguments)

    def work() -> int:
        log_to_stderr("up")
        root = find_root(given.project or Path.cwd())
        return run(
            root,
            host=given.host,
            control_port=given.port,
            predict_port=given.predict_port,
            predict_host=given.predict_host,
            door=door,
        )

    return to_exit_code(work)


if __name__ == "__main__":
    sys.exit(main())

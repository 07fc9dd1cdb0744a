"""`stackcanvas up`: hands over to the process that runs the stack."""

from __future__ import annotations

import os
import sys

import click

from stackcanvas.cli.commands import Command


@click.command("up", cls=Command, example=("stackcanvas up", "stackcanvas up --port 0 --predict-port 0"))
@click.option(
    "--host", default="127.0.0.1", envvar="STACKCANVAS_HOST", show_default=True, help="An address of this machine."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8700,
    envvar="STACKCANVAS_PORT",
    show_default=True,
    help="Of the pages and REST; 0 takes a free one.",
)
@click.option(
    "--predict-port",
    type=click.IntRange(0, 65535),
    default=8080,
    envvar="STACKCANVAS_PREDICT_PORT",
    show_default=True,
    help="Of the prediction server; 0 takes a free one.",
)
@click.pass_context
def up(context: click.Context, host: str, port: int, predict_port: int) -> None:
    """Run the stack: web pages and REST, prediction server, worker.

    A process that dies is started again; Ctrl-C stops all of them. The addresses stand in
    .stackcanvas/run/.
    """
    project = context.find_root().params.get("project")
    words = ["--host", host, "--port", str(port), "--predict-port", str(predict_port)]
    if project is not None:
        words += ["--project", str(project)]
    sys.stdout.flush()
    # The server layer lies above the command line and is not imported by it; this process becomes the parent.
    os.execv(sys.executable, [sys.executable, "-m", "stackcanvas.server.up", *words])  # noqa: S606 - no shell is wanted

"""`stackcanvas up`: hands over to the process that runs the stack."""

from __future__ import annotations

import os
import sys

import click

from stackcanvas.cli.commands import Command

_FILE = click.Path(exists=True, dir_okay=False)


@click.command("up", cls=Command, example=("stackcanvas up", "stackcanvas up --port 0 --predict-port 0"))
@click.option(
    "--host", default="127.0.0.1", envvar="STACKCANVAS_HOST", show_default=True, help="Where pages and REST listen."
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
@click.option(
    "--predict-host",
    envvar="STACKCANVAS_PREDICT_HOST",
    help="Where the prediction server listens; by default on this machine only.",
)
@click.option("--tokens", is_flag=True, help="Ask for a token on this machine as well.")
@click.option("--tls-certificate", type=_FILE, help="A file with the certificate chain.")
@click.option("--tls-key", type=_FILE, help="The file with its private key.")
@click.option("--tls-by-proxy", is_flag=True, help="A proxy in front speaks TLS.")
@click.option(
    "--requests-per-second",
    type=click.FloatRange(0),
    default=500,
    show_default=True,
    help="Of one token, as a mean over ten seconds; 0 for any number.",
)
@click.pass_context
def up(  # noqa: PLR0917 - click passes them by name
    context: click.Context,
    host: str,
    port: int,
    predict_port: int,
    predict_host: str | None,
    tokens: bool,
    tls_certificate: str | None,
    tls_key: str | None,
    tls_by_proxy: bool,
    requests_per_second: float,
) -> None:
    """Run the stack: web pages and REST, prediction server, worker.

    A process that dies is started again; Ctrl-C stops all of them. The addresses stand in
    .stackcanvas/run/.

    Pages and REST answer this machine without asking who it is. At any other --host they need TLS, and everybody
    needs a token (stackcanvas tokens add). The prediction server answers this machine only, unless --predict-host
    names another address, where it needs TLS and tokens as well.
    """
    project = context.find_root().params.get("project")
    words = ["--host", host, "--port", str(port), "--predict-port", str(predict_port)]
    words += ["--requests-per-second", str(requests_per_second)]
    words += ["--predict-host", predict_host] if predict_host else []
    words += ["--tokens"] if tokens else []
    words += ["--tls-by-proxy"] if tls_by_proxy else []
    for option, file in (("--tls-certificate", tls_certificate), ("--tls-key", tls_key)):
        words += [option, file] if file is not None else []
    if project is not None:
        words += ["--project", str(project)]
    sys.stdout.flush()
    # The server layer lies above the command line and is not imported by it; this process becomes the parent.
    os.execv(sys.executable, [sys.executable, "-m", "stackcanvas.server.up", *words])  # noqa: S606 - no shell is wanted

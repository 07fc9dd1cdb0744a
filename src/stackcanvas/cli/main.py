"""The entry point: the table of all commands, and how a command line is run."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource
from click.shell_completion import shell_complete

from stackcanvas.cli.commands import Entry, LazyGroup
from stackcanvas.cli.faults import to_exit_code
from stackcanvas.errors import Refused

_CLI = "stackcanvas.cli"

SECTIONS = {
    "Start": {
        "init": Entry(f"{_CLI}.init:init", "Make a new project that runs at once."),
        "up": Entry(f"{_CLI}.up:up", "Run the stack: web pages, prediction server, worker."),
        "status": Entry(f"{_CLI}.status:status", "Show what runs and what the project holds."),
        "demo": Entry(f"{_CLI}.demo:demo", "Play three months of real flights through the whole stack."),
    },
    "Verbs": {
        "plan": Entry(f"{_CLI}.planning:plan", "Show what a changed canvas would alter in the running stack."),
        "apply": Entry(f"{_CLI}.planning:apply", "Take the canvas as written for the one that runs."),
        "run": Entry(f"{_CLI}.pipelines:run", "Run a pipeline."),
        "deploy": Entry(f"{_CLI}.deployment:deploy", "Bring a model version to an endpoint."),
        "reproduce": Entry(f"{_CLI}.reproduce:reproduce", "Run again what a run did, and compare."),
        "import": Entry(f"{_CLI}.importing:imports", "Take over what MLflow, DVC and Feast hold."),
        "move": Entry(f"{_CLI}.move:move", "Bring records and bytes to another database or object store."),
        "backup": Entry(f"{_CLI}.backup:backup", "Copy everything of the stack into a folder."),
        "restore": Entry(f"{_CLI}.backup:restore", "Put a backup into an empty stack."),
        "doctor": Entry(f"{_CLI}.doctor:doctor", "Say what is wrong, and what mends it."),
        "fsck": Entry(f"{_CLI}.doctor:fsck", "Read every byte and name what is damaged."),
        "du": Entry(f"{_CLI}.doctor:du", "Show what takes space."),
        "migrate": Entry(f"{_CLI}.migrate:migrate", "Bring the database to this release."),
        "lineage": Entry(f"{_CLI}.lineage:lineage", "Walk from a ref to what made it and what it made."),
    },
    "Blocks": {
        "canvas": Entry(f"{_CLI}.canvas:canvas", "The canvas: show, check and answer it."),
        "value": Entry(f"{_CLI}.value:value", "What the models earn."),
        "data": Entry(f"{_CLI}.data:data", "Versions of data sets."),
        "annotation": Entry(f"{_CLI}.annotation:annotation", "Items that people label."),
        "experiments": Entry(f"{_CLI}.experiments:experiments", "Experiments and their runs."),
        "features": Entry(f"{_CLI}.features:features", "Feature views, training sets, the online store."),
        "foundations": Entry(f"{_CLI}.foundations:foundations", "Code and commits."),
        "pipelines": Entry(f"{_CLI}.pipelines:pipelines", "Pipelines, their runs and their triggers."),
        "models": Entry(f"{_CLI}.registry:models", "Registered models and their versions."),
        "deployment": Entry(f"{_CLI}.deployment:deployment", "Endpoints, releases and roll back."),
        "predictions": Entry(f"{_CLI}.serving:predictions", "Predict, and read the prediction log."),
        "monitoring": Entry(f"{_CLI}.monitoring:monitoring", "Drift, performance and alerts."),
        "labels": Entry(f"{_CLI}.monitoring:labels", "True outcomes that arrive after the prediction."),
        "tokens": Entry(f"{_CLI}.tokens:tokens", "Who may ask the server, and for what."),
        "workspaces": Entry(f"{_CLI}.workspaces:workspaces", "Stacks of their own behind one server."),
        "metadata": Entry(f"{_CLI}.metadata:metadata", "Records, events and the audit log."),
    },
}


# What needs the files and processes of the stack itself.
_HERE = frozenset(
    (
        "up",
        "move",
        "backup",
        "restore",
        "doctor",
        "fsck",
        "du",
        "migrate",
        "plan",
        "apply",
        "reproduce",
        "status",
        "import",
    )
)


# What takes a project as a whole, whatever the environment names.
_WHOLE = frozenset(("up", "move", "backup", "restore", "doctor", "migrate", "plan", "apply"))


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415 - 15 ms that no other command needs

        click.echo(f"stackcanvas {version('stackcanvas')}")
        context.exit()


@click.command(
    cls=LazyGroup,
    sections=SECTIONS,
    example=("stackcanvas init churn && cd churn", "stackcanvas up", "stackcanvas data ls --format json"),
    meant={"registry": "models", "serving": "predictions", "runs": "experiments", "endpoints": "deployment"},
)
@click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="STACKCANVAS_PROJECT",
    metavar="DIR",
    help="The project's folder. By default the nearest one upwards that holds a canvas.yaml; STACKCANVAS_URL names a "
    "server instead.",
)
@click.option(
    "--workspace",
    envvar="STACKCANVAS_WORKSPACE",
    metavar="NAME",
    help="A workspace of the project, or of that server, instead of the project itself.",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version."
)
@click.pass_context
def cli(context: click.Context, project: Path | None, workspace: str | None) -> None:
    """The MLOps Stack Canvas that runs: design, run and prove a stack from one file, canvas.yaml.

    Results go to stdout, talk to stderr. Exit codes: 0 yes, 1 the answer is no, 2 usage, 3 bad input,
    4 not found, 5 conflict, 6 unavailable, 70 our fault, 130 interrupted.
    """
    del project  # read from the context by the command that opens the stack
    name = context.invoked_subcommand
    asked = context.get_parameter_source("workspace") is ParameterSource.COMMANDLINE
    if name in _WHOLE and workspace is not None:
        if asked:
            raise Refused(
                f"`stackcanvas {name}` works on the project with all its workspaces, not on one",
                fix=f"Leave --workspace out: stackcanvas {name}",
            )
        context.params["workspace"] = None
    said = context.get_parameter_source("project") is ParameterSource.COMMANDLINE
    if name in _HERE and os.environ.get("STACKCANVAS_URL") and not said:
        raise Refused(
            f"`stackcanvas {name}` works on the stack of this machine, and STACKCANVAS_URL names another one",
            fix=f"Run it on that machine, or name a folder here: stackcanvas --project . {name}",
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit code; nothing but an exit code leaves this function.

    Args:
        arguments: the words after the program's name; those of this process when None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    completion = os.environ.get("_STACKCANVAS_COMPLETE")
    if completion:
        return shell_complete(cli, {}, "stackcanvas", "_STACKCANVAS_COMPLETE", completion)
    return to_exit_code(lambda: _invoke(words), as_json=asks_for_json(words))


def _invoke(words: list[str]) -> int:
    try:
        with cli.make_context("stackcanvas", words) as context:
            cli.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as missing:
        click.echo(missing.format_message(), err=True)
        return missing.exit_code
    sys.stdout.flush()
    return 0


def asks_for_json(words: Sequence[str]) -> bool:
    """Whether a command line asks for JSON; it must be told even when the line cannot be parsed.

    Example:
        >>> asks_for_json(["data", "ls", "--format", "json"]), asks_for_json(["data", "ls"])
        (True, False)
    """
    if "--format=json" in words or ("--format", "json") in itertools.pairwise(words):
        return True
    return os.environ.get("STACKCANVAS_FORMAT") == "json" and not any(word.startswith("--format") for word in words)

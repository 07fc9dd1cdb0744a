"""`stackcanvas import`: take over what MLflow, DVC and Feast hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import emit_rows, emit_text, output_options, progress, say, wants_json
from stackcanvas.cli.project import pass_stack
from stackcanvas.plain import bytes_text

if TYPE_CHECKING:
    from stackcanvas.stack import Stack
    from stackcanvas.stack.importing import Imported

_SHOWN = 20
_PLAN = click.option("--plan", is_flag=True, help="Write nothing; tell what would come in and what cannot.")


@click.group(
    "import",
    cls=Group,
    example=("stackcanvas import mlflow http://localhost:5000 --plan", "stackcanvas import dvc ../churn-data"),
)
def imports() -> None:
    """Take over what other tools hold, with its ids, tags and times.

    Every entry comes in as a whole or not at all. An import that was stopped goes on where it stopped when the same
    command is run again; later runs bring only what is new or has changed there.
    """


@imports.command(
    "mlflow",
    example=(
        "stackcanvas import mlflow http://localhost:5000 --plan",
        "stackcanvas import mlflow sqlite:///mlflow.db --artifacts s3://churn/mlflow",
        "stackcanvas import mlflow mlruns",
    ),
)
@click.argument("uri")
@_PLAN
@click.option(
    "--artifacts",
    metavar="FOLDER_OR_URL",
    help="Where a database or folder keeps its files, when they lie neither beside it nor where it says.",
)
@click.option("--thorough", is_flag=True, help="Look again for metrics and files of runs that look unchanged.")
@output_options
@pass_stack
def mlflow(stack: Stack, uri: str, *, plan: bool, artifacts: str | None, thorough: bool) -> None:
    """Take over experiments, runs, logged models and registered models from MLflow.

    URI is a tracking server, the folder mlruns, or a database as MLflow names it. A server's credentials are taken
    from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN. Runs keep their ids, versions
    their numbers, stages and aliases; the gates of the canvas are not asked, and versions carry the tag
    stackcanvas.imported.
    """
    with progress("Importing") as advance:
        done = stack.imports.mlflow(uri, plan=plan, artifacts=artifacts, thorough=thorough, advance=advance)
    _tell(done)


@imports.command(
    "dvc",
    example=("stackcanvas import dvc ../churn-data --plan", "stackcanvas import dvc ../churn-data --rev v1.0"),
)
@click.argument("repository", type=click.Path(exists=True, file_okay=False))
@_PLAN
@click.option("--rev", "revisions", multiple=True, help="A branch, tag or commit; HEAD by default. May be given often.")
@click.option("--remote", metavar="FOLDER_OR_URL", help="Where contents lie besides the cache and the remotes named.")
@output_options
@pass_stack
def dvc(stack: Stack, repository: str, *, plan: bool, revisions: tuple[str, ...], remote: str | None) -> None:
    """Take over every version of data that a repository of DVC holds.

    Each commit that changed a content makes a version of a data set that is called as the path is, with the time and
    the message of the commit and the tag git-COMMIT. Contents come from the cache or a remote, compared with their md5.
    """
    with progress("Importing") as advance:
        done = stack.imports.dvc(repository, plan=plan, revisions=revisions, remote=remote, advance=advance)
    _tell(done)


@imports.command("feast", example=("stackcanvas import feast ../rides --plan", "stackcanvas import feast ../rides"))
@click.argument("place", type=click.Path(exists=True))
@_PLAN
@output_options
@pass_stack
def feast(stack: Stack, place: str, *, plan: bool) -> None:
    """Take over what a registry of Feast defines: entities, views and services as features.py, files as data.

    PLACE is the folder with feature_store.yaml, or the file of a registry. A features.py of your own is left as it is;
    the definitions then go to features_feast.py.
    """
    with progress("Importing") as advance:
        done = stack.imports.feast(place, plan=plan, advance=advance)
    _tell(done)


def _tell(done: Imported) -> None:
    if wants_json():
        emit_text("", data=done)
        return
    emit_rows(
        [one for one in done.counts if one.new or one.changed or one.same],
        columns=("kind", "new", "changed", "same", "left_out"),
        empty="There is nothing to take over.",
    )
    verb = "would come in" if done.planned else "came in"
    say(f"{bytes_text(done.size_bytes)} of files {verb} from {done.source}")
    for one in done.mapped[:_SHOWN]:
        say(f"{one.kind} {one.there} is {one.here} here")
    for left in done.left_out[:_SHOWN]:
        say(f"left out: {left.kind} {left.name}: {left.why}")
    for many in (done.mapped, done.left_out):
        if len(many) > _SHOWN:
            say(f"and {len(many) - _SHOWN:,} more: --format json names them")
    if done.wrote:
        say(f"{'Would write' if done.planned else 'Wrote'} {done.wrote}")

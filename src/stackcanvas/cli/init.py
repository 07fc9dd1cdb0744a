"""`stackcanvas init`: a new project from a template."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, output_options, say, wants_json
from stackcanvas.errors import Conflict, Unavailable

TEMPLATES = ("minimal", "flights")
_IGNORED = ".stackcanvas/\n__pycache__/\n.venv/\n"


@click.command("init", cls=Command, example=("stackcanvas init churn", "stackcanvas init delays --template flights"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--template", type=click.Choice(TEMPLATES), default="minimal", show_default=True, help="What to start from."
)
@output_options
def init(folder: Path, template: str) -> None:
    """Make a new project in FOLDER: a canvas, features and pipelines that run at once.

    Nothing that exists is overwritten.
    """
    target = folder.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(
            f"{folder} exists and is not an empty folder", fix="Give the name of a folder that does not exist yet"
        )
    try:
        _make(target, template)
    except OSError as error:
        raise Unavailable(
            f"the project cannot be made ({(error.strerror or '').lower()})", where=str(folder)
        ) from error
    has_git = _start_git(target)
    if wants_json():
        emit_record({"root": target, "template": template, "git": has_git})
        return
    click.echo(f"Made the project {target.name} in {target}")
    say(f"Next: cd {folder}; then `stackcanvas canvas check`, `stackcanvas run train`, `stackcanvas up`.")


def _make(target: Path, template: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place and then moved there: a command that is killed leaves no half project.
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
        made = Path(temporary) / target.name
        with as_file(files("stackcanvas") / "examples" / template) as source:
            shutil.copytree(source, made, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".stackcanvas"))
        (made / ".gitignore").write_text(_IGNORED)
        if template == "minimal":
            named = load("stackcanvas.canvas.edit:describe")("name", target.name)
            load("stackcanvas.canvas.edit:write")(made / "canvas.yaml", [named])
        if target.exists():
            for part in made.iterdir():
                part.rename(target / part.name)
        else:
            made.rename(target)


def _start_git(target: Path) -> bool:
    """Put the project under git, unless there is none or it lies in a repository already."""
    git = shutil.which("git")
    if git is None:
        return False
    inside = subprocess.run([git, "rev-parse", "--git-dir"], cwd=target, capture_output=True, check=False)
    if inside.returncode == 0:
        return True
    return (
        subprocess.run(
            [git, "init", "--quiet", "--initial-branch=main"], cwd=target, capture_output=True, check=False
        ).returncode
        == 0
    )

"""How a command gets the stack: opened when a command runs, closed when it ends."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click
from click.core import ParameterSource

from stackcanvas.cli.commands import load

if TYPE_CHECKING:
    from stackcanvas.stack import Stack

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def open_stack(workspace: str | None = None) -> Stack:
    """The stack that `--project` names, else the one of the server in `STACKCANVAS_URL`, else the nearest one upwards.

    Args:
        workspace: one of its workspaces; the one that `--workspace` names by default.

    Raises:
        NotFound: no folder upwards holds a canvas.yaml.
    """
    context = click.get_current_context()
    root = context.find_root()
    # A folder that only the environment names gives way to a server that the environment names.
    said = root.get_parameter_source("project") is ParameterSource.COMMANDLINE
    stack: Stack = load("stackcanvas.stack:open")(
        root.params.get("project") if said else None, workspace=workspace or root.params.get("workspace")
    )
    context.call_on_close(stack.close)
    return stack


def pass_stack(function: Callable[Concatenate[Stack, _Given], _Result]) -> Callable[_Given, _Result]:
    """Give a command the open stack as its first argument."""

    @functools.wraps(function)
    def with_stack(*arguments: _Given.args, **options: _Given.kwargs) -> _Result:
        return function(open_stack(), *arguments, **options)

    return with_stack


def canvas_file() -> Path:
    """The `canvas.yaml` of the project that `--project` names, or of the nearest one upwards; or that of a workspace.

    Raises:
        NotFound: no folder upwards holds one, or there is no such workspace.
    """
    given = click.get_current_context().find_root().params
    root: Path = load("stackcanvas.stack:find_root")(given.get("project") or Path.cwd())
    if given.get("workspace") is None:
        return root / "canvas.yaml"
    file: Path = load("stackcanvas.stack.root:canvas_of_workspace")(root, given["workspace"])
    return file

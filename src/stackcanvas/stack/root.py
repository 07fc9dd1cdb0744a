"""Where a project lies; asked before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stackcanvas.errors import NotFound

CANVAS = "canvas.yaml"
FOLDER = ".stackcanvas"
LOCAL = "metadata.db"
"""The embedded database, in the folder of the state."""
WORKSPACES = "workspaces"
"""The folder of the workspaces, in that of the state; the same word stands in the addresses of their objects."""
TOKEN = "STACKCANVAS_TOKEN"  # noqa: S105 - the name of a variable


def find_root(start: Path) -> Path:
    """The nearest folder upwards that holds a `canvas.yaml`.

    Raises:
        NotFound: none does.
    """
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / CANVAS).is_file():
            return candidate
    raise NotFound(
        "canvas", str(folder / CANVAS), fix="Make a project with `stackcanvas init NAME`, or name one with --project"
    )


def address_of(path: object, environ: Mapping[str, str]) -> tuple[str, str | None] | None:
    """The address that is to be opened, with its token; None for a folder of this machine.

    Example:
        >>> address_of(None, {"STACKCANVAS_URL": "https://stack.example.org"})
        ('https://stack.example.org', None)
    """
    named = path if path is not None else environ.get("STACKCANVAS_URL") or None
    if not isinstance(named, str) or not named.lower().startswith(("http://", "https://")):
        return None
    return named, environ.get(TOKEN) or None


def project_of(root: Path) -> tuple[Path, str | None]:
    """The root of the project that a folder belongs to, and the name of the workspace that lies there, if one does."""
    if is_of_workspace(root) and (root.parents[2] / CANVAS).is_file():
        return root.parents[2], root.name
    return root, None


def is_of_workspace(folder: Path) -> bool:
    """Whether a folder is where a workspace has its files.

    Example:
        >>> is_of_workspace(Path("/flights/.stackcanvas/workspaces/churn"))
        True
    """
    return folder.parent.name == WORKSPACES and folder.parent.parent.name == FOLDER


def canvas_of_workspace(root: Path, name: str) -> Path:
    """The canvas of a workspace of a project.

    Raises:
        NotFound: there is none of this name.
    """
    folder = root / FOLDER / WORKSPACES
    known = {file.parent.name: file for file in folder.glob(f"*/{CANVAS}")}
    if name not in known:
        raise NotFound("workspace", name, known=known, fix=f"Make it: stackcanvas workspaces add {name}")
    return known[name]

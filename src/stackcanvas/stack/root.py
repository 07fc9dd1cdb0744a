"""Where a project lies; asked before anything heavy is loaded."""

from __future__ import annotations

from pathlib import Path

from stackcanvas.errors import NotFound

CANVAS = "canvas.yaml"
FOLDER = ".stackcanvas"
LOCAL = "metadata.db"
"""The embedded database, in the folder of the state."""


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

"""The canvas as it stands in the file now, which may be newer than the one that the stack runs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from stackcanvas.canvas import Canvas, load
from stackcanvas.errors import StackCanvasError
from stackcanvas.stack import Stack


def file_of(stack: Stack) -> Path:
    """The file of the canvas."""
    return stack.root / "canvas.yaml"


def written(stack: Stack) -> Canvas:
    """The canvas in the file.

    Raises:
        BadInputs: somebody broke it since.
        NotFound: somebody took it away.
    """
    file = file_of(stack)
    try:
        found = file.stat()
    except OSError:
        return load(file)
    return _load(file, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(maxsize=8)
def _load(file: Path, _changed: int, _size: int, _inode: int) -> Canvas:
    return load(file)


def news(stack: Stack) -> str:
    """What to know of the file beside what runs; empty where they say the same."""
    try:
        canvas = written(stack)
    except StackCanvasError as error:
        return f"canvas.yaml cannot be read since it was changed: {error.sentence().splitlines()[0]}"
    if canvas.digest == stack.canvas.digest:
        return ""
    return "canvas.yaml has changed since the stack was started. What runs is as before; start it again to take over."

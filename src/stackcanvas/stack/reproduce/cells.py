"""Executes the kept cells of a notebook one after the other; a script of its own, which imports nothing of ours.

As in a notebook, the cells after one that fails are executed all the same. Magics need IPython, which an environment
that had it has again.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

MARK = "# %%\n"


def main(file: str) -> None:
    """Execute the cells of a file."""
    sys.path[0] = ""  # as in a notebook, and not the folder of this script
    cells = [cell for cell in Path(file).read_text(encoding="utf-8").split(MARK) if cell.strip()]
    try:
        shells = importlib.import_module("IPython.core.interactiveshell")
    except ModuleNotFoundError:
        _plainly(cells)
        return
    # Without a window: `%matplotlib inline` asks for none, and the plain shell knows no way to say so.
    windowless: Any = type("Shell", (shells.InteractiveShell,), {"enable_gui": lambda _shell, _gui=None: None})
    shell = windowless.instance(colors="NoColor")
    for cell in cells:
        shell.run_cell(cell, store_history=True)


def _plainly(cells: list[str]) -> None:
    here = {"__name__": "__main__"}
    for number, cell in enumerate(cells, start=1):
        try:
            exec(compile(cell, f"<cell {number}>", "exec"), here)  # noqa: S102 - the user's own, held to its digest
        except Exception:  # noqa: BLE001 - the next cell may not need what this one was to do
            traceback.print_exc()


if __name__ == "__main__":
    main(sys.argv[1])

"""Starting stays quick: what is heavy is loaded when it is used."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_canvas_loads_nothing_heavy() -> None:
    """Neither the writer of YAML nor numbers, frames or databases."""
    code = (
        "import sys, stackcanvas.canvas as c; c.loads('{stackcanvas: 1, project: {name: x}}').effective();"
        "heavy = {'ruamel', 'numpy', 'sqlalchemy', 'polars', 'pyarrow', 'pandas', 'fastapi', 'scipy'};"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"

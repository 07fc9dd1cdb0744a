"""What the control server has loaded when it answers: it looks things up, it does not compute."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"

HEAVY = ("polars", "pyarrow", "scipy", "sklearn", "pandas", "onnx", "onnxruntime", "typst", "optuna")

ASKING = """
import sys
from pathlib import Path
import stackcanvas as sc
from stackcanvas.server.control import make_app
from stackcanvas.testing.asgi import Client

def loaded():
    print(*(name for name in sys.argv[2].split() if name in sys.modules))

with sc.open(Path(sys.argv[1])) as stack:
    client = Client(make_app(stack))
    assert client.get("/health").text == "OK"
    loaded()
    for path in ["/", *(f"/blocks/{block}" for block in sys.argv[3].split()), "/runs", "/events", "/check"]:
        assert client.get(path).status == 200, path
    loaded()
"""

BLOCKS = "value data experiments features pipelines registry serving deployment monitoring metadata foundations"


def test_neither_the_start_nor_the_pages_load_what_only_computing_needs(tmp_path: Path) -> None:
    """Each of these libraries costs start-up time and tens of megabytes."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    command = [sys.executable, "-W", "ignore", "-c", ASKING, str(tmp_path), " ".join(HEAVY), BLOCKS]

    said = subprocess.run(command, capture_output=True, text=True, check=True)

    assert said.stdout.splitlines() == ["", ""]

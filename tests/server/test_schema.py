"""The OpenAPI schema is honest: what it says of each route is what the route does, whatever it is sent."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The control server of a fresh project, in a process of its own."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    command = [sys.executable, "-m", "stackcanvas.server.control", "--project", str(tmp_path), "--port", "0"]
    told = tmp_path / ".stackcanvas" / "run" / "control.json"
    with (tmp_path / "said").open("w") as said, subprocess.Popen(command, stdout=said, stderr=said) as running:
        last = time.monotonic() + 60
        while not told.exists():
            assert running.poll() is None, (tmp_path / "said").read_text()
            assert time.monotonic() < last
            time.sleep(0.05)
        yield f"http://127.0.0.1:{json.loads(told.read_text())['port']}"
        running.terminate()
    assert "Traceback" not in (tmp_path / "said").read_text()


@pytest.mark.parametrize(
    ("phase", "examples"),
    [("fuzzing", 1), pytest.param("coverage,fuzzing,stateful", 60, marks=pytest.mark.soak)],
)
def test_every_route_does_what_the_schema_says(url: str, tmp_path: Path, phase: str, examples: int) -> None:
    """Requests made from the schema, right ones and wrong ones: no fault of ours and nothing that it does not name."""
    words = ["-n", str(examples), "--phases", phase, "--checks", ",".join(CHECKS), "--seed", "1", "--no-color"]
    # The stream of events ends never: a right request for it is waited for until the time is over.
    more = ["--suppress-health-check", "all", "--request-timeout", "60", "--exclude-path", "/api/v1/events/stream"]
    command = ["-m", "schemathesis.cli", "run", f"{url}/api/v1/openapi.json", *words, *more]

    done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout.partition("= FAILURES =")[2][:8000] + done.stderr[-2000:]

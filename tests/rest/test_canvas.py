"""The canvas over REST: questions, contradictions and maturity of the file as it stands now."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.server.control import make_app
from stackcanvas.stack import open  # noqa: A004 - the verb of the package
from stackcanvas.testing.asgi import Client

CANVAS = "stackcanvas: 1\nproject: {name: x}\ndata:\n  versioning: mandatory\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The canvas of a project."""
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    return tmp_path / "canvas.yaml"


def test_what_is_in_the_file_is_judged(file: Path, clock: ManualClock) -> None:
    """Also after it was changed under the running stack; a broken file is told with its place."""
    with open(file.parent, clock=clock) as stack:
        rest = Client(make_app(stack))
        assert rest.get("/api/v1/canvas/check").json()["findings"] == []

        file.write_text(CANVAS + "  version_method: {level: 0}\n")
        found = rest.get("/api/v1/canvas/check").json()
        assert [one["rule"] for one in found["findings"]] == ["versioning-without-versions"]
        assert found["digest"] != found["runs"]

        states = {one["id"]: one["state"] for one in rest.get("/api/v1/canvas/questions").json()}
        assert (states["data.version_method"], states["data.sources"]) == ("answered", "open")

        assessed = rest.get("/api/v1/canvas/assess?wanted=strategic").json()
        assert (assessed["level"], assessed["roadmap"][0]["block"]) == ("tactical", "foundations")
        assert rest.get("/api/v1/canvas/assess?wanted=perfect").status in {400, 422}
        assert rest.get("/api/v1/canvas/assess?environment=nowhere").status == 404

        file.write_text(CANVAS.replace("mandatory", "maybe"))
        broken = rest.get("/api/v1/canvas/check")
        assert broken.status == 400
        assert broken.json()["errors"][0]["where"] == "canvas.yaml:4:15"

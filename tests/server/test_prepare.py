"""What must hold before processes start: a canvas that contradicts itself does not, one that is doubtful is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcanvas.server.prepare import main

CANVAS = "stackcanvas: 1\nproject: {name: x}\ndeployment:\n  strategy: {kind: canary, steps: [100%]}\n"


def test_a_contradiction_stops_before_anything_is_made(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With its place and what mends it, and no database left behind; a warning stops nothing."""
    (tmp_path / "canvas.yaml").write_text(CANVAS + "registry: {needed: optional}\n")
    assert main(["--project", str(tmp_path)]) == 3
    said = capfd.readouterr().err
    assert said.startswith("canvas.yaml:4:20: deployment.strategy.kind is canary, but registry.needed is optional")
    assert said.rstrip().endswith("Make the registry mandatory, or release with recreate.")
    assert not (tmp_path / ".stackcanvas").exists()

    (tmp_path / "canvas.yaml").write_text(CANVAS)
    assert main(["--project", str(tmp_path)]) == 0
    assert "canvas.yaml:4:35: warning: deployment.strategy.steps" in capfd.readouterr().err

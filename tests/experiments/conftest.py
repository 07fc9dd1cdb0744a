"""What the tests of experiments share."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.experiments import Experiments
from stackcanvas.metadata import Spine


@pytest.fixture
def experiments(spine: Spine, tmp_path: Path) -> Experiments:
    """The block over a fresh workspace."""
    return Experiments(spine, open_objects(tmp_path / "objects"))

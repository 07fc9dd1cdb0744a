"""A block of data with an analysis over it."""

from __future__ import annotations

import pytest

from stackcanvas.backends.objects import Objects
from stackcanvas.data import Data
from stackcanvas.data.analysis import Analysis
from stackcanvas.metadata import Spine


@pytest.fixture
def analysis(data: Data, spine: Spine, objects: Objects) -> Analysis:
    """The analysis over an empty block."""
    return Analysis(data, spine, objects)

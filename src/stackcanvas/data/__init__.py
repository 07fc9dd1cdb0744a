"""Versions of data: commit, log, diff, checkout, read, verify."""

from stackcanvas.data.checkout import Checkout
from stackcanvas.data.data import Data
from stackcanvas.data.diff import DataDiff, RowsDiff
from stackcanvas.data.manifest import DataFile
from stackcanvas.data.status import Status
from stackcanvas.data.verify import Problem, Verification
from stackcanvas.data.versions import DataVersion

__all__ = [
    "Checkout",
    "Data",
    "DataDiff",
    "DataFile",
    "DataVersion",
    "Problem",
    "RowsDiff",
    "Status",
    "Verification",
]

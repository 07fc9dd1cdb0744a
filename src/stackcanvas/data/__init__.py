"""Versions of data: commit, log, diff, checkout, read, verify."""

from stackcanvas.data.checkout import Checkout
from stackcanvas.data.clearing import Cleared
from stackcanvas.data.data import Data
from stackcanvas.data.diff import DataDiff, RowsDiff
from stackcanvas.data.expectations import Broken, ExpectationsBroken
from stackcanvas.data.ingest import Source
from stackcanvas.data.manifest import DataFile
from stackcanvas.data.remote import Transfer
from stackcanvas.data.restore import Restored
from stackcanvas.data.sheet import Sheet
from stackcanvas.data.status import Status
from stackcanvas.data.verify import Problem, Verification
from stackcanvas.data.versions import DataVersion

__all__ = [
    "Broken",
    "Checkout",
    "Cleared",
    "Data",
    "DataDiff",
    "DataFile",
    "DataVersion",
    "ExpectationsBroken",
    "Problem",
    "Restored",
    "RowsDiff",
    "Sheet",
    "Source",
    "Status",
    "Transfer",
    "Verification",
]

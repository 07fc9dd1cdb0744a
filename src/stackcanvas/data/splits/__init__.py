"""Parts to train and to test on: made, recorded, checked for leakage."""

from stackcanvas.data.splits.assign import METHODS, Method, Plan
from stackcanvas.data.splits.leakage import Leak, Looked, leaks
from stackcanvas.data.splits.splits import LeakageReport, Part, Split, Splits, split

__all__ = ["METHODS", "Leak", "LeakageReport", "Looked", "Method", "Part", "Plan", "Split", "Splits", "leaks", "split"]

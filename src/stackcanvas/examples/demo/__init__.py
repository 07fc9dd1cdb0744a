"""The demo: three months of real flights through the whole stack, on simulated time."""

from stackcanvas.examples.demo.demo import Screen, play, remove
from stackcanvas.examples.demo.report import Report, report, told

__all__ = ["Report", "Screen", "play", "remove", "report", "told"]

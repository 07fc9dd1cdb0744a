"""The value proposition, measured: what the models earned."""

from stackcanvas.value.earned import Earned, Total, by_day, on_same_rows, totals
from stackcanvas.value.value import Value

__all__ = ["Earned", "Total", "Value", "by_day", "on_same_rows", "totals"]

"""The value proposition, measured: what the models earned."""

from stackcanvas.value.balance import Balance, balance
from stackcanvas.value.earned import Earned, Total, by_day, on_same_rows, totals
from stackcanvas.value.uplift import Uplift, uplift
from stackcanvas.value.value import Value

__all__ = ["Balance", "Earned", "Total", "Uplift", "Value", "balance", "by_day", "on_same_rows", "totals", "uplift"]

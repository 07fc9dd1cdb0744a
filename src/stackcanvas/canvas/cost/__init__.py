"""What a canvas costs: rows that can be traced to an answer and a dated price, and how sure their sums are."""

from stackcanvas.canvas.cost.difference import Difference, RowChange, difference
from stackcanvas.canvas.cost.estimate import Estimate, Spread, Total, Worth, estimate
from stackcanvas.canvas.cost.figures import KINDS, Driver, Price, Range, Row
from stackcanvas.canvas.cost.prices import PriceBook, price_book
from stackcanvas.canvas.cost.what_if import what_if

__all__ = [
    "KINDS",
    "Difference",
    "Driver",
    "Estimate",
    "Price",
    "PriceBook",
    "Range",
    "Row",
    "RowChange",
    "Spread",
    "Total",
    "Worth",
    "difference",
    "estimate",
    "price_book",
    "what_if",
]

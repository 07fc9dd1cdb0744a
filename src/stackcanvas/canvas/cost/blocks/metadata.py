"""Block 11: the database of the stack."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from stackcanvas.canvas.blocks.metadata import Store
from stackcanvas.canvas.cost.asking import Asking
from stackcanvas.canvas.cost.figures import Row

_QUESTION = "metadata.store"
_BYTES_PER_EXECUTION = Decimal(20_000)


def rows(ask: Asking) -> Iterator[Row]:
    """What records cost: their bytes, and a database server where one is named."""
    if ask.set_aside(_QUESTION):
        return
    answer = ask.of(_QUESTION, Store)
    size = Decimal(answer.executions_per_month) * ask.months / 2 * _BYTES_PER_EXECUTION / 10**9
    kept = ask.gauged(
        f"GB of records, mean of {ask.months} months", f"{_QUESTION}.executions_per_month", size, unit="GB"
    )
    yield ask.row(
        "metadata.records",
        "storage of records",
        "infrastructure",
        _QUESTION,
        (kept,),
        ask.book.need("objects_gb_month"),
    )
    if answer.url.scheme != "sqlite" and ask.answered(_QUESTION):
        price = ask.book.need("database_month")
        if price.amount.high:
            yield ask.row(
                "metadata.database", "database server", "infrastructure", _QUESTION, (ask.environments,), price
            )

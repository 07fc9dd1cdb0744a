"""What the canvas says of labelling is what queues do, and what the page of the block shows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl

from stackcanvas.stack import evidence, open  # noqa: A004 - the verb of the package

CANVAS = """
stackcanvas: 1
project: {name: shop, currency: USD}
data:
  labelling: {needed: true, backlog: 2, labels_per_item: 3, price_per_label: 0.25}
"""


def test_the_answer_on_labelling_is_honoured(tmp_path: Path) -> None:
    """How many label an item and what it costs come from the answer; a queue that lacks is told, one that is shown."""
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    with open(tmp_path) as stack:
        lacking = evidence.collect(stack, only=("data",))["data"]
        assert "Items are to be labelled, and there is no queue yet." in lacking.warnings

        stack.data.commit("texts", pl.DataFrame({"text": ["a", "b"]}))
        queue = stack.annotation.create("mood", "texts", choices=["good", "bad"])
        for person in ("ada", "bob", "eve"):
            stack.annotation.label("mood", 1, person, "good")

        progress = stack.annotation.progress("mood")
        assert (queue.wanted, progress.cost, progress.expected_cost) == (3, Decimal("0.75"), Decimal("1.50"))
        assert progress.currency == "USD"
        shown = evidence.collect(stack, only=("data",))["data"]
        assert shown.warnings == ()
        assert ("mood", "1 of 2 items labelled") in {(fact.label, fact.value) for fact in shown.facts}

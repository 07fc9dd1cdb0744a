"""The language of searches."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput
from stackcanvas.experiments.filters import LISTS, NULLS, NUMERIC, TEXT, Clause, Grammar, Ordering

GRAMMAR = Grammar(
    operators={
        "metric": NUMERIC,
        "parameter": TEXT | NULLS,
        "tag": TEXT | NULLS,
        "attribute": TEXT,
        "dataset": TEXT | LISTS,
    },
    texts={"run_id": TEXT | LISTS, "status": TEXT},
    numbers=frozenset({"start_time"}),
    aliases={"created": "start_time"},
    orders=frozenset({"duration"}),
    datasets=frozenset({"name", "digest"}),
)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("metrics.auc > 0.7", [Clause("metric", "auc", ">", 0.7)]),
        ("metric.auc>=1e-3", [Clause("metric", "auc", ">=", 0.001)]),
        ('metrics."a b" != -4', [Clause("metric", "a b", "!=", -4)]),
        ("params.`x/y` = 'it, and'", [Clause("parameter", "x/y", "=", "it, and")]),
        ("tags.mlflow.user like '%me%'", [Clause("tag", "mlflow.user", "LIKE", "%me%")]),
        ('status = "RUNNING"', [Clause("attribute", "status", "=", "RUNNING")]),
        ("attr.created <= 5", [Clause("attribute", "start_time", "<=", 5)]),
        ("run_id IN ('a', \"b\",)", [Clause("attribute", "run_id", "IN", ("a", "b"))]),
        ("attributes.run_id not in ('a')", [Clause("attribute", "run_id", "NOT IN", ("a",))]),
        (
            "tag.t IS NULL and param.p is not null",
            [Clause("tag", "t", "IS NULL", None), Clause("parameter", "p", "IS NOT NULL", None)],
        ),
        ("dataset.name ilike 'F%'", [Clause("dataset", "name", "ILIKE", "F%")]),
        ("", []),
    ],
)
def test_a_filter_is_read(text: str, clauses: list[Clause]) -> None:
    """Every form that clients write."""
    assert GRAMMAR.parse(text) == clauses


@pytest.mark.parametrize(
    "text",
    [
        "metrics.auc > 'x'",
        "params.p = 5",
        "params.p > '5'",
        "params.p = word",
        "metrics.a > 1 OR metrics.b > 2",
        "metrics.a > 1 metrics.b > 2",
        "metrics.a > 1 AND",
        "metrics.a",
        "nonsense.a = 'x'",
        "unknown = 'x'",
        "status IN ('a')",
        "run_id IN ()",
        "run_id IN (1)",
        "run_id IN ('a'",
        "metrics.a IS NULL",
        "dataset.source = 'x'",
        "1 = 1",
        "params.p = 'open",
        "a b c",
        "; DROP TABLE run",
        "AND",
        "metrics.a > 1)",
        "  ",
        "metrics.a > " + "1" * 5_000,
        "metrics.a >",
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    """As bad input, which every door tells in its own way."""
    with pytest.raises(BadInput):
        GRAMMAR.parse(text)


@given(st.text(max_size=60) | st.text("metrics.tags=<>'\"`()AND, IN12", max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    """It is read, or refused with a sentence."""
    for read in (GRAMMAR.parse, GRAMMAR.order):
        with suppress(BadInput):
            read(text)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("metrics.auc DESC", Ordering("metric", "auc", largest_first=True)),
        ("metrics.`a b` asc", Ordering("metric", "a b", largest_first=False)),
        ("params.x/y", Ordering("parameter", "x/y", largest_first=False)),
        ("duration desc", Ordering("attribute", "duration", largest_first=True)),
        ("created", Ordering("attribute", "start_time", largest_first=False)),
    ],
)
def test_an_order_is_read(text: str, order: Ordering) -> None:
    """Ascending unless said otherwise."""
    assert GRAMMAR.order(text) == order


@pytest.mark.parametrize("text", ["", "desc", "metrics.a down", "unknown", "x.y", "metrics.a b desc"])
def test_what_is_no_order_is_refused(text: str) -> None:
    """With the code that clients know."""
    with pytest.raises(BadInput):
        GRAMMAR.order(text)

"""Input and output checks agree with a plain reading of their rules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import Corrupt
from stackcanvas.serving.server.checks import InputChecks
from stackcanvas.serving.server.documents import CheckSpec, InputSpec, OutputSpec, SignatureSpec
from stackcanvas.serving.server.records import rows_of
from stackcanvas.serving.server.signature import Signature

SIGNATURE = Signature(
    SignatureSpec(
        [
            InputSpec("a", "FP32", nullable=True),
            InputSpec("b", "FP32"),
            InputSpec("n", "INT64"),
            InputSpec("t", "BYTES"),
        ],
        [OutputSpec("y", "FP32")],
    ),
    where="test",
)
NUMBERS = st.floats(-10, 10, width=32) | st.integers(-10, 10)
BOUNDS = st.none() | st.floats(-10, 10)


@given(
    records=st.lists(
        st.fixed_dictionaries(
            {
                "a": st.none() | NUMBERS,
                "b": st.none() | NUMBERS,
                "n": st.integers(-10, 10),
                "t": st.sampled_from("xyz"),
            }
        ),
        min_size=1,
        max_size=8,
    ),
    low=BOUNDS,
    high=BOUNDS,
    column=st.sampled_from(["a", "b", "n"]),
)
def test_they_find_what_a_plain_reading_finds(
    records: list[dict[str, Any]], low: float | None, high: float | None, column: str
) -> None:
    """Row by row: out of range, not allowed, missing where it may not be."""
    specs = [
        CheckSpec(column, "range", "warn", min=low, max=high),
        CheckSpec("t", "allowed", "warn", values=["x", "y"]),
    ]
    failures = InputChecks(SIGNATURE, specs, where="test").failures(rows_of(SIGNATURE, records))
    found = {(one.column, one.what.split()[1], int(row)) for one in failures for row in np.flatnonzero(one.rows)}

    def rounded(value: float) -> float:
        return value if column == "n" else float(np.float32(value))

    expected = set()
    for row, record in enumerate(records):
        value = record[column]
        if value is not None:
            below = low is not None and rounded(value) < rounded(low)
            above = high is not None and rounded(value) > rounded(high)
            if below or above:
                expected.add((column, "outside", row))
        if record["b"] is None:
            expected.add(("b", "missing", row))
        if record["t"] == "z":
            expected.add(("t", "not", row))
    assert found == expected


def test_a_rule_on_missing_values_replaces_the_refusal() -> None:
    """A column that may not be missing is refused, unless a rule for it says otherwise."""
    rows = rows_of(SIGNATURE, [{"a": 1, "b": None, "n": 1, "t": "x"}])

    (usual,) = InputChecks(SIGNATURE, [], where="test").failures(rows)
    (ruled,) = InputChecks(SIGNATURE, [CheckSpec("b", "not_null", "fallback")], where="test").failures(rows)
    assert (usual.column, usual.action) == ("b", "reject")
    assert (ruled.column, ruled.action) == ("b", "fallback")


def test_infinity_is_never_a_value() -> None:
    """Also in a column that may be missing."""
    (failure,) = InputChecks(SIGNATURE, [], where="test").failures(
        rows_of(SIGNATURE, [{"a": math.inf, "b": 0, "n": 1, "t": "x"}])
    )
    assert (failure.what, failure.action) == ("is not a finite number", "reject")


@pytest.mark.parametrize("spec", [CheckSpec("zzz", "not_null"), CheckSpec("t", "range", min=0)])
def test_a_rule_that_cannot_be_is_refused(spec: CheckSpec) -> None:
    """A column that is not there, a range of text."""
    with pytest.raises(Corrupt):
        InputChecks(SIGNATURE, [spec], where="test")

"""Values of requests become arrays, and come back as they were."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput
from stackcanvas.serving.server.values import from_bytes, from_json, from_list, to_bytes

PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "BOOL": st.booleans(),
    "UINT8": st.integers(0, 2**8 - 1),
    "UINT64": st.integers(0, 2**64 - 1),
    "INT8": st.integers(-(2**7), 2**7 - 1),
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "FP16": st.floats(width=16, allow_nan=False, allow_infinity=False),
    "FP32": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "FP64": st.floats(allow_nan=False, allow_infinity=False),
    "BYTES": st.text(),
}
COLUMNS = st.sampled_from(sorted(PLAIN)).flatmap(
    lambda dtype: st.tuples(st.just(dtype), st.lists(PLAIN[dtype], min_size=1, max_size=12))
)


@given(column=COLUMNS)
def test_values_come_back_as_they_were(column: tuple[str, list[Any]]) -> None:
    """Every data type, as a list, as JSON flat and nested, and as bytes."""
    dtype, values = column
    count = len(values)
    flat = msgspec.Raw(json.dumps(values).encode())
    nested = msgspec.Raw(json.dumps([[value] for value in values]).encode())

    array = from_list(values, dtype)
    assert array.tolist() == values
    assert from_json(flat, [count, 1], dtype).tolist() == values
    assert from_json(nested, [count, 1], dtype).tolist() == values
    assert from_bytes(memoryview(to_bytes(array, dtype)), [count, 1], dtype).tolist() == values


@given(column=COLUMNS, other=st.sampled_from(sorted(PLAIN)))
def test_no_kind_is_taken_for_another(column: tuple[str, list[Any]], other: str) -> None:
    """Text is no number, true is no 1, and a number too large for its type does not wrap around."""
    dtype, values = column
    try:
        array = from_list(values, other)
    except BadInput:
        return
    assert array.tolist() == values or dtype.startswith(("FP", "INT", "UINT"))
    if not other.startswith("FP"):
        assert array.tolist() == values


@pytest.mark.parametrize(
    ("values", "dtype"), [([1, "2"], "FP32"), ([256], "UINT8"), ([-1], "UINT8"), ([1.0], "INT64"), ([10**400], "FP64")]
)
def test_the_value_that_does_not_fit_is_named(values: list[Any], dtype: str) -> None:
    """The error says what the value was and what was expected."""
    with pytest.raises(BadInput, match=f"is not a value of {dtype}. Expected: "):
        from_list(values, dtype)


def test_missing_numbers_are_nan() -> None:
    """Null has a place in floating numbers only."""
    assert np.isnan(from_list([None], "FP32")).all()
    with pytest.raises(BadInput, match="null is not a value of INT64"):
        from_list([None], "INT64")

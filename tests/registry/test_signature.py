"""The signature that is inferred from a sample."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl
import pytest

from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.registry.signature import Input, Output, Signature, infer_inputs, tensors


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series("x", [1.0, 2.0], dtype=pl.Float32), Input("x", "FP32")),
        (pl.Series("x", [1.0, None], dtype=pl.Float64), Input("x", "FP32", nullable=True)),
        (pl.Series("x", [1.0, float("nan")]), Input("x", "FP32", nullable=True)),
        (pl.Series("x", [1, 2], dtype=pl.UInt8), Input("x", "INT64")),
        (pl.Series("x", [1, None], dtype=pl.Int64), Input("x", "FP32", nullable=True)),
        (pl.Series("x", [True, False]), Input("x", "BOOL")),
        (pl.Series("x", ["a", "b"]), Input("x", "BYTES")),
        (pl.Series("x", ["a", "b"], dtype=pl.Categorical), Input("x", "BYTES")),
    ],
)
def test_types(column: pl.Series, expected: Input) -> None:
    """Each column type has one type of tensor."""
    assert infer_inputs(column.to_frame()) == (expected,)


def test_all_columns_that_cannot_go_in_are_named() -> None:
    """At once, each with the way out."""
    sample = pl.DataFrame({"day": [date(2013, 1, 1)], "text": [None], "flag": [None]}).with_columns(
        pl.col("text").cast(pl.String), pl.col("flag").cast(pl.Boolean)
    )

    with pytest.raises(BadInputs) as caught:
        infer_inputs(sample)

    assert [error.where for error in caught.value.errors] == [
        f"column {name!r} of the sample" for name in sample.columns
    ]
    assert "fill_null" in str(caught.value)


def test_a_sample_without_columns_is_refused() -> None:
    """There is nothing to infer from."""
    with pytest.raises(BadInputs, match="the sample has no columns"):
        infer_inputs(pl.DataFrame())


def test_a_frame_becomes_tensors_of_the_signature() -> None:
    """One column each, missing numbers as NaN, in the types of the signature."""
    inputs = (
        Input("wind", "FP32", nullable=True),
        Input("month", "INT64"),
        Input("origin", "BYTES"),
        Input("jet", "BOOL"),
    )
    frame = pl.DataFrame({"wind": [1.5, None], "month": [1, 2], "origin": ["JFK", "EWR"], "jet": [True, False]})

    found = tensors(frame, inputs)

    assert {name: (tensor.dtype.name, tensor.shape) for name, tensor in found.items()} == {
        "wind": ("float32", (2, 1)),
        "month": ("int64", (2, 1)),
        "origin": ("object", (2, 1)),
        "jet": ("bool", (2, 1)),
    }
    assert np.isnan(found["wind"][1, 0])


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.DataFrame({"other": [1]}), "the model takes the column 'month', which is not there"),
        (pl.DataFrame({"month": [1, None]}), "column 'month': 1 values are missing"),
        (pl.DataFrame({"month": ["May"]}), "column 'month': String cannot be read as INT64"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(frame: pl.DataFrame, said: str) -> None:
    """With the column and what is wrong with it."""
    with pytest.raises(BadInput, match=said):
        tensors(frame, (Input("month", "INT64"),))


def test_a_signature_survives_being_stored() -> None:
    """As JSON, classes included."""
    signature = Signature(
        (Input("wind", "FP32", nullable=True),),
        (Output("label", "INT64", (-1,)), Output("probabilities", "FP32", (-1, 2), (False, True))),
    )

    assert Signature.from_json(json.loads(json.dumps(signature.to_json()))) == signature

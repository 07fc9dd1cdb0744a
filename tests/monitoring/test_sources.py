"""Reading the prediction log, whatever the model gives."""

from __future__ import annotations

import polars as pl
import pytest

from stackcanvas.errors import BadInput
from stackcanvas.monitoring.sources import features, output_column

ARRAY = pl.Array(pl.Float32, 2)


@pytest.mark.parametrize(
    ("kind", "value", "wanted", "found"),
    [
        (pl.Struct({"probability": pl.Float32}), {"probability": 0.5}, None, 0.5),
        (pl.Struct({"label": pl.Int64, "score": pl.Float32}), {"label": 1, "score": 0.5}, None, 0.5),
        (pl.Struct({"label": pl.Int64, "score": pl.Float32}), {"label": 1, "score": 0.5}, "label", 1),
        (pl.Struct({"probabilities": ARRAY}), {"probabilities": [0.25, 0.75]}, None, 0.75),
        (pl.Struct({"p": pl.List(pl.Float32)}), {"p": [0.25, 0.75]}, None, 0.75),
        (pl.Struct({"minutes": pl.Float32}), {"minutes": 12.5}, None, 12.5),
        (pl.Float64(), 0.5, None, 0.5),
    ],
)
def test_the_judged_field_is_found(kind: pl.DataType, value: object, wanted: str | None, found: object) -> None:
    """The only field, or the plainly named score; the score of class 1 of two."""
    log = pl.DataFrame({"output": [value]}, schema={"output": kind}).lazy()

    assert log.select(output_column(log, wanted=wanted)).collect()["output"].to_list() == [found]


def test_an_unclear_output_is_refused() -> None:
    """Two fields of which none is plainly the score."""
    log = pl.DataFrame({"output": [{"a": 1.0, "b": 2.0}]}).lazy()

    with pytest.raises(BadInput, match="fields a, b, and none of them"):
        output_column(log, wanted=None)


def test_features_become_columns() -> None:
    """Of no rows, too."""
    log = pl.DataFrame({"features": [{"a": 1.0, "b": "x"}]})

    assert features(log.lazy()).to_dicts() == [{"a": 1.0, "b": "x"}]
    assert features(log.head(0).lazy()).columns == ["a", "b"]

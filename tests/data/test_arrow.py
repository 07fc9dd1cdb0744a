"""From Arrow to Polars."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from stackcanvas.data.arrow import to_arrow, to_polars
from stackcanvas.errors import BadInput


def test_names_stay() -> None:
    """Names come through, an empty one too."""
    frame = to_polars(pa.table([[1], ["a"]], names=["", "column_0"]))

    assert frame.columns == ["", "column_0"]
    assert to_arrow(frame).column_names == ["", "column_0"]


@pytest.mark.parametrize(("names", "said"), [(["a", "a"], "two columns"), (["a\0", "b"], "NUL")])
def test_names_that_cannot_be_used(names: list[str], said: str) -> None:
    """Names that would be lost or would end the process are refused."""
    with pytest.raises(BadInput, match=said):
        to_polars(pa.table([[1], [2]], names=names))


def test_texts_are_plain() -> None:
    """Texts come as the type that all readers know, not as views."""
    assert to_arrow(pl.DataFrame({"a": ["x"]})).schema.field("a").type == pa.large_string()

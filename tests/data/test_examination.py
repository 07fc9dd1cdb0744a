"""What is learnt of a table while it streams by."""

from __future__ import annotations

import polars as pl
import pytest

from stackcanvas.data.examination import Examination
from stackcanvas.errors import BadInput

_ROWS = pl.DataFrame({"id": [1, 2, 3, 4], "day": ["mo", "tu", "mo", "tu"], "x": [1.5, None, 2.0, 8.0]})


def _examined(*parts: pl.DataFrame, key: tuple[str, ...] = ()) -> Examination:
    examination = Examination(key=key, where="flights")
    for part in parts:
        examination.add(part)
    return examination


def test_parts_are_one_table() -> None:
    """Columns, rows and profile are those of the whole."""
    table = _examined(_ROWS.clear(), _ROWS.head(1), _ROWS.tail(3)).result()

    assert table.columns == (("id", "Int64"), ("day", "String"), ("x", "Float64"))
    assert table.rows == 4
    assert table.profile.columns["x"].nulls == 1
    assert table.profile.columns["day"].counts == {"mo": 2, "tu": 2}  # type: ignore[union-attr]


def test_no_rows() -> None:
    """A table without rows is a table."""
    assert _examined(_ROWS.clear(), key=("id",)).result().rows == 0


def test_a_key_over_several_columns() -> None:
    """Columns may repeat, as long as together they do not."""
    assert _examined(_ROWS, key=("day", "id")).result().rows == 4
    with pytest.raises(BadInput, match="flights: the key does not identify a row: 4 rows share theirs, such as day mo"):
        _examined(_ROWS.head(2), _ROWS.tail(2), key=("day",)).result()


def test_a_key_with_nulls() -> None:
    """What is null identifies nothing."""
    with pytest.raises(BadInput, match="null in 1 rows"):
        _examined(_ROWS, key=("x",)).result()


def test_a_key_that_is_no_column() -> None:
    """The nearest column is offered, before all rows were read."""
    with pytest.raises(BadInput, match="Did you mean 'day'"):
        _examined(_ROWS, key=("dya",))


def test_no_columns() -> None:
    """A table without columns is none."""
    with pytest.raises(BadInput, match="no columns"):
        _examined(pl.DataFrame())

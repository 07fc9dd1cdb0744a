"""Diff: what changed from one version to another."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.data import Data
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.plain import plain

_BEFORE = pl.DataFrame({"id": [1, 2, 3, 4], "x": [1.0, None, float("nan"), 4.0], "y": ["a", "b", "c", "d"]})
_AFTER = pl.DataFrame({"id": [2, 3, 4, 5], "x": [2.0, float("nan"), 4.0, 5.0], "y": ["b", "C", "d", "e"]})


@pytest.fixture
def two(data: Data) -> Data:
    """Two versions of a table with a key."""
    data.commit("t", _BEFORE, key="id")
    data.commit("t", _AFTER, key="id")
    return data


def test_rows_by_key(two: Data) -> None:
    """Rows are matched by the key of the commit; what was added, removed and changed is counted and shown."""
    rows = two.diff("t@1", "t@2").rows

    assert rows is not None
    assert (rows.key, rows.added, rows.removed, rows.changed) == (("id",), 1, 1, 2)
    assert rows.changed_by_column == {"x": 1, "y": 1}
    assert rows.samples == {
        "added": ({"id": 5, "x": 5.0, "y": "e"},),
        "removed": ({"id": 1, "x": 1.0, "y": "a"},),
        "changed": ({"id": 2, "x": [None, 2.0]}, {"id": 3, "y": ["c", "C"]}),
    }


def test_whole_rows(data: Data) -> None:
    """Without a key, rows are compared as a whole, as often as each occurs."""
    data.commit("t", pl.DataFrame({"a": [1, 1, 1, 2], "b": [None, None, None, 2.0]}))
    data.commit("t", pl.DataFrame({"a": [1, 3, 2], "b": [None, None, 2.0]}))

    rows = data.diff("t@1", "t@2").rows

    assert rows is not None
    assert (rows.key, rows.added, rows.removed, rows.changed) == ((), 1, 2, 0)
    assert rows.samples["added"] == ({"a": 3, "b": None},)


def test_columns(data: Data) -> None:
    """Added, removed and retyped columns are told; rows are compared over the rest."""
    data.commit("t", pl.DataFrame({"id": [1, 2], "gone": [1, 2], "kind": [1, 2], "same": [1, 2]}), key="id")
    data.commit("t", pl.DataFrame({"id": [1, 2], "kind": [1.0, 2.0], "same": [1, 3], "new": [1, 2]}), key="id")

    found = data.diff("t@1", "t@2")

    assert found.columns == {"gone": ("Int64", None), "kind": ("Int64", "Float64"), "new": (None, "Int64")}
    assert found.rows is not None
    assert found.rows.changed_by_column == {"same": 1}
    assert plain(found)["columns"]["gone"] == ["Int64", None]


def test_nothing_in_common(data: Data) -> None:
    """Two tables without a column in common have no rows to compare; their columns tell."""
    data.commit("set", pl.DataFrame({"a": [1]}))
    data.commit("set", pl.DataFrame({"b": [1]}))

    found = data.diff("set@1", "set@2")

    assert found.rows is None
    assert found.columns == {"a": ("Int64", None), "b": (None, "Int64")}


def test_files(data: Data, root: Path) -> None:
    """Files of a folder that were added, removed or changed."""
    (root / "f").mkdir()
    for name in "abc":
        (root / "f" / name).write_text(name)
    data.commit("f", root / "f")
    (root / "f" / "a").write_text("other")
    (root / "f" / "b").rename(root / "f" / "d")
    data.commit("f", root / "f")

    found = data.diff("f@1", "f@2")

    assert (found.added, found.removed, found.changed) == (("d",), ("b",), ("a",))
    assert (found.rows, found.drift, found.same) == (None, None, False)


def test_values_that_moved(data: Data) -> None:
    """The profiles of both versions are compared."""
    data.commit("t", pl.DataFrame({"a": range(2000), "b": range(2000)}))
    data.commit("t", pl.DataFrame({"a": range(5000, 7000), "b": range(2000)}))

    found = data.diff("t@1", "t@2").drift

    assert found is not None
    assert found.drifted_columns == ["a"]


def test_the_same(two: Data) -> None:
    """A version does not differ from itself."""
    found = two.diff("t@1", "t@1")

    assert found.same
    assert (found.columns, found.changed, found.rows) == ({}, (), None)


def test_another_key(two: Data) -> None:
    """A key may be named; one that repeats or is no column is refused."""
    rows = two.diff("t@1", "t@2", key="y").rows
    assert rows is not None
    assert (rows.key, rows.added, rows.removed, rows.changed) == (("y",), 2, 2, 1)

    two.commit("t", pl.DataFrame({"id": [1, 2], "x": [1.0, 1.0], "y": ["a", "b"]}))
    with pytest.raises(BadInput, match=r"x 1\.0 occurs 2 times"):
        two.diff("t@1", "t@3", key="x")
    with pytest.raises(BadInput, match="Did you mean 'id'"):
        two.diff("t@1", "t@2", key="idd")
    with pytest.raises(NotFound):
        two.diff("t@1", "t@9")


_ROWS = st.dictionaries(st.integers(0, 8), st.tuples(st.none() | st.integers(0, 2), st.sampled_from("ab")), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(_ROWS, _ROWS)
def test_against_dictionaries(
    data: Data, before: dict[int, tuple[int | None, str]], after: dict[int, tuple[int | None, str]]
) -> None:
    """For any two tables the counts are those of two dictionaries."""
    frames = [
        pl.DataFrame(
            {"k": list(rows), "a": [row[0] for row in rows.values()], "b": [row[1] for row in rows.values()]},
            schema={"k": pl.Int64, "a": pl.Int64, "b": pl.String},
        )
        for rows in (before, after)
    ]
    one, two = (data.commit("t", frame, key="k") for frame in frames)

    rows = data.diff(one.ref, two.ref).rows

    if one.listing == two.listing:
        assert rows is None
        return
    assert rows is not None
    both = before.keys() & after.keys()
    assert rows.added == len(after.keys() - before.keys())
    assert rows.removed == len(before.keys() - after.keys())
    assert rows.changed == sum(before[key] != after[key] for key in both)

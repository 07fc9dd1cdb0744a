"""Reading versions as rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from stackcanvas.backends.objects import Objects
from stackcanvas.data import Data
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.metadata import Spine

_ROWS = pl.DataFrame({"a": [1, 2], "b": ["x", None]})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(
    dataframes(min_cols=1, max_cols=4, max_size=8, allowed_dtypes=[pl.Int64, pl.String, pl.Float32, pl.Date, pl.List])
)
def test_exactly_the_committed_rows(data: Data, frame: pl.DataFrame) -> None:
    """Any frame comes back as it was."""
    version = data.commit("any", frame)

    assert_frame_equal(data.read(version.ref), frame)


def test_each_version_has_its_own_rows(data: Data, root: Path) -> None:
    """Older versions stay what they were, whatever happens to the file."""
    (root / "a.csv").write_text("a\n1\n")
    data.commit("a", root / "a.csv")
    (root / "a.csv").write_text("a\nx\n")
    data.commit("a", root / "a.csv")
    (root / "a.csv").unlink()

    assert data.read("a@1")["a"].to_list() == [1]
    assert data.read("a")["a"].to_list() == ["x"]


def test_columns(data: Data) -> None:
    """Some columns, in the order asked; one that is unknown is named with the nearest."""
    data.commit("a", _ROWS)

    assert data.read("a", columns=["b", "a"]).columns == ["b", "a"]
    assert data.read("a", columns=["b"])["b"].to_list() == ["x", None]
    with pytest.raises(NotFound, match="Did you mean 'b'"):
        data.read("a", columns=["bb"])


def test_scan_is_lazy_and_repeatable(data: Data) -> None:
    """A scan can be asked for different things."""
    data.commit("a", _ROWS)
    rows = data.scan("a")

    assert rows.filter(pl.col("a") > 1).collect()["a"].to_list() == [2]
    assert rows.select(pl.len()).collect().item() == 2


def test_what_is_no_table(data: Data, root: Path) -> None:
    """Files of any kind cannot be read as rows; the way out is said."""
    (root / "note.txt").write_text("hello")
    data.commit("note", root / "note.txt")

    with pytest.raises(BadInput, match=r"data:note@1 is no table.*checkout note@1"):
        data.read("note")


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("flihgts", "no data set 'flihgts'. Did you mean 'flights'"),
        ("flights@7", "no version 'flights@7'"),
        ("flights@jna", "Did you mean 'flights@jan'"),
    ],
)
def test_unknown_refs(data: Data, ref: str, said: str) -> None:
    """The nearest name is offered."""
    data.commit("flights", _ROWS, tags=["jan"])

    with pytest.raises(NotFound, match=said):
        data.read(ref)
    with pytest.raises(NotFound):
        data.get(ref)


def test_a_ref_of_another_kind(data: Data) -> None:
    """A model is no data."""
    with pytest.raises(BadInput, match="names a model"):
        data.read("model:delay@1")


def test_reading_inside_work_is_recorded(data: Data, spine: Spine) -> None:
    """What recorded work reads stands in its lineage."""
    version = data.commit("a", _ROWS)
    with spine.record("pipelines.step") as step:
        data.read("a")

    assert [edge.execution for edge in spine.lineage.downstream(version.ref).edges] == [step.id]


def test_readers(spine: Spine, objects: Objects, root: Path, tmp_path: Path) -> None:
    """Names with a reader are read by it."""
    asked: list[str] = []

    def reader(name: str) -> pl.LazyFrame:
        asked.append(name)
        return _ROWS.lazy()

    data = Data(spine, objects, root, tmp_path / "cache", readers={"predictions": reader})

    assert_frame_equal(data.read("predictions/delay"), _ROWS)
    assert asked == ["delay"]
    data.close()


def test_another_machine(make_data: Callable[..., Data], root: Path) -> None:
    """With an empty cache the same rows are read."""
    (root / "a.csv").write_text("a,b\n007,x\n")
    make_data("one").commit("a", root / "a.csv")

    assert make_data("two").read("a").rows() == [("007", "x")]


def test_paths_with_odd_letters(data: Data, root: Path) -> None:
    """Names that mean something to a pattern are plain names here."""
    (root / "a=1").mkdir()
    _ROWS.write_parquet(root / "a=1" / "[x]*.parquet")
    data.commit("odd", root / "a=1")

    assert_frame_equal(data.read("odd"), _ROWS)


def test_one_file(data: Data, root: Path) -> None:
    """Its bytes come piece by piece, checked; the path may be left out where there is only one."""
    large = bytes(range(256)) * 4000
    for path, content in {"set/a": b"small", "set/b/c": large}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    data.commit("set", root / "set")
    data.commit("one", root / "set" / "b" / "c")

    file, pieces = data.content("set", "b/c")
    assert (file.path, file.size_bytes) == ("b/c", len(large))
    assert b"".join(pieces) == large
    assert b"".join(data.content("one")[1]) == large
    with pytest.raises(BadInput, match="has 2 files"):
        data.content("set")
    with pytest.raises(NotFound, match="Did you mean 'b/c'"):
        data.content("set", "b/d")

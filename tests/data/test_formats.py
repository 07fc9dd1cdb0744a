"""Which files are tables."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stackcanvas.data import formats

_A, _B = pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """CSV and Parquet files with two different columns, and a text."""
    for name, frame in (("a1", _A), ("a2", _A), ("b", _B)):
        frame.write_csv(tmp_path / f"{name}.csv")
        frame.write_parquet(tmp_path / f"{name}.PARQUET")
        frame.write_csv(tmp_path / f"{name}.tsv", separator="\t")
    (tmp_path / "note.txt").write_text("a\n1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a1.csv"], True),
        (["a1.csv", "a2.csv"], True),
        (["a1.PARQUET", "a2.PARQUET"], True),
        (["a1.tsv", "a2.tsv"], True),
        (["a1.csv", "b.csv"], False),
        (["a1.PARQUET", "b.PARQUET"], False),
        (["a1.csv", "a1.PARQUET"], False),
        (["a1.csv", "a1.tsv"], False),
        (["note.txt"], False),
        (["a1.csv", "note.txt"], False),
    ],
)
def test_one_format_with_the_same_columns(folder: Path, names: list[str], *, expected: bool) -> None:
    """Files are parts of one table only when they agree."""
    assert formats.is_table([folder / name for name in names]) is expected


@pytest.mark.parametrize("suffix", ["csv", "tsv", "PARQUET"])
def test_every_format_gives_the_same(folder: Path, suffix: str) -> None:
    """Columns and rows are found whatever the format."""
    paths = [folder / f"a1.{suffix}", folder / f"a2.{suffix}"]
    table = formats.examine(paths)

    assert (table.columns, table.rows) == ((("a", "Int64"),), 2)
    assert pl.concat(formats.rows(paths, table.columns))["a"].to_list() == [1, 1]

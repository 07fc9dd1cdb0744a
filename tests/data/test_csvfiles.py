"""CSV files, sound and broken."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stackcanvas.data import csvfiles
from stackcanvas.errors import BadInput, Unavailable

_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
_NAMES = st.lists(_CELLS.filter(lambda name: "\ufeff" not in name), min_size=1, max_size=4, unique=True)


def _write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _read(path: Path, delimiter: str = ",") -> pl.DataFrame:
    table = csvfiles.examine([path], delimiter)
    frame = pl.concat(csvfiles.read([path], delimiter, dict(table.columns)))
    assert frame.height == table.rows == table.profile.rows
    return frame


def test_a_plain_file(tmp_path: Path) -> None:
    """Types are found, empty fields are null, quoted ones may hold anything."""
    path = _write(tmp_path / "a.csv", 'day,delay,note\r\n2013-01-01,5,"a ""b"",\nc"\r\n2013-01-02,,""\r\n')

    frame = _read(path)

    assert frame.schema == {"day": pl.Date, "delay": pl.Int64, "note": pl.String}
    assert frame["delay"].to_list() == [5, None]
    assert frame["note"].to_list() == ['a "b",\nc', ""]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_was_written_is_read(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever texts a table holds, all of them come back from the file that Python writes."""
    names = data.draw(_NAMES.filter(lambda names: names != [""]))
    rows = data.draw(st.lists(st.lists(_CELLS, min_size=len(names), max_size=len(names)), max_size=5))
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([names, *rows])
    path = _write(tmp_path / "a.csv", text.getvalue())

    read = pl.concat(csvfiles.read([path], ",", dict.fromkeys(names, "String")))

    assert read.columns == names
    assert [list(row) for row in read.rows()] == rows


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b\n", 0),
        ("a,b", 0),
        ("a,b\n\n1,2\n\n", 1),
        ("a\n1\n\n3\n", 3),
        ("\ufeffa,b\n1,2", 1),
        ("a,b\r1,2\r", 1),
        (",a\n0,x\n1,y\n", 2),
    ],
)
def test_unusual_but_sound(tmp_path: Path, content: str, rows: int) -> None:
    """A header alone, blank lines, a byte order mark, old line ends, a nameless first column."""
    assert _read(_write(tmp_path / "a.csv", content)).height == rows


def test_tabs(tmp_path: Path) -> None:
    """Fields may be parted by tabs."""
    assert _read(_write(tmp_path / "a.tsv", "a\tb\n1,5\tx\n"), "\t").rows() == [("1,5", "x")]


def test_types_are_those_of_all_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value at the very end counts as one at the beginning; the profile is that of the final type."""
    monkeypatch.setattr(csvfiles, "_BLOCK_BYTES", 1000)
    path = _write(tmp_path / "a.csv", "a,b\n" + "1,\n" * 5000 + "1.5,2013-01-01\n")

    table = csvfiles.examine([path], ",")

    assert table.columns == (("a", "Float64"), ("b", "Date"))
    assert table.profile.columns["a"].kind == "numeric"
    assert (table.profile.columns["a"].rows, table.profile.columns["b"].nulls) == (5001, 5000)


def test_rows_longer_than_what_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read all the same, and the rows before them once."""
    monkeypatch.setattr(csvfiles, "_BLOCK_BYTES", 1000)
    long = "x" * 30_000
    path = _write(tmp_path / "a.csv", "a,b\n" + "1,\n" * 5000 + f'2,"{long},\n"\n' + "3,\n" * 5000)

    frame = _read(path)

    assert frame["a"].to_list() == [1] * 5000 + [2] + [3] * 5000
    assert frame["b"][5000] == f"{long},\n"


def test_several_files(tmp_path: Path) -> None:
    """Files with the same header are one table, with types that fit all of them."""
    paths = [_write(tmp_path / "1.csv", "a\n1\n"), _write(tmp_path / "2.csv", "a\nx\n")]

    table = csvfiles.examine(paths, ",")

    assert (table.columns, table.rows) == ((("a", "String"),), 2)
    assert pl.concat(csvfiles.read(paths, ",", {"a": "String"}))["a"].to_list() == ["1", "x"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"a\.csv: the file is empty"),
        ("a,a\n1,2\n", r"a\.csv:1: two columns are called 'a'"),
        ("a,b\n1,2\n3\n", r"a\.csv:3: the row has 1 fields, the header 2"),
        ("a,b\n1,2\n3,4,5\n6,7\n", r"a\.csv:3: the row has 3 fields, the header 2"),
        ('a,b\n1,"x\ny"\n3\n', r"a\.csv:4: the row has 1 fields"),
        ("a,b\n\n\n3\n", r"a\.csv:4: the row has 1 fields"),
        (b"a,b\n1,2\nx,caf\xe9\n", r"a\.csv:3: the byte 0xe9 at position 6 of the line is not UTF-8"),
        (b"a,\xff\n1,2\n", r"a\.csv:1: the byte 0xff"),
        ('a,b\n1,"never closed\n2,3\n', r"a\.csv:2: a quote is never closed"),
        ("a,b\0\n1,2\n", r"a\.csv:1: the name of a column holds a NUL"),
    ],
)
def test_broken_files(tmp_path: Path, content: str | bytes, said: str) -> None:
    """What is broken is named with file and line."""
    path = _write(tmp_path / "a.csv", content)

    with pytest.raises(BadInput, match=said):
        csvfiles.examine([path], ",")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
@example(b"\xef\xbb\xbf")
@example(b'"')
@example(b"\x00")
@example(b"a\n\x00\n")
def test_garbage(tmp_path: Path, content: bytes) -> None:
    """Any bytes are a table or a sentence, never anything else."""
    path = _write(tmp_path / "a.csv", content)
    try:
        frame = _read(path)
    except BadInput as error:
        assert "a.csv" in str(error)  # noqa: PT017
    else:
        assert frame.width > 0


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder of that name says so."""
    (tmp_path / "a.csv").mkdir()

    with pytest.raises(Unavailable, match=r"a\.csv"):
        csvfiles.header(tmp_path / "a.csv", ",")


def test_the_key_is_checked(tmp_path: Path) -> None:
    """A key that repeats, even over files, is refused with an example."""
    paths = [_write(tmp_path / "1.csv", "a,b\n1,1\n"), _write(tmp_path / "2.csv", "a,b\n1,2\n")]

    with pytest.raises(BadInput, match="2 rows share theirs, such as a 1"):
        csvfiles.examine(paths, ",", key=["a"])
    assert csvfiles.examine(paths, ",", key=["a", "b"]).rows == 2

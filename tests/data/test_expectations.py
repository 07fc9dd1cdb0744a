"""Expectations: what breaks them is named with its rows, refused or marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.canvas.blocks.expectations import ColumnExpectations, Expectations, Freshness
from stackcanvas.data import Data, ExpectationsBroken
from stackcanvas.data.expectations import check
from stackcanvas.errors import BadInput, BadInputs, NotFound

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ROWS = pl.DataFrame(
    {
        "id": [1, 2, 2, None],
        "fare": [7.5, -1.0, float("nan"), None],
        "zone": ["A", "B", "x", None],
        "day": pl.Series(["2026-11-20", "2026-11-21", "2026-11-22", None]).str.to_date(),
        "at": pl.Series(["2026-11-20T01:00", "2026-11-21T02:00", "2026-11-22T03:00", None]).str.to_datetime(),
        "tags": [["a"], [], None, ["b"]],
        "size": pl.Series(["S", "M", "S", None], dtype=pl.Enum(["S", "M"])),
    }
)


_SIZES = ["size: 1 rows are none of S, L", "size: 1 rows are unlike S"]


def _said(**facts: object) -> list[str]:
    return [one.said for one in check(ROWS.lazy(), Expectations.model_validate(facts), now=NOW)]


def test_they_may_be_given_as_a_mapping(data: Data) -> None:
    """With the words of the canvas; a wrong one is named by its line."""
    rows = pl.DataFrame({"fare": [-2.0, 3.0]})
    expected = {"columns": [{"name": "fare", "least": 0}], "broken": "mark"}

    assert [one.said for one in data.check(data.commit("fares", rows, expect=expected).ref, expected)] == [
        "fare: 1 rows are below 0"
    ]
    with pytest.raises(BadInputs, match=r"expect:1:1: .*column"):
        data.commit("fares", rows, expect={"colums": []})


def _column(name: str, **facts: object) -> list[str]:
    return _said(columns=({"name": name, **facts},))


@pytest.mark.parametrize(
    ("name", "facts", "said"),
    [
        ("fare", {}, []),
        ("nothing", {}, ["nothing: there is no such column"]),
        ("fare", {"type": "number"}, []),
        ("fare", {"type": "Float64"}, []),
        ("fare", {"type": "integer"}, ["fare: it is Float64, not integer"]),
        ("zone", {"type": "text"}, []),
        ("day", {"type": "date"}, []),
        ("at", {"type": "date"}, ["at: it is Datetime(time_unit='us', time_zone=None), not date"]),
        ("fare", {"nulls": "25%"}, []),
        ("fare", {"nulls": "20%"}, ["fare: 1 of 4 rows have no value, at most 20% may"]),
        ("tags", {"nulls": "0%"}, ["tags: 1 of 4 rows have no value, at most 0% may"]),
        ("fare", {"least": -1}, ["fare: 1 rows are no number"]),
        ("fare", {"least": 0, "most": 7}, [f"fare: 1 rows are {one}" for one in ("no number", "below 0", "above 7")]),
        ("id", {"values": (1, 2, 3)}, []),
        ("id", {"values": (1,)}, ["id: 2 rows are none of 1"]),
        (
            "zone",
            {"values": ("A", "B"), "pattern": "^[A-Z]$"},
            ["zone: 1 rows are none of A, B", "zone: 1 rows are unlike ^[A-Z]$"],
        ),
        ("size", {"type": "text", "values": ("S", "L"), "pattern": "S"}, _SIZES),
        ("id", {"unique": True}, ["id: 2 rows share theirs with another"]),
        ("day", {"least": "2026-11-21"}, ["day: 1 rows are below 2026-11-21"]),
        ("at", {"most": "2026-11-21T12:00"}, ["at: 1 rows are above 2026-11-21T12:00"]),
    ],
)
def test_columns(name: str, facts: dict[str, object], said: list[str]) -> None:
    """Type, share of nulls, range, values, pattern and uniqueness of a column."""
    assert _column(name, **facts) == said


def test_the_table_as_a_whole() -> None:
    """Number of rows, other columns, keys of several columns, and how new the newest row is."""
    assert _said(rows_least=4, rows_most=4) == []
    assert _said(rows_least=5) == ["there are 4 rows, at least 5 must be"]
    assert _said(rows_most=3) == ["there are 4 rows, at most 3 may be"]
    known = tuple({"name": name} for name in ROWS.columns[1:])
    assert _said(columns=known, other_columns=False) == ["id: nobody expects this column"]
    assert _said(unique=(("id", "fare"),)) == []
    assert _said(unique=(("id",), ("id", "none"))) == [
        "id: 2 rows share theirs with another",
        "none: there is no such column",
    ]
    fresh = timedelta(hours=9)
    assert _said(freshness={"column": "day", "within": fresh}) == []
    assert _said(freshness={"column": "day", "within": timedelta(hours=8)}) != []
    assert _said(freshness={"column": "at", "within": timedelta(days=1)}) != []
    assert _said(freshness={"column": "at", "within": timedelta(hours=30)}) == []
    assert _said(freshness={"column": "zone", "within": fresh}) != []
    assert _said(freshness={"column": "nothing", "within": fresh}) != []


def test_rows_are_shown() -> None:
    """The first rows that are wrong come with their numbers."""
    (broken,) = check(
        ROWS.lazy(), Expectations.model_validate({"columns": ({"name": "zone", "pattern": "[A-Z]"},)}), now=NOW
    )

    assert broken.count == 1
    assert broken.rows[0]["row"] == 3
    assert broken.rows[0]["zone"] == "x"
    assert "row 3 (id 2, fare nan, zone x" in broken.sentence()


@pytest.mark.parametrize("facts", [{"least": "x"}, {"values": (1, "A")}, {"least": True}, {"pattern": "["}])
def test_what_does_not_fit_a_column(facts: dict[str, object]) -> None:
    """An expectation that no value could meet is an error of its own."""
    with pytest.raises(BadInput, match="does not fit"):
        _column("fare", **facts)
    with pytest.raises(BadInput, match="no day or instant"):
        _column("day", least="soon")


@pytest.mark.parametrize("empty", [True, False])
def test_zones_and_empty_tables(*, empty: bool) -> None:
    """Instants with a zone are compared as instants; a table without rows breaks nothing but its number of rows."""
    zoned = pl.DataFrame({"at": pl.Series([NOW]).dt.convert_time_zone("America/New_York"), "id": [1]})
    rows = zoned.clear() if empty else zoned
    facts = {
        "columns": ({"name": "at", "least": "2026-11-23T10:00+01:00", "most": "2026-11-23T09:00", "unique": True},)
    }

    assert check(rows.lazy(), Expectations.model_validate(facts), now=NOW) == []


def _expected(broken: str = "refuse") -> Expectations:
    return Expectations.model_validate({"columns": ({"name": "fare", "least": 0},), "broken": broken})


@pytest.mark.parametrize("kind", ["frame", "csv", "parquet"])
def test_a_version_that_breaks_them_is_refused(data: Data, root: Path, kind: str) -> None:
    """No version is made, and the error has the rows; the one before stays the newest."""
    good, bad = pl.DataFrame({"fare": [1.0]}), pl.DataFrame({"fare": [1.0, -2.0]})

    def source(frame: pl.DataFrame) -> object:
        if kind == "csv":
            frame.write_csv(root / "fares.csv")
        elif kind == "parquet":
            frame.write_parquet(root / "fares.parquet")
        return frame if kind == "frame" else root / f"fares.{kind}"

    data.commit("fares", source(good), expect=_expected())
    with pytest.raises(ExpectationsBroken, match=r"fare: 1 rows are below 0: row 2 \(fare -2\.0\)") as caught:
        data.commit("fares", source(bad), expect=_expected())

    assert caught.value.status == 403
    assert caught.value.broken[0].rows == ({"row": 2, "fare": -2.0},)
    assert [version.number for version in data.log("fares")] == [1]
    assert data.verify().sound


def test_a_version_that_breaks_them_is_marked(data: Data) -> None:
    """With `mark` it is kept, and says what is wrong; in its event too."""
    made = data.commit("fares", pl.DataFrame({"fare": [-2.0]}), expect=_expected("mark"))

    assert made.broken == ("fare: 1 rows are below 0: row 1 (fare -2.0)",)
    assert data.get("fares").to_dict()["broken"] == made.broken
    (event,) = data._parts.spine.events.after(0, limit=1)
    assert event.payload["broken"] == 1


def test_files_that_are_no_table(data: Data, root: Path) -> None:
    """Rows are expected where there are none."""
    (root / "x.bin").write_bytes(b"x")

    with pytest.raises(BadInput, match="expected to be a table"):
        data.commit("x", root / "x.bin", expect=_expected())
    assert data.ls() == []


def test_expectations_in_a_file(data: Data, root: Path) -> None:
    """A YAML file tells the same as the canvas; what is wrong in it is named with line and column."""
    data.commit("fares", pl.DataFrame({"fare": [-2.0]}))
    (root / "fares.yaml").write_text("columns:\n  - {name: fare, least: 0, nulls: 1%}\n")

    assert [one.said for one in data.check("fares", root / "fares.yaml")] == ["fare: 1 rows are below 0"]
    (root / "fares.yaml").write_text("columns:\n  - {name: fare, lest: 0}\nbroken: perhaps\n")
    with pytest.raises(BadInputs, match=r"fares\.yaml:2:18.*(?s:.)*fares\.yaml:3:9"):
        data.check("fares", root / "fares.yaml")
    with pytest.raises(BadInput, match="nothing is said"):
        data.check("fares")


def test_a_file_that_is_not_there(data: Data, root: Path) -> None:
    """It is a file that is missing, not a canvas."""
    with pytest.raises(NotFound, match=r"There is no file '.*rules\.yaml'"):
        data.commit("rows", pl.DataFrame({"a": [1]}), expect=root / "rules.yaml")


def test_a_pattern_that_is_none() -> None:
    """What is wrong with it is said."""
    expected = Expectations(columns=(ColumnExpectations(name="a", pattern="("),))

    with pytest.raises(BadInput, match="unclosed group"):
        check(pl.LazyFrame({"a": ["x"]}), expected, now=NOW)


def test_freshness_has_a_clock(data: Data) -> None:
    """Freshness is counted from the clock of the stack."""
    expected = Expectations(
        columns=(ColumnExpectations(name="at"),), freshness=Freshness(column="at", within=timedelta(days=1))
    )
    data.commit("x", pl.DataFrame({"at": [NOW - timedelta(hours=3)]}), expect=expected)

    with pytest.raises(ExpectationsBroken, match="older than"):
        data.commit("x", pl.DataFrame({"at": [NOW - timedelta(days=3)]}), expect=expected)

"""SQL over versions: what it gives, what it refuses and where, what it records."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.data import Data
from stackcanvas.data.analysis import Analysis
from stackcanvas.errors import BadInput, NotFound, StackCanvasError
from stackcanvas.metadata import Ref, Spine


@pytest.fixture(autouse=True)
def tables(data: Data) -> None:
    """Two versions of flights, and planes."""
    data.commit("flights", pl.DataFrame({"flight": [1, 2], "tail": ["a", "b"], "delay": [5.0, None]}), tags=["raw"])
    data.commit("flights", pl.DataFrame({"flight": [1, 2, 3], "tail": ["a", "b", "a"], "delay": [5.0, 7.0, 0.0]}))
    data.commit("team/planes", pl.DataFrame({"tail": ["a", "b"], "seats": [100, 200]}))


def test_several_versions_in_one_statement(analysis: Analysis) -> None:
    """Numbers, tags, the newest, and names with slashes, joined."""
    found = analysis.query(
        'with old as (select * from "flights@raw") '
        "select n.flight, o.delay as was, n.delay, p.seats from flights n "
        'left join old o on n.flight = o.flight join "team/planes@1" p on n.tail = p.tail order by n.flight'
    )

    assert found.rows() == [(1, 5.0, 5.0, 100), (2, None, 7.0, 200), (3, None, 0.0, 100)]
    assert analysis.query('select count(*) n from "data:flights@1"').item() == 2
    assert analysis.query("select flight from flights order by flight", limit=1).rows() == [(1,)]


def test_what_it_used_and_made_is_on_record(analysis: Analysis, data: Data, spine: Spine) -> None:
    """The rows of a query become a version that leads back to what was asked, pinned."""
    made = analysis.materialise("select tail, sum(delay) d from flights group by tail", "late", key=["tail"])

    graph = spine.lineage.upstream(made.ref)
    assert {str(ref) for ref in graph.refs} >= {"data:late@1", "data:flights@2"}
    (asked,) = [one for one in graph.executions if one.kind == "data.query"]
    assert asked.parameters["to"] == "data:late"
    assert data.read("late").sort("tail").rows() == [("a", 5.0), ("b", 7.0)]


@pytest.mark.parametrize(
    ("sql", "where", "said"),
    [
        ("", None, "is empty"),
        ("-- only a comment", None, "is empty"),
        ("selec 1", "query:1:1", "begins with select"),
        ("drop table flights", "query:1:1", "begins with select"),
        ("delete from flights", "query:1:1", "begins with select"),
        ("select flight frm flights where", "query:1:", ""),
        ("select 1; select 2", "query:1:9", "one statement"),
        ("select\n  dely from flights", "query:2:3", "no column 'dely'. Expected: one of flight, tail, delay"),
        ("select foo(flight) from flights", "query:1:8", "no function 'foo'"),
        ("select * from flights where", "query:1:28", "ends too early"),
        ("select * from read_csv('/etc/passwd')", "query:1:15", "not files"),
        ("""select * from "read_csv"('/etc/passwd')""", "query:1:16", "not files"),
        ("select * from `READ_CSV`('/etc/passwd')", "query:1:16", "not files"),
        ("select * from /* /* */ ' */ read_csv ('/etc/passwd') --'", "query:1:29", "not files"),
        ("select cast(tail as int) from flights", "query", "conversion"),
        ("select tail, tail from flights", "query", "duplicate"),
        ("select median(tail) from flights", "query", "not supported"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(analysis: Analysis, sql: str, where: str | None, said: str) -> None:
    """Line and column where they are known, and never a traceback of the engine."""
    with pytest.raises(BadInput) as caught:
        analysis.query(sql)

    assert (caught.value.where or "").startswith(where or "")
    assert said in caught.value.sentence()
    assert "Resolved plan" not in caught.value.sentence()


@pytest.mark.parametrize("table", ["fligths", '"flights@9"', '"flights@rwa"'])
def test_a_table_that_is_not_there(analysis: Analysis, table: str) -> None:
    """The nearest name is offered, with the place in the statement."""
    with pytest.raises(NotFound) as caught:
        analysis.query(f"select * from {table}")  # noqa: S608 - the tests ask what they like

    assert caught.value.sentence().startswith("query:1:15: ") or caught.value.sentence().startswith("query:1:16: ")
    assert caught.value.near


def test_a_column_that_is_not_there(analysis: Analysis, data: Data) -> None:
    """Names are told as a statement has to write them, whatever signs they hold."""
    data.commit("odd", pl.DataFrame({'a "q", b': [1], "c]": [2], "back\\": [3], "ü": [4]}))

    with pytest.raises(BadInput, match="there is no column 'nope'") as caught:
        analysis.query("select nope from odd")

    assert caught.value.expected == 'one of "a ""q"", b", "c]", "back\\", ü'
    assert analysis.query('select "a ""q"", b" + "c]" as x from odd').item() == 3
    with pytest.raises(BadInput, match=r'Did you mean "back\\"\?$'):
        analysis.query('select "backs" from odd')


def test_words_in_quotes_are_no_words(analysis: Analysis) -> None:
    """A text or a name may say what a statement may not."""
    assert analysis.query("select 'drop read(' as x from flights limit 1").item() == "drop read("


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "jsonl", "arrow"])
def test_every_kind_of_file(analysis: Analysis, tmp_path: Path, kind: str) -> None:
    """The rows are in the file, and nothing else is left beside it."""
    folder = tmp_path / "out"
    folder.mkdir()
    path = analysis.export("select * from flights order by flight", folder / f"rows.{kind}")

    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "jsonl": pl.read_ndjson, "arrow": pl.read_ipc}
    rows = json.loads(path.read_text()) if kind == "json" else read[kind](path).to_dicts()  # type: ignore[operator]
    assert [row["flight"] for row in rows] == [1, 2, 3]
    assert list(folder.iterdir()) == [path]


def test_values_that_json_has_no_word_for(analysis: Analysis, data: Data, tmp_path: Path) -> None:
    """Times, decimals, bytes and NaN are written as the commands print them."""
    odd = {
        "t": [time(12, 30)],
        "d": [Decimal("1.10")],
        "b": [b"\0\xff"],
        "n": [float("nan")],
        "w": [datetime(2026, 1, 1, tzinfo=UTC)],
        "s": [timedelta(seconds=90)],
        "l": [[1, None]],
    }
    data.commit("odd", pl.DataFrame(odd))

    (row,) = json.loads(analysis.export("select * from odd", tmp_path / "odd.json").read_text())

    assert row["t"] == "12:30:00"
    assert row["d"] in {"1.10", "1.1"}
    assert (row["n"], row["w"], row["s"], row["l"]) == ("NaN", "2026-01-01T00:00:00Z", 90.0, [1, None])
    with pytest.raises(BadInput, match="CSV cannot hold"):
        analysis.export("select l from odd", tmp_path / "odd.csv")


def test_a_file_that_was_there_stays_when_the_query_fails(analysis: Analysis, tmp_path: Path) -> None:
    """The old file is replaced by a whole new one, or not at all."""
    path = tmp_path / "rows.csv"
    path.write_text("mine")

    for sql, target in [
        ("select cast(tail as int) from flights", path),
        ("select 1 as one", tmp_path / "rows.xyz"),
        ("select 1 as one", tmp_path / "none" / "rows.csv"),
    ]:
        with pytest.raises(StackCanvasError):
            analysis.export(sql, target)

    assert path.read_text() == "mine"
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".rows")] == []


def test_a_version_that_is_no_table(analysis: Analysis, data: Data, root: Path) -> None:
    """The error names the table in the statement."""
    (root / "a.txt").write_text("hello")
    data.commit("texts", root / "a.txt")

    with pytest.raises(BadInput, match=r"^query:1:15: .*is no table"):
        analysis.query("select * from texts")


def test_a_failed_query_is_on_record(analysis: Analysis, spine: Spine) -> None:
    """Its sentence stands in the record; nothing was made."""
    with pytest.raises(BadInput):
        analysis.materialise("select nope from flights", "new")

    (found,) = spine.executions.search(kind="data.query")
    assert found.state == "failed"
    assert "nope" in (found.error or "")
    assert spine.artifacts.get(Ref("data", "new", "1")) is None

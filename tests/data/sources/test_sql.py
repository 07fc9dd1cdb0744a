"""Rows of databases."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.data import Data
from stackcanvas.data.sources import sql
from stackcanvas.errors import BadInput, NotFound, Unavailable


@pytest.fixture
def shop(root: Path) -> Path:
    """A database with a table of odd values."""
    path = root / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table sales (id integer, price real, note text, late real)")
        rows = [(n, n / 2, None if n % 3 else f"é{n}", None if n < 1500 else 1.5) for n in range(2000)]
        connection.executemany("insert into sales values (?, ?, ?, ?)", rows)
    connection.close()
    return path


def test_a_table(data: Data, shop: Path) -> None:
    """By its name, from the project's folder; a second time nothing has changed."""
    made = data.ingest("sales", "sqlite:///shop.db", query="sales")

    assert (made.rows, made.kind, made.source) == (2000, "table", ("sqlite:///shop.db",))
    assert list(made.columns.values()) == ["Int64", "Float64", "String", "Float64"]
    assert data.read("sales").row(3) == (3, 1.5, "é3", None)
    assert data.ingest("sales", f"sqlite:///{shop}", query="sales").existed


def test_a_column_that_begins_with_nulls(data: Data, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its type is that of the values that come later, in another batch."""
    monkeypatch.setattr(sql, "_BATCH_ROWS", 100)

    made = data.ingest("sales", "sqlite:///shop.db", query="select id, late, null as never from sales order by id")

    assert made.columns == {"id": "Int64", "late": "Float64", "never": "String"}
    assert data.read("sales")["late"].null_count() == 1500


def test_a_statement_without_rows(data: Data, shop: Path) -> None:
    """It is a table all the same."""
    assert data.ingest("none", "sqlite:///shop.db", query="select id from sales where id < 0").rows == 0


def test_a_real_server(data: Data, postgres_url: str) -> None:
    """PostgreSQL, by the address that the canvas holds."""
    made = data.ingest(
        "one",
        re.sub("[?&]schema=[^&]*", "", postgres_url),
        query="select 1 as a, 'x' as b, timestamp '2026-01-01' as t",
    )

    assert data.read("one").row(0)[:2] == (1, "x")
    assert made.columns["t"].startswith("Datetime")


@pytest.mark.parametrize(
    ("url", "query", "said"),
    [
        ("sqlite:///shop.db", "missing", "no such table"),
        ("sqlite:///shop.db", "selec 1", "syntax error"),
        ("sqlite:///shop.db", None, "SELECT statement"),
        ("sqlite:///shop.db", "  ", "is empty"),
        ("sqlite:///shop.db", "create table more (x)", "readonly"),
        ("sqlite:///shop.db", "pragma foreign_keys = on", "no rows"),
        ("sqlite:///shop.db", "select 1 as a, 2 as a", "two columns are called"),
        ("delta://", None, "no Delta table"),
        ("kafka://host/topic", "x", "read by other tools"),
    ],
)
def test_what_cannot_be_read(data: Data, shop: Path, url: str, query: str | None, said: str) -> None:
    """The database's own words, and no version."""
    with pytest.raises(BadInput, match=said):
        data.ingest("sales", url, query=query)
    assert data.ls() == []


def test_a_server_that_is_away(data: Data) -> None:
    """It is said without the password."""
    with pytest.raises(Unavailable) as caught:
        data.ingest("x", "postgresql://reader:geheim@127.0.0.1:1/shop", query="sales")

    assert "geheim" not in str(caught.value)
    failed = data._parts.spine.executions.search(limit=10)
    assert not any("geheim" in str(one) for one in failed)


def test_values_of_several_types(data: Data, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that holds numbers in one batch and text in another is named."""
    monkeypatch.setattr(sql, "_BATCH_ROWS", 1)
    with sqlite3.connect(root / "odd.db") as connection:
        connection.execute("create table odd (x)")
        connection.executemany("insert into odd values (?)", [(1,), ("a",)])
    connection.close()

    with pytest.raises(BadInput, match="'x' holds values of several types"):
        data.ingest("odd", "sqlite:///odd.db", query="odd")
    assert isinstance(data.ingest("odd", "sqlite:///odd.db", query="select cast(x as text) as x from odd").rows, int)
    assert data.read("odd").equals(pl.DataFrame({"x": ["1", "a"]}))


@pytest.mark.parametrize("batch_rows", [1, 10])
def test_no_whole_number_is_rounded(data: Data, root: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int) -> None:
    """Beside fractions, in one batch or in another: small ones are floats, a large one is refused by its column."""
    monkeypatch.setattr(sql, "_BATCH_ROWS", batch_rows)
    with sqlite3.connect(root / "odd.db") as connection:
        connection.execute("create table odd (x, y)")
        connection.executemany("insert into odd values (?, ?)", [(1.5, 0.5), (2**53 + 1, -(2**53))])
    connection.close()

    with pytest.raises(BadInput, match="'x' holds fractions beside whole numbers"):
        data.ingest("odd", "sqlite:///odd.db", query="odd")
    data.ingest("odd", "sqlite:///odd.db", query="select cast(x as text) as x, y from odd")
    assert data.read("odd").to_dict(as_series=False) == {"x": ["1.5", "9007199254740993"], "y": [0.5, -(2.0**53)]}


@pytest.mark.parametrize(
    "statement",
    [
        "drop table sales",
        "update sales set price = 0 returning id",
        "delete from sales returning *",
        "with x as (select 1) insert into sales (id) select 1 from x returning id",
    ],
)
def test_nothing_is_written(data: Data, shop: Path, statement: str) -> None:
    """A statement that is no question leaves the database as it is."""
    with pytest.raises(BadInput, match="readonly"):
        data.ingest("sales", "sqlite:///shop.db", query=statement)

    assert data.ingest("sales", "sqlite:///shop.db", query="select sum(price) as p, count(*) as n from sales").rows == 1
    assert data.read("sales").row(0) == (999_500.0, 2000)


def test_a_file_that_is_not_there(data: Data, root: Path) -> None:
    """No empty database is made in its place."""
    with pytest.raises(NotFound, match=r"There is no database '.*shop\.db'"):
        data.ingest("sales", "sqlite:///shop.db", query="select 1")
    assert not (root / "shop.db").exists()


def test_colons(data: Data, shop: Path) -> None:
    """What looks like the place of a parameter is text."""
    data.ingest("sales", "sqlite:///shop.db", query="select ' :x' as a, '10:30' as b, '::' as c, ':' as d")

    assert data.read("sales").row(0) == (" :x", "10:30", "::", ":")

"""From a statement of SQL over versions to rows that are read when they are needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from stackcanvas.errors import BadInput, NotFound, StackCanvasError, nearest
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

Scan: TypeAlias = "Callable[[str], pl.LazyFrame]"

# What is between quotes, and comments: words in there are no words of the statement.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_READING = frozenset({"select", "with", "from", "values", "explain"})
# The functions that would open files of this machine. Their names may stand nowhere, not even in quotes: whatever the
# engine takes for a quoted name or a comment, none of them reaches it.
_FILES = re.compile(r"\b(?:read|scan)_(?:avro|csv|delta|ipc|json|lines|ndjson|parquet)\b", re.IGNORECASE)
_UNKNOWN_TABLE = re.compile(r"relation '(.*?)' was not found", re.DOTALL)
_NAME = r'"((?:[^"\\]|\\.)*)"'
_UNKNOWN_COLUMN = re.compile(rf"unable to find column {_NAME}(?:; valid columns: \[((?:{_NAME}(?:, )?)*)\])?")
_ESCAPED = re.compile(r"\\(?:u\{([0-9a-f]+)\}|(.))")
_UNKNOWN_FUNCTION = re.compile(r"unsupported function '(.*?)'", re.DOTALL)
_PLACE = re.compile(r"\s*at Line: (\d+), Column: (\d+)")
_MOST_TABLES = 100


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement whose tables were found and whose columns fit.

    Args:
        tables: the refs as the statement names them, in the order in which they were met.
        columns: name to type of what it gives.
    """

    sql: str
    rows: pl.LazyFrame
    tables: tuple[str, ...]
    columns: dict[str, pl.DataType]


def prepare(sql: str, scan: Scan) -> Prepared:
    """Read a statement; its tables are versions of data.

    Args:
        sql: one SELECT, in the SQL of Polars. A table is a ref in quotes, such as "flights@3", or a plain name.
        scan: gives the rows of a ref.

    Raises:
        BadInput: the statement is wrong or does more than read; with the place, where it is known.
        NotFound: there is no such data set or version.
    """
    _only_reads(sql)
    context = pl.SQLContext()
    tables: list[str] = []
    while True:
        try:
            rows = context.execute(sql, eager=False)
            columns = dict(rows.collect_schema())
            return Prepared(sql, rows, tuple(tables), columns)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            # The engine itself knows what is a table and what an alias: it names those that it lacks one by one.
            missing = _UNKNOWN_TABLE.search(str(error))
            if missing is None or missing[1] in tables or len(tables) >= _MOST_TABLES:
                raise _said(error, sql) from error
            name = missing[1]
        try:
            context.register(name, scan(name))
        except StackCanvasError as error:
            raise _of_table(error, sql, name) from error
        tables.append(name)


@contextmanager
def reading(sql: str) -> Iterator[None]:
    """Turn what the engine says while it reads into errors about the statement."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _said(error, sql) from error


def _only_reads(sql: str) -> None:
    bare = _bare(sql)
    words = re.findall(r"\w+", bare)
    if not words:
        raise BadInput("the query is empty", expected='SQL such as: select count(*) from "flights@3"')
    if words[0].lower() not in _READING:
        near = nearest(words[0].lower(), _READING)
        raise BadInput(
            f"a query begins with select or with, not with {words[0]!r}",
            where=_where(sql, bare.index(words[0])),
            expected="a statement that reads; nothing else is done here",
            fix=f"Did you mean {near!r}?" if near else None,
        )
    opened = _FILES.search(sql)
    if opened is not None:
        raise BadInput(
            "a query reads versions of data, not files",
            where=_where(sql, opened.start()),
            fix="Commit the file first: stackcanvas data commit NAME FILE",
        )


def _said(error: BaseException, sql: str) -> BadInput:
    """What the engine says, as a sentence with its place."""
    said = str(error).split("\n\nResolved plan until failure")[0].split("\n\nThis error occurred")[0].strip()
    place = _PLACE.search(said)
    if place is not None:
        line, column = int(place[1]), int(place[2])
        what = _PLACE.sub("", said).removeprefix("sql parser error: ")
        return BadInput(_sentence(what), where=f"query:{line}:{column}", fix=_hint(sql))
    column_gone = _UNKNOWN_COLUMN.search(said)
    if column_gone is not None:
        name = _unescaped(column_gone[1])
        known = [_unescaped(one) for one in re.findall(_NAME, column_gone[2] or "")]
        shown = ", ".join(map(_quoted, known[:20])) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
        near = nearest(name, known)
        return BadInput(
            f"there is no column {name!r}",
            where=_found(sql, name),
            expected=f"one of {shown}" if known else None,
            fix=f"Did you mean {_quoted(near)}?" if near else None,
        )
    function = _UNKNOWN_FUNCTION.search(said)
    if function is not None:
        return BadInput(f"there is no function {function[1]!r} in this SQL", where=_found(sql, function[1]))
    if "one (and only one) statement" in said:
        return BadInput("a query is one statement", where=_found(sql, ";"), fix="Leave out what follows the semicolon")
    if "found: EOF" in said:
        return BadInput("the query ends too early", where=_where(sql, len(sql.rstrip())), expected="more after this")
    return BadInput(_sentence(said.removeprefix("sql parser error: ")), where="query")


def _unescaped(text: str) -> str:
    """A name as it is, from how the engine writes it between quotes."""
    signs = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
    return _ESCAPED.sub(lambda one: chr(int(one[1], 16)) if one[1] else signs.get(one[2], one[2]), text)


def _quoted(name: str) -> str:
    """A name as it is written in a statement."""
    return name if re.fullmatch(r"[^\W\d]\w*", name) else '"' + name.replace('"', '""') + '"'


def _of_table(error: StackCanvasError, sql: str, name: str) -> StackCanvasError:
    where = _found(sql, name) or "query"
    if isinstance(error, NotFound):
        kind = "version" if "@" in name else "data set"
        return NotFound(kind, name, known=error.known, where=where)
    return BadInput(error.what, where=where, expected=error.expected, fix=error.fix)


def _hint(sql: str) -> str | None:
    names = re.search(r"[\w/.-]+@[\w.-]+", _bare(sql))
    return f'Set the table in double quotes: "{names[0]}"' if names else None


def _sentence(said: str) -> str:
    first = " ".join(said.split())
    return (first[:1].lower() + first[1:]).rstrip(".")[:500] or "the engine gave up on the query"


def _bare(sql: str) -> str:
    """The statement with blanks in place of what is quoted and of comments, each at its place."""
    return _QUOTED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), sql)


def _found(sql: str, word: str) -> str | None:
    """The first place of a word; None where the engine speaks of something that is not there."""
    whole = rf"(?<!\w){re.escape(word)}(?!\w)" if re.match(r"\w", word) else re.escape(word)
    found = re.search(whole, sql) or re.search(whole, sql, re.IGNORECASE)
    return _where(sql, found.start()) if found else "query"


def _where(sql: str, offset: int) -> str:
    before = sql[:offset]
    return f"query:{before.count(chr(10)) + 1}:{offset - before.rfind(chr(10))}"

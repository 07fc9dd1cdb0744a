"""Statements put together once, which go to the driver as they are: a tenth of what passing them through costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

Row = Mapping[str, object]


class Ready:
    """A statement with named values, which are checked by their column types as always; so is what comes back.

    Args:
        statement: an INSERT, UPDATE or SELECT.
        names: of the values that each execution brings: columns of an INSERT, `bindparam`s of the others; for
            `run_plain` in the order in which the statement has them, which is that of the table.
        checked: False where the values are as the driver wants them already.
    """

    def __init__(self, statement: ClauseElement, names: Sequence[str], *, checked: bool = True) -> None:
        self._statement = statement
        self._names = tuple(names)
        self._checked = checked
        self._made: dict[str, _Made] = {}

    def run(self, tx: Connection, rows: Iterable[Row]) -> int:
        """Execute it with each row; how many rows of the table it changed.

        Raises:
            BadInput: a value that its column cannot keep.
        """
        made = self._for(tx)
        return self.run_plain(tx, [made.values(row) for row in rows])

    def run_plain(self, tx: Connection, rows: Sequence[Any]) -> int:
        """As `run`, of rows that the driver takes: in the order of the names."""
        made = self._for(tx)
        if made.positional:
            return int(_driven(tx, made.text, rows).rowcount)
        if not isinstance(rows[0], dict):
            rows = [dict(zip(self._names, row, strict=True)) for row in rows]
        return int(tx.exec_driver_sql(made.text, rows if len(rows) > 1 else rows[0]).rowcount)

    def first(self, connection: Connection, row: Row) -> tuple[Any, ...] | None:
        """The first row that it gives back, None where there is none."""
        # All are read: a statement that is not read to its end stays open.
        found = self.all(connection, row)
        return found[0] if found else None

    def all(self, connection: Connection, row: Row) -> list[tuple[Any, ...]]:
        """Every row that it gives back."""
        made = self._for(connection)
        values = made.values(row)
        if made.positional:
            cursor = _driven(connection, made.text, [values])
            return made.told(cursor.fetchall(), cursor.description)
        with connection.exec_driver_sql(made.text, values) as result:
            return made.told(list(result.cursor.fetchall()), result.cursor.description)

    def _for(self, connection: Connection) -> _Made:
        dialect = connection.dialect
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = _Made(self._statement, self._names, dialect, checked=self._checked)
        return made


class _Made:
    """The statement as one kind of database takes it."""

    def __init__(self, statement: ClauseElement, names: Sequence[str], dialect: Dialect, *, checked: bool) -> None:
        columns = list(names) if isinstance(statement, Insert) else None
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
        self.text = str(compiled)
        self.positional = bool(compiled.positional)
        held = compiled.params
        kinds = {name: bind.type for bind, name in compiled.bind_names.items()}
        places = list(compiled.positiontup) if self.positional else list(kinds)
        if not checked and self.positional and places != list(names):
            raise ValueError(f"the statement has its values in another order: {places}")
        process = {name: _processor(kinds[name], dialect) if checked else None for name in places}
        # Each place brings its value from the row, or one that stands in the statement itself.
        self._places = [
            (name, process[name], None) if name in names else (name, None, _bound(process[name], held[name]))
            for name in places
        ]
        self._names = frozenset(names)
        self._dialect = dialect
        self._columns = compiled._result_columns or ()  # noqa: SLF001 - what a statement returns has no other list
        self._process: list[tuple[int, Callable[[Any], Any]]] | None = None

    def told(self, rows: list[tuple[Any, ...]], description: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Rows of the driver as their column types have them."""
        if self._process is None:
            given = [
                column.type.dialect_impl(self._dialect).result_processor(self._dialect, code)
                for column, (_, code, *_) in zip(self._columns, description, strict=True)
            ]
            self._process = [(at, process) for at, process in enumerate(given) if process is not None]
        if not self._process:
            return rows
        found = [list(row) for row in rows]
        for row in found:
            for at, process in self._process:
                row[at] = process(row[at])
        return [tuple(row) for row in found]

    def values(self, row: Row) -> Any:
        """The values of a row, in order or by name."""
        names = self._names
        found = [
            (kept if name not in names else process(row[name]) if process is not None else row[name])
            for name, process, kept in self._places
        ]
        if self.positional:
            return found
        return dict(zip((name for name, _, _ in self._places), found, strict=True))


def _driven(connection: Connection, text: str, rows: Sequence[Any]) -> Any:
    """The driver's own cursor after it has executed a statement; its errors are told as if it had passed through."""
    driver: Any = connection.connection.dbapi_connection
    try:
        return driver.execute(text, rows[0]) if len(rows) == 1 else driver.executemany(text, rows)
    except Exception as error:  # noqa: BLE001 - SQLAlchemy knows those of its driver, and raises all others as they are
        connection._handle_dbapi_exception(error, text, rows, None, None)  # noqa: SLF001 - there is no other door to it


def _processor(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def _bound(process: Callable[[Any], Any] | None, value: object) -> object:
    return process(value) if process is not None else value

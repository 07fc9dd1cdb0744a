"""What is learnt of a table while it streams by: rows, profile, whether its key is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcanvas.data.arrow import to_arrow
from stackcanvas.errors import BadInput, nearest
from stackcanvas.late import late
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")


@dataclass(frozen=True, slots=True)
class Table:
    """What a version is as a table.

    Args:
        columns: name and type (as Polars writes it) of each column, in order.
    """

    columns: tuple[tuple[str, str], ...]
    rows: int
    profile: Profile


class Examination:
    """Takes a table in parts; only the key's columns are kept, and only where there is a key.

    Args:
        key: the columns that must identify a row.
        where: what is examined, for errors.
    """

    def __init__(self, *, key: Sequence[str] = (), where: str) -> None:
        self._key = tuple(key)
        self._where = where
        self._schema: pl.Schema | None = None
        self._profile: Profile | None = None
        self._keys: list[pl.DataFrame] = []

    def add(self, part: pl.DataFrame) -> None:
        """The next rows; parts without rows tell the columns."""
        if self._schema is None:
            self._schema = part.schema
            self._check_columns()
        profile = Profile.of_arrow(to_arrow(part))
        self._profile = profile if self._profile is None else self._profile.merge(profile)
        if self._key:
            self._keys.append(part.select(self._key))

    def result(self) -> Table:
        """What was learnt.

        Raises:
            BadInput: the key has nulls or repeats.
        """
        assert self._schema is not None
        assert self._profile is not None
        if self._key:
            self._check_key(pl.concat(self._keys))
        return Table(columns_of(self._schema), self._profile.rows, self._profile)

    def _check_columns(self) -> None:
        assert self._schema is not None
        if not len(self._schema):
            raise BadInput("the table has no columns", where=self._where)
        for name in self._key:
            if name not in self._schema:
                near = nearest(name, self._schema)
                raise BadInput(
                    f"the key column {name!r} is not in the table",
                    where=self._where,
                    expected=f"one of {', '.join(self._schema)}",
                    fix=f"Did you mean {near!r}?" if near else None,
                )

    def _check_key(self, keys: pl.DataFrame) -> None:
        empty = keys.filter(pl.any_horizontal(pl.all().is_null()))
        if len(empty):
            raise BadInput(f"the key is null in {len(empty)} rows", where=self._where, expected="a value in every row")
        repeated = keys.filter(keys.is_duplicated())
        if len(repeated):
            shown = ", ".join(f"{name} {value}" for name, value in repeated.row(0, named=True).items())
            raise BadInput(
                f"the key does not identify a row: {len(repeated)} rows share theirs, such as {shown}",
                where=self._where,
                expected="different keys in all rows",
            )


def columns_of(schema: pl.Schema) -> tuple[tuple[str, str], ...]:
    """Name and type of each column, the type as Polars writes it."""
    return tuple((name, str(kind)) for name, kind in schema.items())

"""The pass over the rows that a report is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcanvas.data.analysis.associations import Associations, Gathering
from stackcanvas.data.arrow import to_arrow
from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")
    pl = late("polars")

_PART_ROWS = 1 << 16
_MOST_HASHES = 5_000_000
_TEXTS = 200


@dataclass(frozen=True, slots=True)
class Studied:
    """What was learnt of a table.

    Args:
        columns: name to type, as Polars writes it.
        repeated: how many rows are there a second time or more often; None where the table is too long to tell, or
            holds values that cannot be compared.
        texts: some values of each column of texts, as the first rows hold them.
    """

    columns: dict[str, str]
    profile: Profile
    associations: Associations
    repeated: int | None
    texts: dict[str, tuple[str, ...]]


def study(
    rows: pl.LazyFrame,
    profile: Profile | None,
    *,
    first: tuple[str, ...] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Studied:
    """Go through the rows, part by part, in constant memory.

    Args:
        profile: of these rows, where it is known; else they are gone through twice.
        first: columns that must be set against the others.
        progress: told of rows as they are done.

    Raises:
        BadInput: the table has no columns.
    """
    schema = rows.collect_schema()
    if not len(schema):
        raise BadInput("the table has no columns")
    if profile is None or list(profile.columns) != schema.names():
        profile = profile_of(rows)
    gathering, repeats = Gathering(profile, first=first), _Repeats(enabled=profile.rows <= _MOST_HASHES)
    texts: dict[str, tuple[str, ...]] = {}
    for part in rows.collect_batches(chunk_size=_PART_ROWS, maintain_order=True):
        texts = texts or _texts(part)
        gathering.add(part)
        repeats.add(part)
        progress(part.height)
    columns = {name: str(kind) for name, kind in schema.items()}
    return Studied(columns, profile, gathering.result(), repeats.result(), texts)


def _texts(part: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    names = [name for name, kind in part.schema.items() if kind == pl.String]
    return {name: tuple(part[name].drop_nulls().head(_TEXTS).to_list()) for name in names}


def profile_of(rows: pl.LazyFrame) -> Profile:
    """The profile of rows, made in constant memory."""

    def parts() -> Iterator[object]:
        yield to_arrow(rows.collect_schema().to_frame())
        for part in rows.collect_batches(chunk_size=_PART_ROWS, maintain_order=True):
            yield to_arrow(part)

    return Profile.of_batches(parts())


class _Repeats:
    """Counts rows that are there again, by 64 bits of each."""

    def __init__(self, *, enabled: bool) -> None:
        self._hashes: list[np.ndarray] | None = [] if enabled else None

    def add(self, part: pl.DataFrame) -> None:
        if self._hashes is None:
            return
        try:
            self._hashes.append(part.hash_rows(seed=1).to_numpy())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            self._hashes = None  # a type that has no hash

    def result(self) -> int | None:
        if self._hashes is None:
            return None
        if not self._hashes:
            return 0
        every = np.concatenate(self._hashes)
        return len(every) - len(np.unique(every))

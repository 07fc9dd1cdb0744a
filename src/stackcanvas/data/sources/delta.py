"""Delta Lake tables, which keep their own versions: a version here is a reference to one of theirs, not a copy."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput, Corrupt, MissingExtra, NotFound, Unavailable
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable
else:
    pl = late("polars")

PATH = "delta.json"
"""The one file of such a version: it says which table is meant, and which of its versions."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A version of a Delta Lake table.

    Args:
        url: a path, or the address of a folder in an object store; credentials come from the environment.
        version: the table's own number.
        id: of the table, so that another one in the same place is noticed.
    """

    url: str
    version: int
    id: str

    def to_bytes(self) -> bytes:
        """The canonical bytes."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str) -> Reference:
        """The reference that `to_bytes` wrote.

        Raises:
            Corrupt: the bytes are none.
        """
        try:
            return cls(**json.loads(data))
        except (ValueError, TypeError) as error:
            raise Corrupt(f"the reference to a Delta table is damaged ({error})", where=where) from error


def pin(url: str, version: int | None = None) -> Reference:
    """A reference to a version of a table, by default its newest.

    Raises:
        NotFound: there is no such table or version.
        MissingExtra: the library is not installed.
    """
    table = _opened(url, version)
    return Reference(url, int(table.version()), str(table.metadata().id))


def scan(reference: Reference) -> pl.LazyFrame:
    """The rows of the version that is meant, read when they are needed.

    Raises:
        NotFound: the table is gone, or has forgotten that version.
        BadInput: another table lies there now.
    """
    table = _opened(reference.url, reference.version)
    if str(table.metadata().id) != reference.id:
        raise BadInput("another Delta table lies where the one was that is meant", where=reference.url)
    if "://" not in reference.url and not all(
        Path(file.removeprefix("file://")).exists() for file in table.file_uris()
    ):
        raise _forgotten(reference.url, reference.version)
    return pl.scan_delta(table)


def _forgotten(url: str, version: int) -> NotFound:
    return NotFound("version of the Delta table", f"{url} at version {version}", fix="A vacuum may have removed it")


def _opened(url: str, version: int | None) -> DeltaTable:
    try:
        import deltalake  # noqa: PLC0415 - an extra
        from deltalake.exceptions import DeltaError, TableNotFoundError  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtra("Delta Lake", "delta") from None
    options: dict[str, Any] = {} if version is None else {"version": version}
    try:
        return deltalake.DeltaTable(url, **options)
    except TableNotFoundError:
        # Also said of a table whose log no longer goes back to the version.
        if version is not None and deltalake.DeltaTable.is_deltatable(url):
            raise _forgotten(url, version) from None
        raise NotFound("Delta table", url) from None
    except DeltaError as error:
        if version is not None:
            raise _forgotten(url, version) from None
        raise Unavailable(f"the Delta table cannot be read: {error}", where=url) from None
    except OSError as error:
        raise Unavailable(f"the Delta table cannot be read: {error}", where=url) from None

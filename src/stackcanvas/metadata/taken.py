"""What was taken over from other tools: which entry of theirs is which record here, and how it looked then."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from stackcanvas.backends.database import Database
from stackcanvas.clock import Clock
from stackcanvas.metadata.tables import taken


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of another tool that is here.

    Args:
        source: the address of the other tool.
        kind: what it is there, such as `run`.
        id: what it is called there.
        digest: of what was said of it there.
        here: what it is called here.
    """

    source: str
    kind: str
    id: str
    digest: str
    here: str


class Taken:
    """Remembers entries, in the transactions that write what they became."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        new = database.insert(taken)
        changed = {name: new.excluded[name] for name in ("digest", "here", "time")}
        keys = [taken.c.source, taken.c.kind, taken.c.id]
        self._note = new.on_conflict_do_update(index_elements=keys, set_=changed)

    def known(self, connection: Connection, source: str, kind: str) -> dict[str, Entry]:
        """All entries of a kind from one place, by id."""
        chosen = select(taken).where(taken.c.source == source, taken.c.kind == kind)
        rows = connection.execute(chosen).mappings()
        return {row["id"]: _entry(dict(row)) for row in rows}

    def get(self, connection: Connection, source: str, kind: str, id: str) -> Entry | None:  # noqa: A002 - as above
        """One entry, None when it was not taken over."""
        chosen = select(taken).where(taken.c.source == source, taken.c.kind == kind, taken.c.id == id)
        row = connection.execute(chosen).mappings().one_or_none()
        return None if row is None else _entry(dict(row))

    def as_here(self, connection: Connection, kind: str, here: str) -> list[Entry]:
        """The entries, of any place, that became one record here."""
        chosen = select(taken).where(taken.c.kind == kind, taken.c.here == here).order_by(taken.c.source, taken.c.id)
        return [_entry(dict(row)) for row in connection.execute(chosen).mappings()]

    def note(self, tx: Connection, *entries: Entry) -> None:
        """Remember entries, or that they have changed, inside the caller's transaction."""
        now = self._clock.now()
        rows = [
            {
                "source": one.source,
                "kind": one.kind,
                "id": one.id,
                "digest": one.digest,
                "here": one.here,
                "time": now,
            }
            for one in entries
        ]
        if rows:
            tx.execute(self._note, rows)


def _entry(row: dict[str, object]) -> Entry:
    row.pop("time")
    return Entry(**row)  # type: ignore[arg-type]

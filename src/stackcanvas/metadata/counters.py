"""Numbers without gaps: the row of a counter stays locked until the transaction that took the number ends."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from stackcanvas.backends.database import Database, Ready
from stackcanvas.metadata.tables import counter

# Made once: putting a statement together takes longer than executing it, and nearly every change takes a number.
_RAISED = Ready(
    update(counter)
    .where(counter.c.name == bindparam("which"))
    .values(value=counter.c.value + 1)
    .returning(counter.c.value),
    ("which",),
)


def take(database: Database, tx: Connection, name: str) -> int:
    """The next number of a counter, from 1."""
    raised = _RAISED.first(tx, {"which": name})
    if raised is None:
        # The insert blocks a second first writer, which then finds the row.
        tx.execute(database.insert(counter).values(name=name, value=0).on_conflict_do_nothing())
        raised = _RAISED.first(tx, {"which": name})
        assert raised is not None
    return int(raised[0])


def value(connection: Connection, name: str) -> int:
    """The last number taken, 0 when none was."""
    found = connection.execute(select(counter.c.value).where(counter.c.name == name)).scalar_one_or_none()
    return int(found or 0)

"""Whoever can write the database cannot change the audit log without being found."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from stackcanvas.backends.database import open_database
from stackcanvas.clock import ManualClock
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Ref, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.metadata.tables import audit, counter
from stackcanvas.stack.tables import load

_MODEL = Ref.parse("model:delay@1")
_LENGTH = 5
_numbers = st.integers(1, _LENGTH)
_details = st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.floats() | st.text())
_columns = st.sampled_from([column.name for column in audit.columns if column.name != "sequence"])


@contextmanager
def _audited(details: list[dict[str, Any]]) -> Iterator[Spine]:
    """A workspace whose audit log holds these entries."""
    clock = ManualClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder)}/metadata.db")
        prepare(database, load)
        spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("ada", verified=True))
        for number, detail in enumerate(details):
            clock.advance(seconds_s=1)
            with spine.write() as tx:
                spine.audit.add(tx, "model.approved", _MODEL.at(number), detail)
        yield spine
        database.close()


@settings(max_examples=25, deadline=None)
@given(details=st.lists(_details, min_size=_LENGTH, max_size=_LENGTH), column=_columns, number=_numbers, data=st.data())
def test_any_altered_field_is_found(
    details: list[dict[str, Any]], column: str, number: int, data: st.DataObject
) -> None:
    """Whatever is decided about is sealed as it was given; changed in any field, the entry or the next is named."""
    with _audited(details) as spine:
        assert spine.audit.verify() == []
        with spine.write() as tx:
            row = audit.c.sequence == number
            before = tx.execute(select(audit.c[column]).where(row)).scalar_one()
            tx.execute(update(audit).where(row).values({column: _other(before, data)}))

        assert {problem.sequence for problem in spine.audit.verify()} & {number, number + 1}


@settings(max_examples=15, deadline=None)
@given(first=_numbers, last=_numbers, close_the_gap=st.booleans())
def test_removed_entries_are_found(first: int, last: int, close_the_gap: bool) -> None:
    """Any stretch of the log, also when those behind it are numbered anew or the counter is set back."""
    first, last = sorted((first, last))
    with _audited([{"number": number} for number in range(_LENGTH)]) as spine:
        head = spine.audit.head()
        with spine.write() as tx:
            tx.execute(delete(audit).where(audit.c.sequence.between(first, last)))
            if close_the_gap:
                gap = last - first + 1
                for number in range(last + 1, _LENGTH + 1):
                    tx.execute(update(audit).where(audit.c.sequence == number).values(sequence=number - gap))
                tx.execute(update(counter).where(counter.c.name == "audit").values(value=_LENGTH - gap))

        # An end that is cut off together with its counter is missed by nobody but the published head.
        assert spine.audit.verify(heads=[head])
        assert spine.audit.verify() or (close_the_gap and last == _LENGTH)


@settings(max_examples=10, deadline=None)
@given(number=_numbers, counted=st.booleans())
def test_an_inserted_entry_is_found(number: int, counted: bool) -> None:
    """A forged entry in the middle or at the end, with the ones behind it moved and the counter raised."""
    with _audited([{"number": number} for number in range(_LENGTH)]) as spine:
        with spine.write() as tx:
            row = dict(tx.execute(select(audit).where(audit.c.sequence == number)).mappings().one())
            for sequence in range(_LENGTH, number, -1):
                tx.execute(update(audit).where(audit.c.sequence == sequence).values(sequence=sequence + 1))
            tx.execute(
                insert(audit).values({**row, "sequence": number + 1, "actor": "mallory", "previous": row["hash"]})
            )
            if counted:
                tx.execute(update(counter).where(counter.c.name == "audit").values(value=_LENGTH + 1))

        assert number + 1 in {problem.sequence for problem in spine.audit.verify()}


@settings(max_examples=10, deadline=None)
@given(one=_numbers, other=_numbers)
def test_swapped_entries_are_found(one: int, other: int) -> None:
    """Two entries that change places, numbers and all."""
    with _audited([{"number": number} for number in range(_LENGTH)]) as spine:
        with spine.write() as tx:
            for now, then in ((one, 0), (other, one), (0, other)):
                tx.execute(update(audit).where(audit.c.sequence == now).values(sequence=then))

        assert bool(spine.audit.verify()) == (one != other)


def _other(value: Any, data: st.DataObject) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, datetime):
        return data.draw(st.integers(1, 10**9).map(lambda seconds_s: value + timedelta(seconds=seconds_s)))
    return data.draw(st.text("abc{}0", max_size=5).filter(lambda new: new != value))

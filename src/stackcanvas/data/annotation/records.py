"""Queues, items, claims and labels as the database keeps them.

Every change is one short write, and writes follow one another on every database: what is counted in it stays true until
it commits. So no item is ever in the hands of more people than are wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, exists, func, select, update

from stackcanvas.data.annotation.kinds import Queue, checked
from stackcanvas.data.annotation.tables import annotation_claim as claim
from stackcanvas.data.annotation.tables import annotation_item as item
from stackcanvas.data.annotation.tables import annotation_label as label
from stackcanvas.data.annotation.tables import annotation_queue as queue
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.metadata import Spine

OPEN, DONE, CLOSED = "open", "done", "closed"
_TAKEN, _SKIPPED = "taken", "skipped"
_BATCH = 5000
_LONGEST_NAME = 200
_LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Label:
    """What one person said of an item.

    Args:
        took_s: how long it took, where that is known.
    """

    item: int
    labeller: str
    value: Any
    note: str
    took_s: float | None
    made: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to label.

    Args:
        key: by what it is known again.
        data: what is shown.
        priority: the lowest comes first.
        given: how many labels it has.
        state: `open`, or `done` when it has as many as are wanted.
        final: what was decided in the end, by `final_by`; None while the labels themselves decide.
    """

    queue: str
    number: int
    key: str
    data: dict[str, Any]
    priority: float
    given: int
    state: str
    final: Any
    final_by: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """An item in a person's hands.

    Args:
        expires: from then on others may have it.
        mine: what this person said of it before, None when nothing.
    """

    item: Item
    labeller: str
    expires: datetime
    mine: Label | None = None


class Records:
    """Reads and writes the tables."""

    def __init__(self, spine: Spine) -> None:
        self._spine = spine

    def add_queue(self, tx: Connection, new: Queue) -> None:
        """Write a queue.

        Raises:
            Conflict: there is one of that name.
        """
        if tx.execute(select(queue.c.name).where(queue.c.name == new.name)).first():
            raise Conflict(f"there is a queue {new.name!r} already", fix="Choose another name, or add items to it")
        told = {name: getattr(new, name) for name in Queue.__slots__}
        facts = {"choices": list(new.choices), "sources": list(new.sources), "price": str(new.price)}
        tx.execute(queue.insert().values({**told, **facts}))

    def queue(self, name: str, connection: Connection | None = None) -> Queue:
        """A queue.

        Raises:
            NotFound: there is none of that name.
        """
        if connection is None:
            with self._spine.read() as reading:
                return self.queue(name, reading)
        row = connection.execute(select(queue).where(queue.c.name == name)).mappings().one_or_none()
        if row is None:
            known = list(connection.execute(select(queue.c.name)).scalars())
            raise NotFound("annotation queue", name, known=known, fix=None if known else "Make one first")
        return _queue(row)

    def queues(self) -> list[Queue]:
        """Every queue, by name."""
        with self._spine.read() as connection:
            return [_queue(row) for row in connection.execute(select(queue).order_by(queue.c.name)).mappings()]

    def set_state(self, tx: Connection, name: str, state: str) -> None:
        """Open or close a queue."""
        tx.execute(update(queue).where(queue.c.name == name).values(state=state))

    def add_items(
        self, tx: Connection, name: str, new: Iterable[tuple[str, dict[str, Any], float]], source: str
    ) -> int:
        """Add those items whose keys the queue does not have; returns how many."""
        known = set(tx.execute(select(item.c.key).where(item.c.queue == name)).scalars())
        number = int(tx.execute(select(func.max(item.c.number)).where(item.c.queue == name)).scalar_one() or 0)
        rows: list[Mapping[str, object]] = []
        added = 0
        for key, data, priority in new:
            if key in known:
                continue
            known.add(key)
            number, added = number + 1, added + 1
            facts = {"queue": name, "number": number, "key": key, "data": data, "priority": priority}
            rows.append({**facts, "given": 0, "state": OPEN})
            if len(rows) >= _BATCH:
                self._spine.database.bulk(tx, item, rows)
                rows = []
        self._spine.database.bulk(tx, item, rows)
        had = self.queue(name, tx).sources
        if source and source not in had:
            tx.execute(update(queue).where(queue.c.name == name).values(sources=[*had, source]))
        return added

    def take(self, tx: Connection, asked: Queue, labeller: str) -> Claim | None:
        """Give a person an item: the one in their hands already, else the first that wants another label, else None."""
        now = self._spine.clock.now()
        mine = and_(claim.c.queue == asked.name, claim.c.labeller == labeller)
        held = tx.execute(
            select(claim.c.item).where(mine, claim.c.state == _TAKEN, claim.c.expires > now).order_by(claim.c.claimed)
        ).scalars()
        number = next(iter(held), None)
        if number is None:
            number = tx.execute(
                select(item.c.number)
                .where(
                    item.c.queue == asked.name,
                    item.c.state == OPEN,
                    ~_said(label, labeller),
                    ~_said(claim, labeller, claim.c.state == _SKIPPED),
                    item.c.given + _in_hands(labeller, now) < asked.wanted,
                )
                .order_by(item.c.priority, item.c.number)
                .limit(1)
            ).scalar_one_or_none()
        if number is None:
            return None
        expires = now + timedelta(seconds=asked.claim_s)
        self._hold(tx, asked.name, number, labeller, state=_TAKEN, expires=expires)
        return Claim(self.item(asked.name, number, tx), labeller, expires)

    def release(self, tx: Connection, name: str, number: int, labeller: str) -> None:
        """Give an item back; one that is not in the person's hands is fine.

        Raises:
            NotFound: there is no such item.
        """
        self.item(name, number, tx)
        tx.execute(delete(claim).where(_of(claim, name, number, labeller), claim.c.state == _TAKEN))

    def skip(self, tx: Connection, name: str, number: int, labeller: str, note: str) -> None:
        """A person will not say anything of an item."""
        self.item(name, number, tx)
        self._hold(tx, name, number, labeller, state=_SKIPPED, expires=self._spine.clock.now(), note=_note(note))

    def say(self, tx: Connection, asked: Queue, new: Label) -> Item:
        """Write a label; one by the same person is replaced.

        Raises:
            NotFound: there is no such item.
            BadInput: the label is not what the queue asks for.
            Conflict: the queue is closed, the item is decided, or others have labelled it in the meantime.
        """
        found = self.item(asked.name, new.item, tx)
        if asked.state == CLOSED:
            raise Conflict(f"the queue {asked.name!r} is closed", fix=f"Run: stackcanvas annotation open {asked.name}")
        if found.final_by is not None:
            raise Conflict(f"item {new.item} was decided by {found.final_by}", fix="Go on with the next one")
        value = checked(asked, new.value, found.data)
        where = _of(label, asked.name, new.item, new.labeller)
        took_s = self._took_s(tx, asked.name, new)
        facts = {"value": value, "note": _note(new.note), "took_s": took_s, "made": new.made}
        if tx.execute(update(label).where(where).values(facts)).rowcount:
            return found
        others = tx.execute(
            select(_in_hands(new.labeller, self._spine.clock.now()))
            .select_from(item)
            .where(_numbered(asked.name, new.item))
        ).scalar_one()
        if found.given + others >= asked.wanted:
            raise Conflict(f"enough others have item {new.item} by now", fix="Go on with the next one")
        tx.execute(label.insert().values(queue=asked.name, item=new.item, labeller=new.labeller, **facts))
        tx.execute(delete(claim).where(_of(claim, asked.name, new.item, new.labeller)))
        return self._counted(tx, asked, new.item)

    def _took_s(self, tx: Connection, name: str, new: Label) -> float | None:
        """What it took, by default since the item was taken."""
        if new.took_s is not None:
            return new.took_s
        held = select(claim.c.claimed).where(_of(claim, name, new.item, new.labeller), claim.c.state == _TAKEN)
        since = tx.execute(held).scalar_one_or_none()
        return None if since is None else (new.made - since).total_seconds()

    def bring(self, tx: Connection, asked: Queue, new: Label) -> None:
        """Write a label that was given elsewhere, however many are wanted."""
        found = self.item(asked.name, new.item, tx)
        facts = {"value": checked(asked, new.value, found.data), "note": _note(new.note), "took_s": new.took_s}
        row = self._spine.database.insert(label).values(
            queue=asked.name, item=new.item, labeller=new.labeller, made=new.made, **facts
        )
        keys = [label.c.queue, label.c.item, label.c.labeller]
        same = {name: getattr(row.excluded, name) for name in ("value", "note", "took_s", "made")}
        tx.execute(row.on_conflict_do_update(index_elements=keys, set_=same))
        self._counted(tx, asked, new.item)

    def decide(self, tx: Connection, asked: Queue, number: int, value: Any, by: str) -> Item:
        """Settle an item, whatever its labels say."""
        found = self.item(asked.name, number, tx)
        final = {"final": checked(asked, value, found.data), "final_by": by, "final_at": self._spine.clock.now()}
        tx.execute(update(item).where(_numbered(asked.name, number)).values(state=DONE, **final))
        tx.execute(delete(claim).where(claim.c.queue == asked.name, claim.c.item == number, claim.c.state == _TAKEN))
        return self.item(asked.name, number, tx)

    def item(self, name: str, number: int, connection: Connection) -> Item:
        """One item.

        Raises:
            NotFound: there is none of that number.
        """
        row = connection.execute(select(item).where(_numbered(name, number))).mappings().one_or_none()
        if row is None:
            self.queue(name, connection)
            raise NotFound("item", f"{name} {number}")
        return _item(row)

    def items(self, connection: Connection, name: str, *, after: int = 0, limit: int = 100) -> list[Item]:
        """Items by number."""
        chosen = select(item).where(item.c.queue == name, item.c.number > after).order_by(item.c.number).limit(limit)
        return [_item(row) for row in connection.execute(chosen).mappings()]

    def numbers(self, connection: Connection, name: str, keys: Sequence[str]) -> dict[str, int]:
        """The numbers of items by key."""
        found: dict[str, int] = {}
        for start in range(0, len(keys), 500):
            chosen = select(item.c.key, item.c.number).where(
                item.c.queue == name, item.c.key.in_(keys[start : start + 500])
            )
            found |= {key: int(number) for key, number in connection.execute(chosen)}
        return found

    def labels(self, connection: Connection, name: str, numbers: Sequence[int] | None = None) -> dict[int, list[Label]]:
        """The labels of items, or of all, each item's in the order in which they came."""
        found: dict[int, list[Label]] = {}
        chosen = select(label).where(label.c.queue == name).order_by(label.c.item, label.c.made, label.c.labeller)
        if numbers is not None:
            chosen = chosen.where(label.c.item.in_(numbers))
        for row in connection.execute(chosen).mappings():
            found.setdefault(row["item"], []).append(Label(**{k: v for k, v in row.items() if k != "queue"}))
        return found

    def skips(self, connection: Connection, name: str) -> dict[str, int]:
        """How many items each person skipped."""
        chosen = select(claim.c.labeller, func.count()).where(claim.c.queue == name, claim.c.state == _SKIPPED)
        return {who: int(count) for who, count in connection.execute(chosen.group_by(claim.c.labeller))}

    def counts(self, connection: Connection, name: str) -> dict[str, int]:
        """Items by state, labels, and items in somebody's hands."""
        states = select(item.c.state, func.count()).where(item.c.queue == name).group_by(item.c.state)
        found = {state: int(count) for state, count in connection.execute(states)}
        labels = connection.execute(select(func.count()).where(label.c.queue == name)).scalar_one()
        taken = and_(claim.c.queue == name, claim.c.state == _TAKEN, claim.c.expires > self._spine.clock.now())
        hands = connection.execute(select(func.count()).where(taken)).scalar_one()
        return {"open": found.get(OPEN, 0), "done": found.get(DONE, 0), "labels": int(labels), "taken": int(hands)}

    def _hold(
        self, tx: Connection, name: str, number: int, labeller: str, *, state: str, expires: datetime, note: str = ""
    ) -> None:
        row = self._spine.database.insert(claim).values(
            queue=name,
            item=number,
            labeller=labeller,
            state=state,
            note=note,
            claimed=self._spine.clock.now(),
            expires=expires,
        )
        keys = [claim.c.queue, claim.c.item, claim.c.labeller]
        again = {field: getattr(row.excluded, field) for field in ("state", "note", "claimed", "expires")}
        tx.execute(row.on_conflict_do_update(index_elements=keys, set_=again))

    def _counted(self, tx: Connection, asked: Queue, number: int) -> Item:
        """The item with its labels counted anew."""
        counted = select(func.count()).where(label.c.queue == asked.name, label.c.item == number)
        given = int(tx.execute(counted).scalar_one())
        state = {"given": given, **({"state": DONE} if given >= asked.wanted else {})}
        tx.execute(update(item).where(_numbered(asked.name, number)).values(state))
        return self.item(asked.name, number, tx)


def check_labeller(name: str) -> str:
    """The name of a person, without blanks around it.

    Raises:
        BadInput: it is empty, too long or cannot be printed.
    """
    found = name.strip()
    if not found or len(found) > _LONGEST_NAME or not found.isprintable():
        raise BadInput(f"{name[:60]!r} cannot be the name of a person", expected="1 to 200 printable letters")
    return found


def _note(note: str) -> str:
    return note.replace("\0", "")[:_LONGEST_NOTE]


def _said(table: Any, labeller: str, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        table.c.queue == item.c.queue, table.c.item == item.c.number, table.c.labeller == labeller, *more
    )


def _in_hands(labeller: str, now: datetime) -> Any:
    """How many others have the item in their hands."""
    return (
        select(func.count())
        .select_from(claim)
        .where(
            claim.c.queue == item.c.queue,
            claim.c.item == item.c.number,
            claim.c.labeller != labeller,
            claim.c.state == _TAKEN,
            claim.c.expires > now,
        )
        .correlate(item)
        .scalar_subquery()
    )


def _numbered(name: str, number: int) -> ColumnElement[bool]:
    return and_(item.c.queue == name, item.c.number == number)


def _of(table: Any, name: str, number: int, labeller: str) -> ColumnElement[bool]:
    return and_(table.c.queue == name, table.c.item == number, table.c.labeller == labeller)


def _queue(row: RowMapping) -> Queue:
    facts = {"choices": tuple(row["choices"]), "sources": tuple(row["sources"]), "price": Decimal(row["price"])}
    return Queue(**{**row, **facts})


def _item(row: RowMapping) -> Item:
    return Item(**{name: row[name] for name in Item.__slots__})

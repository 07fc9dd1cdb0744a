"""What was earned, day by day, as counted once: reading it costs the same for a thousand predictions or a billion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, delete, select

from stackcanvas.metadata import Spine
from stackcanvas.value.earned import Earned
from stackcanvas.value.tables import value_day, value_stale


class Ledger:
    """The days of all endpoints.

    Args:
        spine: where they are kept.
    """

    def __init__(self, spine: Spine) -> None:
        self._spine = spine

    def touch(self, tx: Connection, endpoint: str, days: Collection[date]) -> None:
        """Mark, inside the caller's transaction, days that have to be counted anew."""
        if not days:
            return
        mark = self._spine.ids.new()
        rows = [{"endpoint": endpoint, "day": day.isoformat(), "mark": mark} for day in sorted(days)]
        fresh = self._spine.database.insert(value_stale)
        tx.execute(fresh.on_conflict_do_update(index_elements=["endpoint", "day"], set_={"mark": mark}), rows)

    def stale(self) -> dict[str, dict[date, str]]:
        """The marks of the days that have to be counted anew, by endpoint."""
        found: dict[str, dict[date, str]] = {}
        with self._spine.read() as connection:
            for row in connection.execute(select(value_stale).order_by(value_stale.c.endpoint, value_stale.c.day)):
                found.setdefault(row.endpoint, {})[date.fromisoformat(row.day)] = row.mark
        return found

    def counted_otherwise(self, endpoint: str, payoff: str) -> list[date]:
        """The days that were counted under another payoff than the one of this digest."""
        day = value_day.c
        chosen = select(day.day).where(day.endpoint == endpoint, day.payoff != payoff).distinct().order_by(day.day)
        with self._spine.read() as connection:
            return [date.fromisoformat(found) for found in connection.execute(chosen).scalars()]

    def write(self, endpoint: str, marks: dict[date, str], earned: Iterable[Earned], *, payoff: str) -> None:
        """Put days in the place of what was counted before; those that were marked again meanwhile stay as they are.

        Args:
            marks: of the counted days, as seen before the counting.
            earned: on those days.
            payoff: digest of the payoff under which they were counted.
        """
        with self._spine.write() as tx:
            kept = {day for day, mark in marks.items() if self._settle(tx, endpoint, day, mark)}
            rows = [
                {
                    "endpoint": endpoint,
                    "day": one.day.isoformat(),
                    "model": one.model,
                    "decisions": one.decisions,
                    "worth": str(one.worth),
                    "payoff": payoff,
                }
                for one in earned
                if one.day in kept
            ]
            if rows:
                tx.execute(value_day.insert(), rows)

    def days(self, endpoint: str, *, start: date | None = None, end: date | None = None) -> Sequence[Earned]:
        """What each version earned on each day, oldest first.

        Args:
            start: the first day, in UTC.
            end: the first day that is too late.
        """
        day = value_day.c
        wanted: list[ColumnElement[bool]] = [day.endpoint == endpoint]
        wanted += [] if start is None else [day.day >= start.isoformat()]
        wanted += [] if end is None else [day.day < end.isoformat()]
        with self._spine.read() as connection:
            rows = connection.execute(select(value_day).where(*wanted).order_by(day.day, day.model)).all()
        return [Earned(row.model, date.fromisoformat(row.day), row.decisions, Decimal(row.worth)) for row in rows]

    @staticmethod
    def _settle(tx: Connection, endpoint: str, day: date, mark: str) -> bool:
        stale, counted, text = value_stale.c, value_day.c, day.isoformat()
        gone = tx.execute(delete(value_stale).where(stale.endpoint == endpoint, stale.day == text, stale.mark == mark))
        if not gone.rowcount:
            return False
        tx.execute(delete(value_day).where(counted.endpoint == endpoint, counted.day == text))
        return True

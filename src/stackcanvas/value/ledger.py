"""What was earned, day by day, as counted once: reading it costs the same for a thousand predictions or a billion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

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
        """The days that were counted under another payoff than the one of this digest, and may be counted anew."""
        day = value_day.c
        tried = day.not_under.is_not(None) & (day.not_under == payoff)
        chosen = select(day.day).where(day.endpoint == endpoint, day.payoff != payoff, ~tried)
        chosen = chosen.distinct().order_by(day.day)
        with self._spine.read() as connection:
            return [date.fromisoformat(found) for found in connection.execute(chosen).scalars()]

    def write(self, endpoint: str, marks: dict[date, str], earned: Iterable[Earned], *, payoff: str) -> None:
        """Put days in the place of what was counted before; those that were marked again meanwhile stay as they are.

        A day of which fewer predictions are found than were counted before stays as it was counted: the log gives up
        its oldest days, and what they earned is not to go with them.

        Args:
            marks: of the counted days, as seen before the counting.
            earned: on those days.
            payoff: digest of the payoff under which they were counted.
        """
        earned = list(earned)
        found: Counter[date] = Counter()
        for one in earned:
            found[one.day] += one.decisions
        with self._spine.write() as tx:
            kept = set()
            for day, mark in marks.items():
                if not self._settle(tx, endpoint, day, mark):
                    continue
                this = (value_day.c.endpoint == endpoint) & (value_day.c.day == day.isoformat())
                counted = tx.execute(select(func.sum(value_day.c.decisions)).where(this)).scalar() or 0
                if found[day] < counted:
                    tx.execute(update(value_day).where(this).values(not_under=payoff))
                else:
                    tx.execute(delete(value_day).where(this))
                    kept.add(day)
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

    def days(
        self, endpoint: str, *, payoff: str, start: date | None = None, end: date | None = None
    ) -> Sequence[Earned]:
        """What each version earned on each day, oldest first.

        Args:
            payoff: digest of the one that holds.
            start: the first day, in UTC.
            end: the first day that is too late.
        """
        day = value_day.c
        wanted: list[ColumnElement[bool]] = [day.endpoint == endpoint]
        wanted += [] if start is None else [day.day >= start.isoformat()]
        wanted += [] if end is None else [day.day < end.isoformat()]
        with self._spine.read() as connection:
            rows = connection.execute(select(value_day).where(*wanted).order_by(day.day, day.model)).all()
        return [
            Earned(
                row.model,
                date.fromisoformat(row.day),
                row.decisions,
                Decimal(row.worth),
                earlier_payoff=row.payoff != payoff and row.not_under == payoff,
            )
            for row in rows
        ]

    @staticmethod
    def _settle(tx: Connection, endpoint: str, day: date, mark: str) -> bool:
        stale, text = value_stale.c, day.isoformat()
        gone = tx.execute(delete(value_stale).where(stale.endpoint == endpoint, stale.day == text, stale.mark == mark))
        return bool(gone.rowcount)

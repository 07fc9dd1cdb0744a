"""What a stack keeps for how long, as one object: told, enforced, cleared up, erased."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from stackcanvas.data.persons import Person
from stackcanvas.stack.keeping import retention
from stackcanvas.stack.keeping.clearing import Reclaimed, reclaim
from stackcanvas.stack.keeping.erasure import KIND as ERASE
from stackcanvas.stack.keeping.erasure import Eraser, Erasure
from stackcanvas.stack.keeping.retention import LOG, Going, Rule

if TYPE_CHECKING:
    from stackcanvas.metadata import Execution
    from stackcanvas.stack.stack import Stack

RETAIN, HERE = "metadata.retain", "metadata.retain-log"
_PATIENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Retained:
    """What an application of the retention rules did.

    Args:
        going: what went, by kind.
        cleared: the bytes that came back; None where nothing was cleared up.
    """

    going: tuple[Going, ...]
    cleared: Reclaimed | None


class Keeping:
    """Retention, clearing up and erasure.

    Args:
        stack: what is looked after.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._days: dict[str, date] = {}

    def rules(self) -> list[Rule]:
        """How long everything is kept, by the canvas."""
        return retention.rules(self._stack)

    def plan(self, now: datetime | None = None) -> list[Going]:
        """What is older than it is to be kept, and whether something needs it; nothing is changed."""
        return retention.plan(self._stack, now or self._stack.spine.clock.now())

    def retain(self, now: datetime | None = None, *, patience: timedelta = _PATIENCE) -> Retained:
        """Remove what is older than the canvas lets it be kept, and give its space back.

        Killed at any moment, what is left goes the next time. What something needs stays: runs that a model version,
        kept data or a deployment comes from; data behind a registered model, with a tag, in `data.lock`, or the newest.
        Executions and their links stay, so that lineage is whole.

        Args:
            now: the instant that ages are told from; the clock's by default.
            patience: how long to wait for work that may need what is cleared up.
        """
        instant = now or self._stack.spine.clock.now()
        here = self._enforce(HERE, instant)
        everywhere = self._enforce(RETAIN, instant)
        return Retained((*everywhere, *here), self.gc(patience=patience))

    def gc(self, *, dry: bool = False, patience: timedelta = _PATIENCE) -> Reclaimed:
        """Give back the space of what no record names any more: packs of data, files of runs and models, results.

        Safe beside commits, runs, registrations and reads.

        Args:
            dry: only tell what would be done.
            patience: how long to wait for work that is writing; what it may need is left when that is over.

        Raises:
            Conflict: somebody is clearing up already.
        """
        return reclaim(self._stack, dry=dry, patience=patience)

    def erase(
        self,
        data: Sequence[str] | str,
        *,
        key: str,
        values: Collection[object],
        blank: Sequence[str] = (),
        plan: bool = False,
        patience: timedelta = _PATIENCE,
    ) -> Erasure:
        """Erase the rows of one person from everything that holds them: found by lineage, back and forth.

        All versions of the data sets and of what is linked with them, what was pushed to feature views, the online
        store, the prediction log of this machine, labels, items of annotation, results of steps. A version keeps its
        number and gets another digest; models that learned from it are told and tagged. Killed at any moment, the same
        call goes on.

        Args:
            data: names of data sets to begin with.
            key: the column that tells whose a row is.
            values: of that column.
            blank: empty these columns instead of removing the rows.
            plan: change nothing; only tell.
            patience: how long to wait for work that is writing data.

        Raises:
            NotFound: there is no such data set.
            Conflict: a pipeline is running.
        """
        names = [data] if isinstance(data, str) else list(data)
        person = Person(key, frozenset(str(value) for value in values), tuple(blank))
        eraser = Eraser(self._stack, names, person)
        return eraser.plan() if plan else eraser.erase(patience=patience)

    def erasures(self, *, limit: int = 20) -> list[Execution]:
        """When a person was erased, newest first: counts only."""
        return self._stack.spine.executions.search(kind=ERASE, limit=limit)

    def tick(self, now: datetime) -> Retained | None:
        """Enforce what the canvas says, once a day; for all workers together."""
        if not retention.is_asked(self._stack) or not self._is_new_day(RETAIN, now):
            return None
        last = self._stack.spine.executions.search(kind=RETAIN, state="done", limit=1)
        found = None
        if not last or last[0].started.date() < now.astimezone(UTC).date():
            found = Retained(tuple(self._enforce(RETAIN, now)), self.gc())
        self._days[RETAIN] = now.astimezone(UTC).date()
        return found

    def tick_here(self, now: datetime) -> list[Going] | None:
        """Enforce what the canvas says of the prediction log of this machine, once a day."""
        if not self._is_new_day(HERE, now):
            return None
        found = self._enforce(HERE, now)
        self._days[HERE] = now.astimezone(UTC).date()
        return found

    def applied(self, *, limit: int = 20) -> list[Execution]:
        """When the rules were applied, newest first."""
        search = self._stack.spine.executions.search
        found = [*search(kind=RETAIN, limit=limit), *search(kind=HERE, limit=limit)]
        return sorted(found, key=lambda one: one.started, reverse=True)[:limit]

    def _is_new_day(self, kind: str, now: datetime) -> bool:
        return self._days.get(kind) != now.astimezone(UTC).date()

    def _enforce(self, kind: str, now: datetime) -> list[Going]:
        spine = self._stack.spine
        of_log = kind == HERE
        asked = {
            one.what: one.keep.total_seconds()
            for one in self.rules()
            if one.keep is not None and (one.question == LOG) is of_log
        }
        if not asked:
            return []
        with spine.record(kind, parameters={"keep_s": asked}) as recording:
            enforce = retention.enforce if kind == RETAIN else retention.enforce_here
            found = enforce(self._stack, now)
            with spine.write() as tx:
                spine.audit.add(tx, "metadata.retained", recording.ref, retention.record_of(found))
                recording.finish(tx)
        return found

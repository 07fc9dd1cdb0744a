"""What starts a pipeline: a schedule, or an event that happens to something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import msgspec
from blake3 import blake3
from cronsim import CronSim, CronSimError

from stackcanvas.canvas.events import EventPattern
from stackcanvas.errors import BadInput
from stackcanvas.metadata import Event

# Slots are walked one by one over this time; before it, one step back finds the last.
_WALKED = timedelta(days=2)
_MOST_BETWEEN = 1000


@dataclass(frozen=True, slots=True)
class Trigger:
    """A reason for which a pipeline runs, as it stands in the canvas.

    Args:
        pipeline: the name of the pipeline.
        cron: five fields: minute, hour, day of month, month, day of week. A slot that the change of the clocks skips
            or repeats runs once.
        on: an event, or an event and its subject: `drift.found deployment:delay`, `data.committed data:flights`. A
            subject without `@` means every version of it; `*` and `?` stand for any characters.
        timezone: of the schedule.
        parameters: of the run, where they differ from the defaults.
        concurrency: how many runs of the pipeline may run at the same time; others wait. None for any number.

    Raises:
        BadInput: not exactly one of `cron` and `on`, or one of them cannot be read.

    Example:
        >>> Trigger("train", on="data.committed data:flights").described
        'data.committed data:flights'
    """

    pipeline: str
    cron: str | None = None
    on: str | None = None
    timezone: str = "UTC"
    parameters: Mapping[str, object] = field(default_factory=dict)
    concurrency: int | None = 1

    def __post_init__(self) -> None:
        if (self.cron is None) == (self.on is None):
            raise BadInput(f"the trigger of {self.pipeline} has not exactly one reason", expected="cron, or on")
        if self.concurrency is not None and self.concurrency < 1:
            raise BadInput(f"the trigger of {self.pipeline} lets nothing run", expected="concurrency from 1")
        if self.on is not None:
            EventPattern.parse(self.on)
            return
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise BadInput(f"{self.timezone!r} is not a time zone", expected="such as Europe/Berlin") from None
        try:
            CronSim(str(self.cron), datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise BadInput(
                f"the schedule {self.cron!r} cannot be read ({error})",
                expected="minute, hour, day of month, month, day of week, such as 0 3 * * 1",
            ) from None

    @property
    def id(self) -> str:
        """Names the trigger: one that says the same is the same."""
        said = [
            self.pipeline,
            self.cron,
            self.on,
            self.timezone if self.cron else None,
            sorted(self.parameters.items()),
        ]
        return blake3(msgspec.json.encode(said)).hexdigest(length=16)

    @property
    def described(self) -> str:
        """The reason in one line."""
        if self.on is not None:
            return self.on
        return f"cron {self.cron}" if self.timezone == "UTC" else f"cron {self.cron} {self.timezone}"

    def matches(self, event: Event) -> bool:
        """Whether an event is what the trigger waits for."""
        if self.on is None:
            return False
        pattern = _pattern(self.on)
        if pattern.name != event.name:
            return False
        if pattern.subject is None:
            return True
        subject = str(event.subject)
        whole = subject.rpartition("@")[0] if event.subject.selector is not None else subject
        return fnmatchcase(subject, pattern.subject) or fnmatchcase(whole, pattern.subject)

    def slot(self, after: datetime, until: datetime) -> datetime | None:
        """The last slot of the schedule later than `after` and not later than `until`, in UTC; None when there is none.

        Slots that were missed meanwhile are one.
        """
        if self.cron is None or until <= after:
            return None
        zone = ZoneInfo(self.timezone)
        near = max(after, until - _WALKED)
        found: datetime | None = None
        try:
            for slot in CronSim(self.cron, near.astimezone(zone)):
                if slot > until:
                    break
                found = slot
            if found is None and near > after:
                back = next(CronSim(self.cron, near.astimezone(zone) + timedelta(seconds=1), reverse=True))
                found = back if after < back <= until else None
        except (StopIteration, CronSimError):  # a date that never comes, such as 30 February
            return None
        return None if found is None else found.astimezone(UTC)

    def between(self, after: datetime, slot: datetime) -> list[datetime]:
        """The slots between an instant and a slot, both left out, in UTC; a thousand at most."""
        if self.cron is None:
            return []
        walk = islice(CronSim(self.cron, after.astimezone(ZoneInfo(self.timezone))), _MOST_BETWEEN)
        return [one.astimezone(UTC) for one in takewhile(lambda one: one < slot, walk)]


@lru_cache(maxsize=256)
def _pattern(text: str) -> EventPattern:
    return EventPattern.parse(text)

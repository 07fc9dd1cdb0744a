"""Events as the canvas names them: `block.happened`, with the subject that it happened to."""

from __future__ import annotations

from dataclasses import dataclass

from stackcanvas.errors import BadInput, nearest

EVENTS = (
    "data.committed",
    "code.changed",
    "drift.found",
    "decay.found",
    "run.finished",
    "model.registered",
    "deployment.changed",
    "alert.fired",
)
SUBJECTS = (
    "data",
    "view",
    "model",
    "run",
    "deployment",
    "prediction",
    "pipeline",
    "execution",
    "report",
    "split",
    "annotation",
)
_EXTERNAL = "external."
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class EventPattern:
    """An event and, where it is narrowed, its subject.

    Args:
        name: one of `EVENTS`, or `external.NAME`.
        subject: `kind:name`, or None for any subject.

    Example:
        >>> pattern = EventPattern.parse("drift.found deployment:delay")
        >>> pattern.matches("drift.found", subject="deployment:delay")
        True
        >>> EventPattern.parse("data.committed data:flights").matches("data.committed", subject="data:flights@3")
        True
    """

    name: str
    subject: str | None = None

    @classmethod
    def parse(cls, text: str) -> EventPattern:
        """Read `event` or `event kind:name`.

        Raises:
            BadInput: the event or the kind of its subject is unknown.
        """
        expected = "an event such as data.committed, or one with its subject: data.committed data:flights"
        if len(text) > _LONGEST or not text.isprintable():
            raise BadInput("the event is too long or holds unprintable characters", expected=expected)
        name, _, subject = text.partition(" ")
        external = name.removeprefix(_EXTERNAL)
        if name not in EVENTS and (external == name or not external):
            near = nearest(name, (*EVENTS, f"{_EXTERNAL}NAME"))
            raise BadInput(
                f"{name!r} is not an event",
                expected=f"one of {', '.join(EVENTS)} or {_EXTERNAL}NAME",
                fix=f"Perhaps you meant {near}" if near else None,
            )
        if not subject:
            return cls(name)
        kind, colon, rest = subject.partition(":")
        if kind not in SUBJECTS or not colon or not rest.strip() or rest != rest.strip():
            near = nearest(kind, SUBJECTS)
            raise BadInput(
                f"{subject!r} is not a subject",
                expected=f"kind:name, where the kind is one of {', '.join(SUBJECTS)}",
                fix=f"Perhaps you meant {near}:{rest or 'NAME'}" if near else None,
            )
        return cls(name, subject)

    def matches(self, name: str, *, subject: str | None) -> bool:
        """Whether an event that happened is one of these; a version of the subject counts as the subject."""
        if name != self.name:
            return False
        if self.subject is None or self.subject == subject:
            return True
        return subject is not None and "@" not in self.subject and subject.rpartition("@")[0] == self.subject

    def covers(self, other: EventPattern) -> bool:
        """Whether every event that the other matches is matched by this one."""
        return self.name == other.name and (self.subject is None or self.subject == other.subject)

    def __str__(self) -> str:
        return self.name if self.subject is None else f"{self.name} {self.subject}"

"""What a rule found: a sentence, and the places in canvas.yaml that it speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Place:
    """An answer that a finding names.

    Attributes:
        path: the question, or a part of its answer.
        answer: what is written there, in short.
        where: `canvas.yaml:LINE:COLUMN`.
    """

    path: str
    answer: str
    where: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Answers that cannot all hold.

    Attributes:
        rule: which rule found it.
        severity: `error` for what cannot be, `warning` for what is probably not meant.
        sentence: the answers, why they clash, and what mends it.
        why: why they clash.
        mend: what mends it.
        where: of the answer to look at first.
        places: every answer that it names, that one first.
        model: the model whose answers clash; None where the common ones do.
        environment: the environment in which they clash; None where they do everywhere.
    """

    rule: str
    severity: Severity
    sentence: str
    why: str
    mend: str
    where: str
    places: tuple[Place, ...]
    model: str | None = None
    environment: str | None = None

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions that it names, each once."""
        return tuple(dict.fromkeys(".".join(place.path.split(".")[:2]) for place in self.places))

    def line(self) -> str:
        """One line as compilers write them, which editors and people can follow."""
        return f"{self.where}: {self.severity}: {self.sentence} [{self.rule}]"

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON can hold it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "sentence": self.sentence,
            "why": self.why,
            "mend": self.mend,
            "where": self.where,
            "places": [{"path": one.path, "answer": one.answer, "where": one.where} for one in self.places],
            "model": self.model,
            "environment": self.environment,
        }

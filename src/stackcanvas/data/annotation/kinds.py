"""What people say of an item: one choice, several, a number, or spans of a text; checked, compared, decided."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from stackcanvas.errors import BadInput, nearest
from stackcanvas.statistics import agreement

Kind = Literal["choice", "choices", "number", "spans"]
KINDS: tuple[Kind, ...] = ("choice", "choices", "number", "spans")

_MOST_CHOICES = 1000
_LONGEST_CHOICE = 200


@dataclass(frozen=True, slots=True)
class Queue:
    """Items that people are to label, and what they are asked.

    Args:
        choices: what may be chosen; the labels of spans; empty for numbers.
        low, high: the bounds of a number, both included; None for none.
        text: the column whose text is marked with spans.
        wanted: how many people label each item.
        claim_s: how long an item is kept for a person who has taken it.
        price: of one label.
        state: `open` or `closed`.
        sources: the pinned refs of the versions that items came from.
    """

    name: str
    kind: str
    question: str
    choices: tuple[str, ...]
    low: float | None
    high: float | None
    text: str | None
    wanted: int
    claim_s: int
    price: Decimal
    state: str
    sources: tuple[str, ...]
    created: datetime

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            near = nearest(self.kind, KINDS)
            raise BadInput(
                f"{self.kind!r} is no kind of label",
                expected=f"one of {', '.join(KINDS)}",
                fix=f"Did you mean {near!r}?" if near else None,
            )
        self._check_choices()
        if self.kind == "number" and self.low is not None and self.high is not None and self.low >= self.high:
            raise BadInput(
                f"no number lies from {self.low:g} to {self.high:g}", expected="a low bound below the high one"
            )
        if any(bound is not None and not math.isfinite(bound) for bound in (self.low, self.high)):
            raise BadInput("a bound is not finite", expected="a number, or no bound")
        if (self.kind == "spans") != (self.text is not None):
            raise BadInput(
                "spans need the column of their text" if self.kind == "spans" else "only spans need a text column"
            )
        if self.wanted < 1 or self.wanted > 100:
            raise BadInput(f"{self.wanted} people are to label each item", expected="1 to 100")
        if not 10 <= self.claim_s <= 7 * 86_400:
            raise BadInput(f"an item is kept for {self.claim_s} s", expected="10 s to a week")
        if not self.price.is_finite() or self.price < 0:
            raise BadInput(f"one label costs {self.price}", expected="zero or more")

    def _check_choices(self) -> None:
        if self.kind == "number":
            if self.choices:
                raise BadInput("a number is not chosen", fix="Leave the choices out, or ask for a choice")
            return
        least = 1 if self.kind == "spans" else 2
        if not least <= len(self.choices) <= _MOST_CHOICES:
            raise BadInput(f"there are {len(self.choices)} choices", expected=f"{least} to {_MOST_CHOICES}")
        for choice in self.choices:
            if not choice or choice != choice.strip() or not choice.isprintable() or len(choice) > _LONGEST_CHOICE:
                raise BadInput(f"{choice[:60]!r} cannot be a choice", expected="a few printable letters")
        if len(set(self.choices)) < len(self.choices):
            raise BadInput("a choice is given twice", expected="different choices")


def checked(queue: Queue, value: Any, data: Mapping[str, Any]) -> Any:
    """A label as it is kept: choices in order, spans sorted, numbers as such.

    Args:
        data: of the item, for spans.

    Raises:
        BadInput: it is not what the queue asks for.
    """
    return _CHECKS[queue.kind](queue, value, data)


def _choice(queue: Queue, value: Any, _data: Mapping[str, Any]) -> str:
    if not isinstance(value, str) or value not in queue.choices:
        raise _not_a_choice(queue, value)
    return value


def _choices(queue: Queue, value: Any, _data: Mapping[str, Any]) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise BadInput(f"{_short(value)} is no list", expected="a list of choices, which may be empty")
    for one in value:
        if not isinstance(one, str) or one not in queue.choices:
            raise _not_a_choice(queue, one)
    return [choice for choice in queue.choices if choice in value]


def _number(queue: Queue, value: Any, _data: Mapping[str, Any]) -> float:
    low = "any" if queue.low is None else f"{queue.low:g}"
    high = "any" if queue.high is None else f"{queue.high:g}"
    expected = "a number" if low == high == "any" else f"a number from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(f"{_short(value)} is no number", expected=expected)
    if (queue.low is not None and value < queue.low) or (queue.high is not None and value > queue.high):
        raise BadInput(f"{value:g} is out of bounds", expected=expected)
    return float(value)


def _spans(queue: Queue, value: Any, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    text = str(data.get(queue.text or "") or "")
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise BadInput(f"{_short(value)} is no list", expected="a list of spans, which may be empty")
    found = set()
    for one in value:
        if not isinstance(one, Mapping) or not {"start", "end", "label"} <= one.keys():
            raise BadInput(f"{_short(one)} is no span", expected="{start, end, label}")
        start, end, label = one["start"], one["end"], one["label"]
        if label not in queue.choices:
            raise _not_a_choice(queue, label)
        if not all(isinstance(place, int) and not isinstance(place, bool) for place in (start, end)):
            raise BadInput(f"the span from {_short(start)} to {_short(end)} has no places", expected="whole numbers")
        if not 0 <= start < end <= len(text):
            raise BadInput(f"the span from {start} to {end} is not in the text", expected=f"0 to {len(text)}")
        found.add((start, end, label))
    return [{"start": start, "end": end, "label": label} for start, end, label in sorted(found)]


_CHECKS = {"choice": _choice, "choices": _choices, "number": _number, "spans": _spans}


def comparable(kind: str, value: Any) -> Hashable:
    """A label as it is compared with others."""
    if kind == "choices":
        return frozenset(value)
    if kind == "spans":
        return frozenset((one["start"], one["end"], one["label"]) for one in value)
    return value  # type: ignore[no-any-return]


def alpha(kind: str, items: Sequence[Sequence[Any]]) -> float:
    """Krippendorff's alpha over the labels of each item, with the distance that fits the kind."""
    values = [[comparable(kind, one) for one in labels] for labels in items]
    distances: dict[str, Any] = {"choices": agreement.jaccard, "spans": agreement.jaccard, "number": agreement.interval}
    return agreement.krippendorff_alpha(values, distances.get(kind))


def decided(kind: str, labels: Sequence[Any], *, choices: Sequence[str] = ()) -> Any:
    """What the labels of an item come to; None where they are undecided.

    The choice that more people made than any other; each of several choices, and each span, that more than half made;
    the middle of the numbers.

    Args:
        choices: of the queue, for their order.

    Example:
        >>> decided("choice", ["a", "b", "a"]), decided("choice", ["a", "b"]), decided("number", [1.0, 2.0, 9.0])
        ('a', None, 2.0)
    """
    if not labels:
        return None
    if kind == "number":
        return statistics.median(labels)
    if kind == "choice":
        ranked = Counter(labels).most_common(2)
        return None if len(ranked) > 1 and ranked[0][1] == ranked[1][1] else ranked[0][0]
    keys = [list(one) if kind == "choices" else [tuple(span.values()) for span in one] for one in labels]
    counts = Counter(key for own in keys for key in own)
    if any(2 * count == len(labels) for count in counts.values()):
        return None
    kept = [key for key, count in counts.items() if 2 * count > len(labels)]
    if kind == "choices":
        return sorted(kept, key=lambda one: choices.index(one) if one in choices else len(choices))
    return [dict(zip(("start", "end", "label"), span, strict=True)) for span in sorted(kept)]


def _not_a_choice(queue: Queue, value: Any) -> BadInput:
    near = nearest(value, queue.choices) if isinstance(value, str) else None
    shown = ", ".join(queue.choices[:12]) + (" and others" if len(queue.choices) > 12 else "")
    return BadInput(
        f"{_short(value)} is not among the choices",
        expected=f"one of {shown}",
        fix=f"Did you mean {near!r}?" if near else None,
    )


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."

"""What the labels of a queue add up to: how far it is, who did what, how far people agree."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from stackcanvas.data.annotation.kinds import Queue, alpha, comparable
from stackcanvas.data.annotation.records import Label
from stackcanvas.statistics.agreement import cohen_kappa, fleiss_kappa


@dataclass(frozen=True, slots=True)
class Person:
    """What one person did.

    Args:
        median_s: the middle of what a label took, where it is known.
    """

    labeller: str
    labels: int
    skipped: int
    median_s: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a queue is.

    Args:
        taken: items in somebody's hands.
        cost: of the labels given so far.
        expected_cost: of all that are wanted.
    """

    queue: str
    state: str
    items: int
    done: int
    labels: int
    wanted: int
    taken: int
    cost: Decimal
    expected_cost: Decimal
    currency: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two people over the items that both labelled.

    Args:
        same: the share of items of which they said the same.
        kappa: Cohen's, for a choice; None for other kinds.
    """

    one: str
    two: str
    items: int
    same: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people agree.

    Args:
        items: those with two labels or more.
        same: the share of pairs of labels of one item that are the same; None where there is no pair.
        alpha: Krippendorff's, with the distance that fits the kind; None where there is nothing to compare.
        fleiss: Fleiss' kappa, for a choice; None for other kinds.
        pairs: of people, those with most items first.
    """

    queue: str
    kind: str
    items: int
    same: float | None
    alpha: float | None
    fleiss: float | None
    pairs: tuple[PairAgreement, ...]


def progress_of(
    queue: Queue,
    counts: Mapping[str, int],
    labels: Mapping[int, Sequence[Label]],
    skips: Mapping[str, int],
    *,
    currency: str,
) -> Progress:
    """How far a queue is, from its counts and labels."""
    items = counts["open"] + counts["done"]
    by_person: dict[str, list[Label]] = {}
    for label in itertools.chain.from_iterable(labels.values()):
        by_person.setdefault(label.labeller, []).append(label)
    people = []
    for who in sorted({*by_person, *skips}, key=lambda name: (-len(by_person.get(name, ())), name)):
        own = by_person.get(who, [])
        times = [label.took_s for label in own if label.took_s is not None]
        people.append(Person(who, len(own), skips.get(who, 0), statistics.median(times) if times else None))
    return Progress(
        queue=queue.name,
        state=queue.state,
        items=items,
        done=counts["done"],
        labels=counts["labels"],
        wanted=items * queue.wanted,
        taken=counts["taken"],
        cost=counts["labels"] * queue.price,
        expected_cost=items * queue.wanted * queue.price,
        currency=currency,
        people=tuple(people),
    )


def agreement_of(queue: Queue, labels: Mapping[int, Sequence[Label]]) -> Agreement:
    """How far people agree, from the labels of each item."""
    several = [list(found) for found in labels.values() if len(found) > 1]
    values = [[comparable(queue.kind, one.value) for one in found] for found in several]
    equal = [one == two for found in values for one, two in itertools.combinations(found, 2)]
    is_choice = queue.kind == "choice"
    return Agreement(
        queue=queue.name,
        kind=queue.kind,
        items=len(several),
        same=sum(equal) / len(equal) if equal else None,
        alpha=_known(alpha(queue.kind, [[one.value for one in found] for found in several])),
        fleiss=_known(fleiss_kappa(values)) if is_choice else None,
        pairs=tuple(_pairs(queue, several, is_choice=is_choice)),
    )


def _pairs(queue: Queue, several: Sequence[Sequence[Label]], *, is_choice: bool) -> list[PairAgreement]:
    by_pair: dict[tuple[str, str], list[tuple[object, object]]] = {}
    for found in several:
        for one, two in itertools.combinations(sorted(found, key=lambda label: label.labeller), 2):
            both = comparable(queue.kind, one.value), comparable(queue.kind, two.value)
            by_pair.setdefault((one.labeller, two.labeller), []).append(both)
    pairs = [
        PairAgreement(
            one=one,
            two=two,
            items=len(both),
            same=sum(a == b for a, b in both) / len(both),
            kappa=_known(cohen_kappa(both)) if is_choice else None,
        )
        for (one, two), both in by_pair.items()
    ]
    return sorted(pairs, key=lambda pair: (-pair.items, pair.one, pair.two))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value

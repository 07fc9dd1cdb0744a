"""Strategies: how traffic moves to a new version, as a plan of weights that anybody can compute again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

import msgspec


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a release in progress must show; a breach rolls it back.

    Args:
        min_predictions: with fewer nothing is judged and nothing advances.
        max_error_rate: failed predictions among all, 0 to 1.
        max_fallback_rate: predictions answered by the fallback among all, 0 to 1; None does not look.
        max_p99: the latency that 99 of 100 predictions stay under; None does not look.
    """

    min_predictions: int = 100
    max_error_rate: float = 0.01
    max_fallback_rate: float | None = None
    max_p99: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Recreate:
    """All traffic at once."""

    kind: ClassVar[str] = "recreate"


@dataclass(frozen=True, slots=True)
class Canary:
    """More and more of the traffic.

    Args:
        steps: rising shares from above 0 to 1; the share 1 is the end of the release.
        every: how long each share lasts.
    """

    kind: ClassVar[str] = "canary"
    steps: tuple[float, ...] = (0.1, 0.5, 1.0)
    every: timedelta = timedelta(minutes=30)
    analysis: Analysis = field(default_factory=Analysis)


@dataclass(frozen=True, slots=True)
class BlueGreen:
    """All traffic at once, and back at once if the analysis says so while the old version is kept.

    Args:
        keep: how long the old version stays ready.
    """

    kind: ClassVar[str] = "blue-green"
    keep: timedelta = timedelta(hours=1)
    analysis: Analysis = field(default_factory=Analysis)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A copy of the traffic, whose answers nobody sees.

    Args:
        sample: the share of the traffic that is copied.
        lasts: how long it watches.
        then_live: whether it takes over all traffic when all went well, or only leaves.
    """

    kind: ClassVar[str] = "shadow"
    sample: float = 1.0
    lasts: timedelta = timedelta(days=1)
    then_live: bool = False
    analysis: Analysis = field(default_factory=Analysis)


Strategy = Recreate | Canary | BlueGreen | Shadow
_KINDS: dict[str, type[Strategy]] = {kind.kind: kind for kind in (Recreate, Canary, BlueGreen, Shadow)}


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of a release: which share the new version has, and for how long.

    Args:
        share: of the traffic that is answered by the new version, 0 to 1.
        copied: the share of the traffic that the new version sees without answering it, 0 to 1.
        lasts: None for the end: nothing more is judged.
    """

    share: float
    copied: float = 0.0
    lasts: timedelta | None = None


def stages(strategy: Strategy) -> tuple[Stage, ...]:
    """The stretches of a strategy, in order; the last is where the release ends when all goes well.

    Example:
        >>> [stage.share for stage in stages(Canary(steps=(0.1, 0.5, 1.0)))]
        [0.1, 0.5, 1.0]
    """
    match strategy:
        case Recreate():
            return (Stage(1.0),)
        case Canary():
            partial = (Stage(share, lasts=strategy.every) for share in strategy.steps if share < 1.0)
            return (*partial, Stage(1.0))
        case BlueGreen():
            return (Stage(1.0, lasts=strategy.keep), Stage(1.0))
        case Shadow():
            return (Stage(0.0, copied=strategy.sample, lasts=strategy.lasts), Stage(1.0 if strategy.then_live else 0.0))


def analysis(strategy: Strategy) -> Analysis:
    """What must hold on the way."""
    return Analysis() if isinstance(strategy, Recreate) else strategy.analysis


def to_json(strategy: Strategy) -> dict[str, Any]:
    """The strategy as a record keeps it."""
    return {"kind": strategy.kind, **msgspec.to_builtins(strategy)}


def from_json(document: dict[str, Any]) -> Strategy:
    """The strategy of a record."""
    facts = {name: value for name, value in document.items() if name != "kind"}
    return msgspec.convert(facts, _KINDS[document["kind"]])

"""What every registration must keep to, whoever makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stackcanvas.metadata import Ref
from stackcanvas.registry.gate import GateResult, Rule, Scores, judge


@dataclass(frozen=True, slots=True)
class Policy:
    """What every registration must keep to.

    Args:
        needs_run: a version must name the run that trained it.
        needs_training: a version must name the version of its training data.
        needs_gate: a version must have passed the gate.
        rules: what the gate asks where the call does not say it; their bounds hold for every registration.
        tolerance: how far the kept form of a model may be from the model.
    """

    needs_run: bool = False
    needs_training: bool = False
    needs_gate: bool = False
    rules: tuple[Rule, ...] = ()
    tolerance: float = 1e-4

    def against(
        self, *, run: Ref | None, training: Ref | None, gate: GateResult | None, metrics: Mapping[str, float]
    ) -> list[str]:
        """What speaks against a registration; nothing when it may be made.

        Example:
            >>> Policy(needs_run=True).against(run=None, training=None, gate=None, metrics={})
            ['it names no run']
        """
        asked = [
            (self.needs_run and run is None, "it names no run"),
            (self.needs_training and training is None, "it names no version of its training data"),
            (self.needs_gate and gate is None, "it has not passed the gate"),
        ]
        reasons = [reason for missing, reason in asked if missing]
        if gate is not None:
            blocking = [] if gate.passed else [check.said for check in gate.checks if check.blocks and not check.passed]
            return reasons + blocking
        bounds = [replace(rule, margin=None) for rule in self.rules if rule.blocks and rule.has_bound]
        return reasons + list(judge(bounds, Scores(metrics)).reasons)

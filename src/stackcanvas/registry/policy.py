"""What every registration must keep to, whoever makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from stackcanvas.metadata import Ref
from stackcanvas.registry.consents import Asked
from stackcanvas.registry.gate import GateResult, Rule, Scores, judge


@dataclass(frozen=True, slots=True)
class Policy:
    """What every registration must keep to.

    Args:
        needs_run: a version must name the run that trained it.
        needs_training: a version must name the version of its training data.
        from_views: where training data must come from feature views, tells whether they do.
        needs_gate: a version must have passed the gate.
        rules: what the gate asks where the call does not say it; their bounds hold for every registration.
        tolerance: how far the kept form of a model may be from the model.
        consents: what people must agree to: `register`, `deploy`, `delete`.
        allows_python: models that are Python code or pickles may run without anybody's consent.
        semantic: version numbers tell by how much a version differs; else each is a new major one.
        places: where the canvas asks for it, by the name of the field.
    """

    needs_run: bool = False
    needs_training: bool = False
    from_views: Callable[[Ref], bool] | None = None
    needs_gate: bool = False
    rules: tuple[Rule, ...] = ()
    tolerance: float = 1e-4
    consents: Mapping[str, Asked] = field(default_factory=dict)
    allows_python: bool = False
    semantic: bool = True
    places: Mapping[str, str] = field(default_factory=dict)

    def against(
        self, *, run: Ref | None, training: Ref | None, gate: GateResult | None, metrics: Mapping[str, float]
    ) -> list[str]:
        """What speaks against a registration; nothing when it may be made.

        Example:
            >>> Policy(needs_run=True, places={"needs_run": "canvas.yaml:9:3"}).against(
            ...     run=None, training=None, gate=None, metrics={}
            ... )
            ['it names no run (canvas.yaml:9:3 asks for it)']
        """
        asked = [
            ("needs_run", run is None, "it names no run"),
            ("needs_training", training is None, "it names no version of its training data"),
            ("from_views", not self._is_from_views(training), "its training data do not come from feature views"),
            ("needs_gate", gate is None, "it has not passed the gate"),
        ]
        reasons = [reason + self._asks(name) for name, missing, reason in asked if getattr(self, name) and missing]
        if gate is not None:
            blocking = [] if gate.passed else [check.said for check in gate.checks if check.blocks and not check.passed]
            return reasons + blocking
        bounds = [replace(rule, margin=None) for rule in self.rules if rule.blocks and rule.has_bound]
        return reasons + [said + self._asks("rules") for said in judge(bounds, Scores(metrics)).reasons]

    def _is_from_views(self, training: Ref | None) -> bool:
        return self.from_views is None or (training is not None and self.from_views(training))

    def _asks(self, name: str) -> str:
        return f" ({self.places[name]} asks for it)" if name in self.places else ""

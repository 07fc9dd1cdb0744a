"""What a deployment needs of serving: a compiled model, and a place to say which model answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from stackcanvas.metadata import Ref


@dataclass(frozen=True, slots=True)
class Variant:
    """One model version behind an endpoint.

    Args:
        bundle: digest of its compiled form.
        weight: its share of the traffic, 0 to 1; of one that only watches, the share that is copied to it.
    """

    model: Ref
    bundle: str
    weight: float = 1.0

    @property
    def name(self) -> str:
        """How the log and the metrics call it."""
        return f"v{self.model.selector}"


class Router(Protocol):
    """Prediction serving, as a deployment sees it."""

    def prepare(self, model: Ref) -> str:
        """Compile a model version for the prediction server; gives its digest, the same each time."""
        ...

    def route(self, tx: Connection, endpoint: str, variants: Sequence[Variant], *, shadow: Sequence[Variant]) -> int:
        """Say inside the caller's transaction what answers at an endpoint; gives the revision of the routes."""
        ...

    def publish(self) -> None:
        """Hand the committed routes to the prediction servers; doing it again changes nothing."""
        ...

"""What a project wants around its predictions: checks, a way out when the model fails, what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stackcanvas.serving.server.documents import CheckSpec

Check = CheckSpec
"""One rule on one column and what happens when a row breaks it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How the versions of a model are served.

    Args:
        checks: rules for columns of the input or the output.
        watch_profile: warn of values that the training data never had.
        fallback_model: name of a registered model that answers when this one cannot.
        fallback_constant: or the output that is answered then, by name.
        sticky: the column whose value keeps a row at one variant.
        lookup: what of the model's columns can be looked up by entity keys, as the prediction server reads it.
        drop: columns that the log leaves out.
        hash: columns of which the log keeps a hash.
        sample: the share of rows that the log keeps.
    """

    checks: tuple[Check, ...] = ()
    watch_profile: bool = False
    fallback_model: str | None = None
    fallback_constant: Mapping[str, Any] | None = None
    sticky: str | None = None
    lookup: Mapping[str, Any] | None = None
    drop: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()
    sample: float = 1.0

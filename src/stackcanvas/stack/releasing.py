"""A release begun by a person: the model by any of its names, endpoint and strategy as the canvas says unless told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.deployment import BlueGreen, Canary, Recreate, Release, Shadow, Strategy
from stackcanvas.errors import NotFound
from stackcanvas.stack.build.deployment import endpoint_of, strategy_of

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_KINDS: dict[str, type[Strategy]] = {kind.kind: kind for kind in (Recreate, Canary, BlueGreen, Shadow)}


def begin(
    stack: Stack, model: str, *, endpoint: str | None = None, strategy: str | None = None, reason: str = ""
) -> Release:
    """Begin to bring a model version to an endpoint.

    Args:
        model: its ref in any form, such as `delay@champion`.
        endpoint: where it is to answer; the canvas decides when None.
        strategy: the kind of strategy; the canvas decides when None, and also how, where it names the same kind.
        reason: why, for the record.

    Raises:
        NotFound: the version or the strategy does not exist.
        Refused: the version may not go live.
        Conflict: it is live already, or another release is on its way.
    """
    version = stack.registry.get(model)
    wanted = strategy_of(stack.answers(version.name))
    if strategy is not None and strategy != wanted.kind:
        if strategy not in _KINDS:
            raise NotFound("strategy", strategy, known=_KINDS)
        wanted = _KINDS[strategy]()
    where = endpoint or endpoint_of(stack, version.name)
    return stack.deployment.deploy(where, version.ref, strategy=wanted, reason=reason)

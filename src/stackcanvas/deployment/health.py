"""The health of a version on live traffic, and what an analysis says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stackcanvas.deployment.strategy import Analysis


@dataclass(frozen=True, slots=True)
class Health:
    """What the prediction log shows of one version in a stretch of time.

    Args:
        predictions: rows that came to it.
        errors: rows that it failed on.
        fallbacks: rows that the fallback answered in its place.
        p99: the latency that 99 of 100 rows stayed under; None without rows.
        objection: what a comparison of its answers says against it, as a clause; None when nothing.
    """

    predictions: int = 0
    errors: int = 0
    fallbacks: int = 0
    p99: timedelta | None = None
    objection: str | None = None


def breach(health: Health, limits: Analysis) -> str | None:
    """Why a version must go, None while nothing speaks against it or too little is known.

    Example:
        >>> breach(Health(predictions=200, errors=10), Analysis(max_error_rate=0.01))
        '5.0 % of 200 predictions failed, at most 1.0 % may'
    """
    if health.predictions < max(limits.min_predictions, 1):
        return None
    for share, bound, verb in (
        (health.errors / health.predictions, limits.max_error_rate, "failed"),
        (health.fallbacks / health.predictions, limits.max_fallback_rate, "fell back"),
    ):
        if bound is not None and share > bound:
            return f"{share:.1%} of {health.predictions} predictions {verb}, at most {bound:.1%} may".replace("%", " %")
    if limits.max_p99 is not None and health.p99 is not None and health.p99 > limits.max_p99:
        return f"1 of 100 predictions took longer than {_ms(health.p99)}, at most {_ms(limits.max_p99)} may pass"
    return health.objection


def _ms(span: timedelta) -> str:
    return f"{span / timedelta(milliseconds=1):g} ms"

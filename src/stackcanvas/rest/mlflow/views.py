"""Whether deleted ones are meant: a name, or the number that some clients send in a query."""

from __future__ import annotations

from typing import Literal

from stackcanvas.experiments.catalog import ACTIVE, DELETED

View = Literal["ACTIVE_ONLY", "DELETED_ONLY", "ALL", "1", "2", "3", 1, 2, 3]


def lifecycle_of(view: str | int) -> str | None:
    """The lifecycle that is meant, None for any.

    Example:
        >>> lifecycle_of("ALL"), lifecycle_of("2")
        (None, 'deleted')
    """
    if str(view) in {"ACTIVE_ONLY", "1"}:
        return ACTIVE
    return DELETED if str(view) in {"DELETED_ONLY", "2"} else None

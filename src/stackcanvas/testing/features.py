"""Proves that a project's features are the same for training and for prediction.

def test_paths_are_equal(stack):
    assert_paths_equal(stack.features, ["weather", "spending"], keys=[{"origin": "JFK", "amount": 3.0}], at=instants)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from stackcanvas.features import Features

_AT = "asked_at"


def assert_paths_equal(
    features: Features,
    views: Sequence[str],
    *,
    keys: Sequence[Mapping[str, Any]],
    at: Sequence[datetime],
    timestep: bool = True,
) -> int:
    """Read features online as they stand at each instant, and join them offline at the same instant: they must agree.

    The online store is brought up to each instant in turn, so give it instants in order, none before what is online.

    Args:
        features: of the project, over a store that the check may write to.
        views: names of views or services, or single features.
        keys: rows with the views' keys, and with what on-demand views take from the request.
        at: instants.
        timestep: bring the store up to each instant; without it what is there is compared as it is.

    Returns:
        How many values were compared.

    Raises:
        AssertionError: a value differs; it says which, for which key, at which instant.
    """
    compared = 0
    stored = [view.name for view, _ in features.catalog.select(views).stored]
    for instant in at:
        if timestep:
            features.materialize(stored, until=instant)
        online = features.online(views, keys, now=instant, full_names=True)
        asked = pl.DataFrame(list(keys)).with_columns(pl.lit(instant.astimezone(UTC)).alias(_AT))
        joined = features.join(asked, views, time=_AT, full_names=True)
        for number, (found, offline) in enumerate(zip(online, joined.to_dicts(), strict=True)):
            for name, value in found.items():
                compared += 1
                if not _same(value, offline[name]):
                    said = f"{name.replace('__', ':', 1)} of {dict(keys[number])} at {instant.isoformat()}"
                    raise AssertionError(f"{said} is {value!r} online and {offline[name]!r} in a training set")
    return compared


def _same(one: Any, other: Any) -> bool:
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return both_nan or (type(one) is type(other) and one == other)

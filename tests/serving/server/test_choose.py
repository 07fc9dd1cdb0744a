"""Variants are drawn by weight, and a key keeps its variant."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.serving.server.choose import Chooser

WEIGHTS = st.lists(st.floats(0, 10), min_size=1, max_size=5).filter(lambda found: sum(found) > 0.001)


@given(weights=WEIGHTS, seed=st.integers(0, 1000), key=st.text() | st.integers() | st.floats(allow_nan=False))
def test_no_variant_without_weight_is_chosen(weights: list[float], seed: int, key: object) -> None:
    """However the shares lie, a variant without weight gets nothing."""
    chooser = Chooser(weights, salt="delay")

    assert weights[chooser.free(random.Random(seed))] > 0
    assert weights[chooser.sticky(key)] > 0


def test_shares_come_out() -> None:
    """Of many rows each variant gets its share, drawn or by key."""
    chooser = Chooser([0.9, 0.1], salt="delay")
    rng = random.Random(7)
    drawn = sum(chooser.free(rng) for _ in range(20_000))
    keyed = sum(chooser.sticky(f"key {at}") for at in range(20_000))

    assert drawn / 20_000 == pytest.approx(0.1, abs=0.01)
    assert keyed / 20_000 == pytest.approx(0.1, abs=0.01)


@given(key=st.text(), low=st.floats(0.01, 0.5), high=st.floats(0.5, 0.99))
def test_a_growing_share_keeps_its_keys(key: str, low: float, high: float) -> None:
    """A key that went to the canary goes there still when its share grows."""
    small, large = (Chooser([1 - share, share], salt="delay") for share in (low, high))

    if small.sticky(key) == 1:
        assert large.sticky(key) == 1


@pytest.mark.parametrize(("one", "same"), [(7, 7.0), ("7", 7)])
def test_a_number_is_the_same_key_however_it_is_sent(one: object, same: object) -> None:
    """Clients and frames disagree on which type a whole number has."""
    chooser = Chooser([1] * 97, salt="x")

    assert chooser.sticky(one) == chooser.sticky(same)


def test_another_endpoint_splits_another_way() -> None:
    """Two endpoints do not send the same customers to their canaries."""
    choosers = [Chooser([1, 1], salt=salt) for salt in ("a", "b")]
    ways = [[chooser.sticky(key) for key in range(200)] for chooser in choosers]

    assert ways[0] != ways[1]

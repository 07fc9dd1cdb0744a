"""Contents as lists of chunks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.data.store.recipes import Steps, groups, read_recipe
from stackcanvas.errors import Corrupt

_STEPS = st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1)), max_size=20)


@given(_STEPS)
def test_a_recipe_gives_its_steps_back(steps: list[tuple[bytes, int]]) -> None:
    """The chunks come back in their order."""
    gathered = Steps()
    for digest, length_bytes in steps:
        gathered.add(digest, length_bytes)

    assert read_recipe(gathered.to_recipe()) == steps


@given(st.data())
def test_a_damaged_recipe_is_noticed(data: st.DataObject) -> None:
    """One flipped bit or a cut end is an error."""
    gathered = Steps()
    gathered.add(b"x" * 32, 5)
    whole = bytearray(gathered.to_recipe())
    place = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[place // 8] ^= 1 << place % 8

    with pytest.raises(Corrupt):
        read_recipe(bytes(whole))
    with pytest.raises(Corrupt):
        read_recipe(gathered.to_recipe()[: place // 8])


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=3), st.integers(0, 50)), max_size=30), st.integers(1, 100))
def test_groups(steps: list[tuple[bytes, int]], limit_bytes: int) -> None:
    """Groups keep the order, stay within the limit or hold one chunk, and join what fits."""
    sizes = iter(length_bytes for _, length_bytes in steps)
    found = list(groups(steps, limit_bytes))
    totals = [[next(sizes) for _ in group] for group in found]

    assert [digest for group in found for digest in group] == [digest for digest, _ in steps]
    assert all(len(group) == 1 or sum(group) <= limit_bytes for group in totals)
    assert all(sum(one) + other[0] > limit_bytes for one, other in itertools.pairwise(totals))

"""Histograms of aligned cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stackcanvas.errors import Corrupt
from stackcanvas.statistics.bins import CELLS, Bins, float_keys, float_values

KEYS = arrays(np.int64, st.integers(0, 60), elements=st.integers(-(2**63), 2**63 - 1))
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def spread(seed: int, rows: int) -> np.ndarray:
    """Numbers over many scales, which need coarse cells."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=rows) * 10.0 ** rng.integers(-3, 6, rows)


@given(KEYS, KEYS, KEYS)
def test_merging_is_associative_and_commutative(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> None:
    """The histogram of a union does not depend on how its parts came together."""
    a, b, c = Bins.of(first), Bins.of(second), Bins.of(third)
    whole = Bins.of(np.concatenate((first, second, third)))

    assert a.merge(b).merge(c) == whole
    assert a.merge(b.merge(c)) == whole
    assert c.merge(a).merge(b) == whole


@given(st.integers(0, 2**32), st.lists(st.integers(1, 4000), max_size=6))
def test_coarse_histograms_do_not_depend_on_the_split(seed: int, cuts: list[int]) -> None:
    """Beyond the most cells, splitting the rows anywhere gives the very same histogram."""
    keys = float_keys(spread(seed, 4000))
    parts = [Bins.of(part) for part in np.split(keys, sorted(cuts))]
    merged = parts[0]
    for part in parts[1:]:
        merged = part.merge(merged)

    assert merged == Bins.of(keys)
    assert merged.level > 0


def test_the_level_is_the_lowest_that_fits() -> None:
    """At most the stated number of cells, and one level lower there would be more."""
    keys = float_keys(spread(5, 50_000))
    bins = Bins.of(keys)

    assert CELLS / 4 < len(bins.cells) <= CELLS
    assert len(np.unique(keys >> (bins.level - 1))) > CELLS
    assert bins.total == 50_000


@given(st.lists(FINITE, min_size=1, max_size=50))
def test_float_keys_sort_as_numbers_do(values: list[float]) -> None:
    """Keys keep the order and give the numbers back."""
    numbers = np.sort(np.array(values))
    numbers[np.abs(numbers) < np.finfo(np.float64).tiny] = 0.0
    keys = float_keys(numbers)

    assert (np.diff(keys.astype(object)) >= 0).all()
    assert np.array_equal(float_values(keys), numbers)
    assert (np.diff(numbers) > 0).tolist() == (np.diff(keys.astype(object)) > 0).tolist()


def test_edges_never_pass_the_last_finite_number() -> None:
    """A cell that reaches beyond the finite numbers ends at the largest one."""
    biggest = np.finfo(np.float64).max
    bins = Bins.of(float_keys(np.array([biggest, -biggest]))).at_level(53)

    assert np.isfinite(float_values(bins.lower_keys())).all()
    assert np.isfinite(float_values(bins.upper_keys())).all()


@given(KEYS)
def test_records_are_exact(keys: np.ndarray) -> None:
    """What is written is what is read."""
    bins = Bins.of(keys)

    assert Bins.from_dict(bins.to_dict()) == bins


def test_a_finer_level_is_refused() -> None:
    """Cells that were joined cannot be parted."""
    with pytest.raises(ValueError, match="finer"):
        Bins.of(np.array([1, 2])).at_level(3).at_level(1)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"level": 0, "cells": [1, 2], "counts": [1]},
        {"level": 99, "cells": [1], "counts": [1]},
        {"level": 0, "cells": [1, 0], "counts": [1, 1]},
        {"level": 0, "cells": [1, 1], "counts": [1, -1]},
        {"level": 0, "cells": [1.5], "counts": [1]},
        {"level": 0, "cells": [2**70], "counts": [1]},
        {"level": "x", "cells": "no", "counts": None},
    ],
)
def test_garbage_is_named_corrupt(record: dict[str, object]) -> None:
    """A record that is no histogram is never half read."""
    with pytest.raises(Corrupt):
        Bins.from_dict(record)

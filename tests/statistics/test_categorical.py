"""Profiles of columns of categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import Corrupt
from stackcanvas.statistics import CategoricalProfile
from stackcanvas.statistics.categorical import CAPACITY, LETTERS

WORDS = st.lists(st.none() | st.text(alphabet="abcdé", max_size=3), max_size=40)


def of(words: Sequence[str | None]) -> CategoricalProfile:
    """The profile of a list of texts."""
    return CategoricalProfile.of(pa.array(words, pa.string()))


@given(WORDS, WORDS, WORDS)
def test_merging_few_categories_is_exact(
    first: list[str | None], second: list[str | None], third: list[str | None]
) -> None:
    """Up to the capacity a merged profile is the profile of all rows, in any order."""
    a, b, c = of(first), of(second), of(third)
    whole = of([*first, *second, *third])

    assert a.merge(b).merge(c) == whole
    assert c.merge(b.merge(a)) == whole
    assert whole.counts == Counter(word for word in [*first, *second, *third] if word is not None)


@given(st.integers(0, 2**32), st.integers(2, 8))
def test_many_categories_stay_within_the_stated_error(seed: int, parts: int) -> None:
    """Each count is too low by at most `error`, which is at most rows / (capacity + 1)."""
    rng = np.random.default_rng(seed)
    words = [f"w{number}" for number in rng.zipf(1.3, 5000)]
    profiles = [of(words[start::parts]) for start in range(parts)]
    merged = profiles[0]
    for profile in profiles[1:]:
        merged = merged.merge(profile)
    truth = Counter(words)

    assert len(merged.counts) <= CAPACITY
    assert merged.error <= 5000 / (CAPACITY + 1)
    assert all(0 <= truth[word] - count <= merged.error for word, count in merged.counts.items())
    assert all(count <= merged.error for word, count in truth.items() if word not in merged.counts)
    assert merged.sketch == of(words).sketch
    assert merged.distinct == pytest.approx(len(truth), rel=0.1)


def test_unique_texts_name_no_category() -> None:
    """An identifier is no category: nothing is named, the rows are still counted."""
    column = of([f"user {number}" for number in range(5000)])

    assert column.counts == {}
    assert (column.rows, column.unnamed) == (5000, 5000)
    assert column.distinct == pytest.approx(5000, rel=0.1)


def test_booleans_and_dictionaries_are_categories() -> None:
    """Both give the same counts as their texts."""
    assert CategoricalProfile.of(pa.array([True, False, True, None])).counts == {"false": 1, "true": 2}
    assert CategoricalProfile.of(pa.array(["x", "y", "x"]).dictionary_encode()).counts == {"x": 2, "y": 1}


def test_long_texts_are_told_apart_by_their_beginning() -> None:
    """A page of text costs a line of profile."""
    column = of(["é" * 10_000, "é" * 10_000 + "!", "short"])

    assert column.counts == {"é" * LETTERS: 2, "short": 1}


def test_top_is_ordered_by_count_then_name() -> None:
    """Equal counts have a stable order."""
    assert of(["b", "a", "c", "c"]).top(2) == [("c", 2), ("a", 1)]


def test_all_null_and_empty_columns() -> None:
    """Nothing to count is not an error."""
    assert of([None, None]).to_dict() == {
        "kind": "categorical", "rows": 2, "nulls": 2, "counts": {}, "error": 0, "sketch": None,
    }  # fmt: skip
    assert of([]).merge(of(["a"])) == of(["a"])


def test_counts_that_do_not_add_up_are_corrupt() -> None:
    """A record changed by hand is noticed."""
    record = of(["a", "b"]).to_dict()
    with pytest.raises(Corrupt):
        CategoricalProfile.from_dict({**record, "rows": 1})

"""Semantic version numbers of models."""

from __future__ import annotations

import pytest

from stackcanvas.registry.numbering import is_semantic, next_version


@pytest.mark.parametrize(
    ("last", "same_signature", "same_origin", "expected"),
    [
        (None, False, False, "1.0.0"),
        ("1.2.3", True, False, "1.3.0"),
        ("1.2.3", True, True, "1.2.4"),
        ("1.2.3", False, True, "2.0.0"),
        ("1.9.9", True, False, "1.10.0"),
    ],
)
def test_the_number_says_what_changed(last: str | None, same_signature: bool, same_origin: bool, expected: str) -> None:
    """A changed signature outweighs everything else."""
    assert next_version(last, same_signature=same_signature, same_origin=same_origin) == expected


@pytest.mark.parametrize("word", ["v1.0.0", "v10.20.30", "v1.0.0-rc.1"])
def test_a_v_before_it_marks_a_version_number(word: str) -> None:
    """So that it is told from the number and from aliases."""
    assert is_semantic(word)
    assert not is_semantic(word[1:])
    assert not is_semantic(word.replace(".", ""))

"""Events and their subjects, as triggers name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.canvas.events import EVENTS, SUBJECTS, EventPattern
from stackcanvas.errors import BadInput
from stackcanvas.metadata.refs import KINDS


def test_subjects_are_the_kinds_of_refs() -> None:
    """A trigger can name whatever the spine records."""
    assert SUBJECTS == KINDS


@given(st.sampled_from([*EVENTS, "external.market"]), st.none() | st.sampled_from(["data:flights", "deployment:a b"]))
def test_a_written_event_reads_back(name: str, subject: str | None) -> None:
    """Writing and reading agree."""
    pattern = EventPattern(name, subject)

    assert EventPattern.parse(str(pattern)) == pattern


@pytest.mark.parametrize(
    ("pattern", "name", "subject", "matches"),
    [
        ("drift.found", "drift.found", "deployment:delay", True),
        ("drift.found", "drift.found", None, True),
        ("drift.found", "decay.found", "deployment:delay", False),
        ("drift.found deployment:delay", "drift.found", "deployment:delay", True),
        ("drift.found deployment:delay", "drift.found", "deployment:other", False),
        ("drift.found deployment:delay", "drift.found", None, False),
        ("data.committed data:flights", "data.committed", "data:flights@3", True),
        ("data.committed data:flights", "data.committed", "data:flights2@3", False),
        ("data.committed data:flights@2", "data.committed", "data:flights@3", False),
        ("external.market", "external.market", None, True),
    ],
)
def test_which_events_match(pattern: str, name: str, subject: str | None, matches: bool) -> None:
    """A pattern without a subject takes any; a version of the subject is the subject."""
    assert EventPattern.parse(pattern).matches(name, subject=subject) is matches


@pytest.mark.parametrize(
    ("text", "near"),
    [("drift.fuond", "drift.found"), ("data.committed deploment:x", "deployment:x"), ("drift", None)],
)
def test_the_nearest_word_is_offered(text: str, near: str | None) -> None:
    """A slip of the pen is mended."""
    with pytest.raises(BadInput) as refused:
        EventPattern.parse(text)
    assert (near or "") in str(refused.value.fix)


@pytest.mark.parametrize("text", ["", "external.", "data.committed flights", "data.committed data:", "a" * 600, "a\nb"])
def test_what_is_no_event_is_refused(text: str) -> None:
    """What is expected is told."""
    with pytest.raises(BadInput) as refused:
        EventPattern.parse(text)
    assert refused.value.expected

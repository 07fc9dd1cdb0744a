"""One way of writing lengths of time, sizes and percentages."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.canvas import (
    format_duration,
    format_share,
    format_size,
    parse_duration,
    parse_share,
    parse_size,
)
from stackcanvas.errors import BadInput


@given(st.timedeltas(timedelta(0), timedelta(days=300_000)))
def test_a_written_duration_reads_back(duration: timedelta) -> None:
    """Every length of time, to the microsecond, survives being written."""
    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(0, 10**18))
def test_a_written_size_reads_back(size_bytes: int) -> None:
    """Every size, to the byte, survives being written."""
    assert parse_size(format_size(size_bytes)) == size_bytes


@given(st.floats(0, 1))
def test_a_written_share_reads_back(share: float) -> None:
    """Every share of one survives being written, to the last bit."""
    assert parse_share(format_share(share)) == share


@given(st.text(max_size=50))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes a parser fail in another way."""
    for parse in (parse_duration, parse_size, parse_share):
        with suppress(BadInput):
            parse(text)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0s", timedelta(0)),
        ("250us", timedelta(microseconds=250)),
        ("1.5ms", timedelta(microseconds=1500)),
        ("90m", timedelta(hours=1, minutes=30)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
    ],
)
def test_durations(text: str, duration: timedelta) -> None:
    """Each unit means what it says."""
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    ["", "2", "h", "2 h", "-2h", "2H", "2min", "1h30m", "1e3s", "٣h", "1.5us", "2.h", ".5h", "999999999d", "2h\n"],
)
def test_other_durations_are_refused(text: str) -> None:
    """There is one way to write a length of time."""
    with pytest.raises(BadInput) as refused:
        parse_duration(text)
    assert "2h" in str(refused.value.expected)


@pytest.mark.parametrize(
    ("text", "size_bytes"), [("0B", 0), ("1.5GB", 1_500_000_000), ("64KiB", 65536), ("1PB", 10**15)]
)
def test_sizes(text: str, size_bytes: int) -> None:
    """KB is a thousand bytes, KiB are 1024."""
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["1", "1 GB", "1gb", "1G", "-1B", "1.5B", "2000PB", "0.3KiB"])
def test_other_sizes_are_refused(text: str) -> None:
    """There is one way to write a size."""
    with pytest.raises(BadInput):
        parse_size(text)


@pytest.mark.parametrize("text", ["10", "0.1", "101%", "-1%", "10 %", "%"])
def test_other_percentages_are_refused(text: str) -> None:
    """A share is written with its sign, and is at most the whole."""
    with pytest.raises(BadInput):
        parse_share(text)


def test_what_is_written_is_short() -> None:
    """The unit that people would have chosen."""
    written = [format_duration(timedelta(days=365)), format_duration(timedelta(minutes=90)), format_size(65536)]

    assert written == ["365d", "90m", "64KiB"]


def test_nothing_negative_is_written() -> None:
    """What could not be read back is not written."""
    with pytest.raises(ValueError, match="negative"):
        format_duration(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="negative"):
        format_size(-1)
    with pytest.raises(ValueError, match="between"):
        format_share(1.1)

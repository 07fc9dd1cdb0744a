"""Where contents are cut."""

from __future__ import annotations

from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.data.store.cutting import MAX_BYTES, MIN_BYTES, Cutter

_NOISE = blake3(b"stackcanvas").digest(length=1_000_000)


def test_boundaries_are_a_storage_format() -> None:
    """These boundaries never change: otherwise every stored content would be stored once more."""
    text = b"".join(b"%d,EWR,%d\n" % (number, number * number % 9973) for number in range(60_000))

    assert [len(chunk) for chunk in Cutter().cut(_NOISE)] == [
        *(45772, 132043, 82552, 123815, 57565, 27805, 73016, 96317, 88238, 90022, 182855)
    ]
    assert [len(chunk) for chunk in Cutter().cut(text)] == [
        *(76252, 84057, 54955, 92109, 94189, 19962, 53407, 124100, 83388, 93218, 85875, 20585)
    ]
    assert [len(chunk) for chunk in Cutter().cut(bytes(600_000))] == [MAX_BYTES, MAX_BYTES, 75_712]


def test_nothing_and_little() -> None:
    """No bytes are no chunk, few are one."""
    assert Cutter().cut(b"") == []
    assert [bytes(chunk) for chunk in Cutter().cut(b"abc")] == [b"abc"]


@given(st.integers(0, 900_000), st.integers(0, 900_000))
def test_an_edit_moves_few_boundaries(start: int, other: int) -> None:
    """Chunks far from an edit stay what they were; each has a legal size, and together they are the content."""
    edited = _NOISE[:start] + b"something else" + _NOISE[min(start + other % 1000, len(_NOISE)) :]
    before = {bytes(chunk) for chunk in Cutter().cut(_NOISE)}
    after = [bytes(chunk) for chunk in Cutter().cut(edited)]

    assert b"".join(after) == edited
    assert all(MIN_BYTES < len(chunk) <= MAX_BYTES for chunk in after[:-1])
    assert len([chunk for chunk in after if chunk not in before]) <= 4


@given(st.integers(MAX_BYTES + 1, 600_000))
def test_windows_give_the_same_chunks(window_bytes: int) -> None:
    """Cutting window by window, each begun with the last chunk of the one before, gives the boundaries of the whole."""
    cutter, chunks, left, start = Cutter(), [], b"", 0
    while start < len(_NOISE):
        window = left + _NOISE[start : start + window_bytes]
        start += window_bytes
        found = [bytes(chunk) for chunk in cutter.cut(window)]
        left = found.pop()
        chunks += found

    assert [*chunks, left] == [bytes(chunk) for chunk in Cutter().cut(_NOISE)]

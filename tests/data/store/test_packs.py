"""Packs and their indexes."""

from __future__ import annotations

import os

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.data.store.packs import (
    Entry,
    PackBuilder,
    decode_index,
    encode_index,
    from_frame,
    to_frame,
)
from stackcanvas.errors import Corrupt

_ENTRIES = st.builds(
    Entry,
    digest=st.binary(min_size=32, max_size=32),
    offset=st.integers(0, 2**40),
    stored_bytes=st.integers(0, 2**32 - 1),
    length_bytes=st.integers(0, 2**32 - 1),
    level=st.integers(0, 5),
    packed=st.booleans(),
)


@given(st.binary(max_size=500) | st.binary(min_size=1, max_size=20).map(lambda part: part * 5000))
def test_a_frame_gives_its_payload_back(payload: bytes) -> None:
    """Compressed or not, long or short, a payload comes back."""
    builder = PackBuilder(bytearray(200_000))
    builder.add(to_frame(b"0" * 32, b"first"))
    builder.add(to_frame(b"1" * 32, payload))
    entry = builder.entries[1]

    assert from_frame(entry, bytes(builder.data[entry.offset :])) == payload


def test_what_does_not_shrink_is_kept_as_it_is() -> None:
    """Noise is not compressed, text is."""
    noise = to_frame(b"0" * 32, os.urandom(100_000))
    text = to_frame(b"0" * 32, b"flight from EWR to JFK\n" * 5000)

    assert (noise.packed, len(noise.data)) == (False, 100_000)
    assert text.packed
    assert len(text.data) < 1000


@given(st.lists(_ENTRIES, max_size=20))
def test_an_index_gives_its_entries_back(entries: list[Entry]) -> None:
    """The entries of an index come back in their order."""
    assert decode_index(encode_index(entries), where="index") == entries


@given(st.data())
def test_a_damaged_index_is_noticed(data: st.DataObject) -> None:
    """One flipped bit or a cut end anywhere in an index is an error that names it."""
    whole = bytearray(encode_index([Entry(blake3(b"x").digest(), 0, 10, 20, 0, packed=True)]))
    place = data.draw(st.integers(0, len(whole) * 8 - 1))
    flipped = bytearray(whole)
    flipped[place // 8] ^= 1 << place % 8

    with pytest.raises(Corrupt, match="packs/ab"):
        decode_index(bytes(flipped), where="packs/ab")
    with pytest.raises(Corrupt):
        decode_index(bytes(whole[: place // 8]), where="packs/ab")

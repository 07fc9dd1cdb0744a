"""Contents out of the store, and what is wrong with them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from stackcanvas.data.store import Damage
from stackcanvas.data.store.packs import INDEX, PACK, PREFIX
from stackcanvas.errors import Corrupt

if TYPE_CHECKING:
    from tests.data.store.conftest import Store

_LARGE = random.Random(1).randbytes(2_000_000)


def _pack(store: Store) -> str:
    return next(info.key for info in store.objects.list(PREFIX) if info.key.endswith(PACK))


def _flip(store: Store, key: str, place: int) -> None:
    data = bytearray(store.objects.get(key))
    data[place] ^= 4
    store.objects.put(key, bytes(data))


def test_many_contents(store: Store) -> None:
    """Large and small contents come in the order asked, repeated ones repeated."""
    contents = [b"a", _LARGE, b"", b"b" * 200_000, b"a"]
    digests = store.put(*contents)

    wanted = [(digest, len(content)) for digest, content in zip(digests, contents, strict=True)]

    assert [b"".join(pieces) for pieces in store.reader.contents(wanted)] == contents


def test_another_machine_reads(make_store: Callable[..., Store]) -> None:
    """A reader whose cache knows nothing finds what others have stored."""
    (digest,) = make_store("one").put(_LARGE)

    assert make_store("two").reader.whole(digest) == _LARGE


def test_a_content_that_was_never_stored(store: Store) -> None:
    """What no pack holds is an error that says so."""
    with pytest.raises(Corrupt, match="no pack holds it"):
        store.reader.whole(blake3(b"never").digest())


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_bit(store: Store, seed: int) -> None:
    """One flipped bit anywhere in a pack is noticed, with the pack, the chunk and the place."""
    text = b"".join(b"%d,EWR\n" % number for number in range(100_000))
    digests = store.put(_LARGE, text, b"small")
    key = _pack(store)
    place = random.Random(seed).randrange(len(store.objects.get(key)))
    _flip(store, key, place)

    damages = [chunk for digest in digests for chunk in store.reader.probe(digest) if isinstance(chunk, Damage)]

    (damage,) = damages
    (location,) = store.index.locate([bytes.fromhex(damage.chunk)])
    assert location is not None
    assert damage.pack == key
    assert damage.offset == location.entry.offset <= place < location.entry.offset + location.entry.stored_bytes
    with pytest.raises(Corrupt, match=key):
        [store.reader.whole(digest) for digest in digests]


def test_a_pack_cut_short(store: Store) -> None:
    """A pack that lost its end is noticed."""
    (digest,) = store.put(_LARGE)
    store.objects.put(_pack(store), store.objects.get(_pack(store))[:-100])

    assert any(isinstance(chunk, Damage) for chunk in store.reader.probe(digest))


@pytest.mark.parametrize("suffixes", [[PACK], [PACK, INDEX]])
def test_a_missing_pack(make_store: Callable[..., Store], suffixes: list[str]) -> None:
    """A pack that is gone is noticed, and named as long as anything tells its name."""
    store = make_store("one")
    (digest,) = store.put(_LARGE)
    key = _pack(store)
    for suffix in suffixes:
        store.objects.delete(key.removesuffix(PACK) + suffix)

    (damage,) = store.reader.probe(digest)
    assert isinstance(damage, Damage)
    assert (damage.what, damage.pack) == ("the pack is missing", key)
    (unknown,) = make_store("two").reader.probe(digest)
    assert isinstance(unknown, Damage)
    assert unknown.pack == (key if suffixes == [PACK] else None)


def test_storing_again_mends(make_store: Callable[..., Store]) -> None:
    """After damage was met, the same content is stored again, and every machine reads it from there."""
    store = make_store("one")
    (digest,) = store.put(_LARGE)
    other = make_store("two")
    assert other.reader.whole(digest) == _LARGE
    _flip(store, _pack(store), 1000)
    with pytest.raises(Corrupt):
        store.reader.whole(digest)
    assert store.reader.complete([digest]) == [False]

    store.put(_LARGE)

    assert store.reader.whole(digest) == _LARGE
    assert other.reader.whole(digest) == _LARGE
    assert make_store("three").reader.whole(digest) == _LARGE


def test_complete(store: Store) -> None:
    """A content counts as stored only with all its chunks."""
    whole, small = store.put(_LARGE, b"small")
    missing = blake3(b"never").digest()

    assert store.reader.complete([whole, small, missing]) == [True, True, False]

"""The local cache of what lies in which pack."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from blake3 import blake3

from stackcanvas.data.store.packs import INDEX, PACK, PREFIX

if TYPE_CHECKING:
    from tests.data.store.conftest import Store

_MISSING = blake3(b"never stored").digest()


def test_a_new_cache_learns_from_the_store(make_store: Callable[..., Store]) -> None:
    """A cache that was lost, or that of another machine, is made from the index objects."""
    digests = make_store("one").put(b"first", b"second", bytes(600_000))
    other = make_store("two")

    assert other.index.known(digests) == [False, False, False]
    other.index.refresh()
    assert other.index.known([*digests, _MISSING]) == [True, True, True, False]


def test_packs_that_are_gone_are_forgotten(make_store: Callable[..., Store]) -> None:
    """After a pack was lost its chunks are not counted on any more, those of other packs are."""
    store = make_store()
    (lost,) = store.put(b"in the first pack")
    first = [info.key for info in store.objects.list(PREFIX)]
    (kept,) = store.put(b"in the second pack")
    store.objects.delete(next(key for key in first if key.endswith(PACK)))

    store.index.refresh()

    assert store.index.known([lost, kept]) == [False, True]
    (place,) = store.index.lost([lost, kept]).values()
    assert place.entry.digest == lost


def test_a_pack_without_an_index_does_not_count(make_store: Callable[..., Store]) -> None:
    """What a writer killed between pack and index has left is not believed."""
    (digest,) = make_store("one").put(b"content")
    other = make_store("two")
    other.objects.delete(next(info.key for info in other.objects.list(PREFIX) if info.key.endswith(INDEX)))

    other.index.refresh()

    assert other.index.known([digest]) == [False]


def test_a_bad_chunk_is_found_but_not_counted_on(store: Store) -> None:
    """A chunk that could not be read is still found by readers; writers store it again."""
    (digest,) = store.put(b"content")
    (place,) = store.index.locate([digest])
    assert place is not None

    store.index.mark_bad([place])
    store.index.refresh()

    assert store.index.known([digest]) == [False]
    (found,) = store.index.locate([digest])
    assert found == place._replace(bad=True)
    store.put(b"content")
    assert store.index.known([digest]) == [True]

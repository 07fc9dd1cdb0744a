"""What every key-value store must do: subclass `KeyValueSuite` and give it stores.

class TestSqlite(KeyValueSuite):
    @pytest.fixture
    def open_empty(self, tmp_path):
        return lambda: SqliteKeyValue(tmp_path / secrets.token_hex(4))
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.errors import BadInput

_KEYS = st.sampled_from([b"", b"a", b"a\x00", b"a\xff", b"a\xff\xff", b"ab", b"b", b"\xff", b"\xff\xff"])
_ORDERS = st.integers(-3, 3) | st.sampled_from([-(2**127), -(2**64), 2**63, 2**64 + 1, 2**127 - 1])
_ITEMS = st.lists(st.tuples(_KEYS, _ORDERS, st.binary(max_size=20)), max_size=12)


class KeyValueSuite:
    """The promises of `KeyValue`, each as a test."""

    @pytest.fixture
    def open_empty(self) -> Callable[[], KeyValue]:
        """To be overridden: opens a new and empty store at each call."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, open_empty: Callable[[], KeyValue]) -> Iterator[KeyValue]:
        """One empty store."""
        store = open_empty()
        yield store
        store.close()

    def test_get_gives_what_was_put(self, store: KeyValue) -> None:
        """Values come back in the order of the keys asked, missing ones as None, repeated ones repeated."""
        assert store.put_many([(b"\x00", 1, b""), (b"k\xff", 1, b"\x00\xff"), (b"", 1, b"empty key")]) == 3

        assert store.get_many([b"k\xff", b"no", b"\x00", b"", b"k\xff"]) == [
            b"\x00\xff",
            None,
            b"",
            b"empty key",
            b"\x00\xff",
        ]
        assert store.get_many([]) == []

    def test_older_never_overwrites_newer(self, store: KeyValue) -> None:
        """An older item is left out and not counted; one of the same order replaces."""
        assert store.put_many([(b"a", 5, b"five")]) == 1
        assert store.put_many([(b"a", 4, b"four"), (b"b", 4, b"four")]) == 1
        assert store.get_many([b"a", b"b"]) == [b"five", b"four"]

        assert store.put_many([(b"a", 5, b"five again")]) == 1
        assert store.get_many([b"a"]) == [b"five again"]

    def test_one_key_twice_in_a_batch(self, store: KeyValue) -> None:
        """Within a batch the newest wins, and of equal ones the last."""
        kept = store.put_many([(b"a", 2, b"x"), (b"a", 1, b"y"), (b"b", 1, b"first"), (b"b", 1, b"second")])

        assert kept == 3
        assert store.get_many([b"a", b"b"]) == [b"x", b"second"]

    def test_orders_have_128_bits(self, store: KeyValue) -> None:
        """The ends of the range are kept apart, what lies beyond is refused with the whole batch."""
        store.put_many([(b"low", -(2**127), b"1"), (b"high", 2**127 - 1, b"1")])
        assert store.put_many([(b"low", -(2**127) + 1, b"2"), (b"high", 2**127 - 2, b"2")]) == 1

        with pytest.raises(BadInput):
            store.put_many([(b"fine", 1, b"1"), (b"high", 2**127, b"3")])
        assert store.get_many([b"low", b"high", b"fine"]) == [b"2", b"1", None]

    def test_orders_are_compared_whole(self, store: KeyValue) -> None:
        """Also where they differ in their lowest digits only, or in sign."""
        store.put_many([(b"a", (5 << 64) + 7, b"1"), (b"b", -1, b"1")])

        assert store.put_many([(b"a", (5 << 64) + 6, b"2"), (b"b", -2, b"2")]) == 0
        assert store.put_many([(b"a", (5 << 64) + 8, b"3"), (b"b", 0, b"3")]) == 2
        assert sorted(store.scan(b"")) == [(b"a", (5 << 64) + 8, b"3"), (b"b", 0, b"3")]

    def test_delete(self, store: KeyValue) -> None:
        """A deleted key is gone with its order, a missing one is fine."""
        store.put_many([(b"a", 9, b"1"), (b"b", 1, b"1")])
        store.delete_many([b"a", b"missing"])

        assert store.get_many([b"a", b"b"]) == [None, b"1"]
        assert store.put_many([(b"a", 1, b"older")]) == 1

    def test_scan(self, store: KeyValue) -> None:
        """A scan gives each item with the prefix once, more than a page of them too."""
        items = [(b"view:%05d" % number, number, b"%d" % number) for number in range(2500)]
        store.put_many([*items, (b"vie", 1, b""), (b"view;", 1, b""), (b"w", 1, b"")])

        assert sorted(store.scan(b"view:")) == items
        assert len(list(store.scan(b""))) == 2503
        assert list(store.scan(b"none")) == []

    def test_scan_while_others_write(self, store: KeyValue) -> None:
        """What is there during the whole scan comes exactly once, and the scan does not hold up a writer."""
        kept = {b"k%05d" % (2 * number) for number in range(1500)}
        store.put_many([(key, 1, b"") for key in kept])

        seen = []
        for number, (key, _, _) in enumerate(store.scan(b"k")):
            seen.append(key)
            if number % 500 == 0:
                store.put_many([(b"k%05d" % number_odd, 1, b"") for number_odd in range(1, 3000, 20)])

        assert len(seen) == len(set(seen))
        assert kept <= set(seen)

    def test_many_keys_at_once(self, store: KeyValue) -> None:
        """More keys than a statement takes are read in one call."""
        store.put_many([(b"%d" % number, 1, b"v%d" % number) for number in range(3000)])

        found = store.get_many([b"%d" % number for number in range(4000)])

        assert found == [b"v%d" % number for number in range(3000)] + [None] * 1000

    def test_threads(self, store: KeyValue) -> None:
        """Writers in several threads lose nothing, and a batch is seen whole or not at all."""
        torn: list[object] = []
        done = threading.Event()
        pair = [b"left", b"right"]

        def write(worker: int) -> None:
            for number in range(50):
                store.put_many([(key, number, b"%d %d" % (worker, number)) for key in pair])
                store.put_many([(b"own:%d:%d" % (worker, number), 1, b"")])

        def read() -> None:
            while not done.is_set():
                left, right = store.get_many(pair)
                if left != right:
                    torn.append((left, right))

        reader = threading.Thread(target=read)
        writers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
        for thread in (reader, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        reader.join()

        assert torn == []
        assert len(list(store.scan(b"own:"))) == 200

    def test_close_twice(self, open_empty: Callable[[], KeyValue]) -> None:
        """Closing is done once, and again does no harm."""
        store = open_empty()
        store.close()
        store.close()

    def test_against_a_dictionary(self, open_empty: Callable[[], KeyValue]) -> None:
        """Whatever is done to it, a store holds what a dictionary would."""

        class Machine(_Machine):
            def __init__(self) -> None:
                super().__init__(open_empty())

        run_state_machine_as_test(Machine, settings=settings(max_examples=40, stateful_step_count=25, deadline=None))


class _Machine(RuleBasedStateMachine):
    def __init__(self, store: KeyValue) -> None:
        super().__init__()
        self.store = store
        self.model: dict[bytes, tuple[int, bytes]] = {}

    @rule(items=_ITEMS)
    def put(self, items: list[tuple[bytes, int, bytes]]) -> None:
        kept = 0
        for key, order, value in items:
            if key not in self.model or order >= self.model[key][0]:
                self.model[key] = (order, value)
                kept += 1
        assert self.store.put_many(items) == kept

    @rule(keys=st.lists(_KEYS, max_size=3))
    def delete(self, keys: list[bytes]) -> None:
        self.store.delete_many(keys)
        for key in keys:
            self.model.pop(key, None)

    @rule(keys=st.lists(_KEYS, max_size=6))
    def get(self, keys: list[bytes]) -> None:
        assert self.store.get_many(keys) == [self.model.get(key, (0, None))[1] for key in keys]

    @rule(prefix=_KEYS)
    def scan(self, prefix: bytes) -> None:
        expected = sorted((key, *kept) for key, kept in self.model.items() if key.startswith(prefix))
        assert sorted(self.store.scan(prefix)) == expected

    def teardown(self) -> None:
        self.store.close()

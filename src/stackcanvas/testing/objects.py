"""What every object store must do: subclass `ObjectsSuite` and give it stores.

class TestFolder(ObjectsSuite):
    @pytest.fixture
    def open_empty(self, tmp_path):
        return lambda: FolderObjects(tmp_path / secrets.token_hex(4))
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from stackcanvas.backends.objects import ObjectInfo, Objects
from stackcanvas.errors import BadInput, Conflict, NotFound

# No one of these is the folder of another, which an adapter may refuse; all are a prefix of some other's text.
_KEYS = ("a", "a-b", "ab", "abc/x", "abc/x y", "abc/xé", "abd/x/y", "abd/x/y.z", "abd/x-y")
_BAD_KEYS = (
    *("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden/a"),
    *("a\x00b", "a\nb", "a\\b", "\udc80", "a" * 256, "/".join(["a" * 200] * 6)),
)


class ObjectsSuite:
    """The promises of `Objects`, each as a test.

    Attributes:
        examples: how many random histories are tried; a store behind a network may want fewer.
    """

    examples = 30

    @pytest.fixture
    def open_empty(self) -> Callable[[], Objects]:
        """To be overridden: opens a new and empty store at each call."""
        raise NotImplementedError

    @pytest.fixture
    def objects(self, open_empty: Callable[[], Objects]) -> Objects:
        """One empty store."""
        return open_empty()

    def test_get_gives_what_was_put(self, objects: Objects) -> None:
        """Bytes come back as they were, empty ones too."""
        objects.put("data/one", b"\x00\xff\n")
        objects.put("data/empty", b"")

        assert objects.get("data/one") == b"\x00\xff\n"
        assert objects.get("data/empty") == b""

    def test_put_replaces(self, objects: Objects) -> None:
        """A second put of a key takes the place of the first."""
        objects.put("key", b"a longer first value")
        objects.put("key", b"second")

        assert objects.get("key") == b"second"
        assert objects.size("key") == 6

    def test_if_absent_keeps_the_first(self, objects: Objects) -> None:
        """With `if_absent` a taken key is a conflict and keeps its bytes."""
        objects.put("key", b"first", if_absent=True)

        with pytest.raises(Conflict):
            objects.put("key", b"second", if_absent=True)

        assert objects.get("key") == b"first"

    def test_if_absent_has_one_winner(self, objects: Objects) -> None:
        """Of many writers at the same moment one wins, and its bytes stand."""
        winners: list[bytes] = []
        start = threading.Barrier(8)

        def write(mine: bytes) -> None:
            start.wait()
            try:
                objects.put("race", mine, if_absent=True)
            except Conflict:
                return
            winners.append(mine)

        threads = [threading.Thread(target=write, args=(b"%d" % number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert winners == [objects.get("race")]

    def test_put_file(self, objects: Objects, tmp_path: Path) -> None:
        """A file's bytes are stored, and the file may change afterwards."""
        source = tmp_path / "source"
        source.write_bytes(b"x" * 3_000_000)

        objects.put_file("file", source)
        source.write_bytes(b"changed")

        assert objects.get("file") == b"x" * 3_000_000
        with pytest.raises(Conflict):
            objects.put_file("file", source, if_absent=True)

    def test_put_file_that_is_missing(self, objects: Objects, tmp_path: Path) -> None:
        """A missing source is said, and nothing is stored."""
        with pytest.raises(NotFound):
            objects.put_file("file", tmp_path / "missing")

        assert objects.size("file") is None

    def test_ranges(self, objects: Objects) -> None:
        """A range gives its bytes, and fewer where the object ends."""
        objects.put("key", b"0123456789")

        assert objects.get("key", start=3, length=4) == b"3456"
        assert objects.get("key", start=8) == b"89"
        assert objects.get("key", start=8, length=100) == b"89"
        assert objects.get("key", start=4, length=0) == b""
        assert objects.get("key", start=10, length=5) == b""
        assert objects.get("key", start=50) == b""
        with pytest.raises(BadInput):
            objects.get("key", start=-1)

    def test_missing(self, objects: Objects) -> None:
        """A missing object has no size, cannot be got, and may be deleted."""
        assert objects.size("missing/key") is None
        with pytest.raises(NotFound):
            objects.get("missing/key")
        objects.delete("missing/key")

    def test_a_folder_is_no_object(self, objects: Objects) -> None:
        """What is only the beginning of a key is not an object."""
        objects.put("data/one", b"1")

        assert objects.size("data") is None
        with pytest.raises(NotFound):
            objects.get("data")
        with pytest.raises(NotFound):
            objects.get("data/one/two")
        objects.delete("data")

        assert objects.get("data/one") == b"1"

    def test_delete(self, objects: Objects) -> None:
        """A deleted object is gone, and its key can be used again."""
        objects.put("data/one", b"1")
        objects.delete("data/one")

        assert objects.size("data/one") is None
        assert list(objects.list()) == []
        objects.put("data/one", b"2", if_absent=True)
        assert objects.get("data/one") == b"2"

    def test_list_is_sorted_and_filtered(self, objects: Objects) -> None:
        """A listing is in the order of the keys and holds those with the prefix."""
        for key in reversed(_KEYS):
            objects.put(key, key.encode())

        assert _keys(objects) == sorted(_KEYS)
        for prefix in ("a", "ab", "abc/", "abc/x", "abd/x/", "abd/x", "none", "abc/x/none", "a/"):
            assert _keys(objects, prefix) == sorted(key for key in _KEYS if key.startswith(prefix))

    def test_list_gives_size_and_time(self, objects: Objects) -> None:
        """A listing tells the size and the time of writing."""
        objects.put("key", b"12345")

        (info,) = objects.list()

        assert isinstance(info, ObjectInfo)
        assert info.size_bytes == 5
        assert abs(datetime.now(UTC) - info.modified) < timedelta(minutes=10)

    @pytest.mark.parametrize("key", _BAD_KEYS)
    def test_keys_that_no_store_can_hold(self, objects: Objects, key: str) -> None:
        """A key that leads out of the store, or that some store cannot hold, is refused by every verb."""
        with pytest.raises(BadInput):
            objects.put(key, b"")
        with pytest.raises(BadInput):
            objects.get(key)
        with pytest.raises(BadInput):
            objects.size(key)
        with pytest.raises(BadInput):
            objects.delete(key)

    def test_a_prefix_stays_inside(self, objects: Objects) -> None:
        """A listing cannot be led out of the store."""
        with pytest.raises(BadInput):
            list(objects.list("../"))

    def test_against_a_dictionary(self, open_empty: Callable[[], Objects]) -> None:
        """Whatever is done to it, a store holds what a dictionary would."""

        class Machine(_Machine):
            def __init__(self) -> None:
                super().__init__(open_empty())

        run_state_machine_as_test(
            Machine, settings=settings(max_examples=self.examples, stateful_step_count=30, deadline=None)
        )


class _Machine(RuleBasedStateMachine):
    def __init__(self, objects: Objects) -> None:
        super().__init__()
        self.objects = objects
        self.model: dict[str, bytes] = {}

    @rule(key=st.sampled_from(_KEYS), data=st.binary(max_size=40), if_absent=st.booleans())
    def put(self, key: str, data: bytes, *, if_absent: bool) -> None:
        if if_absent and key in self.model:
            with pytest.raises(Conflict):
                self.objects.put(key, data, if_absent=True)
            return
        self.objects.put(key, data, if_absent=if_absent)
        self.model[key] = data

    @rule(key=st.sampled_from(_KEYS))
    def delete(self, key: str) -> None:
        self.objects.delete(key)
        self.model.pop(key, None)

    @rule(key=st.sampled_from(_KEYS), start=st.integers(0, 50), length=st.none() | st.integers(0, 50))
    def get(self, key: str, start: int, length: int | None) -> None:
        if key not in self.model:
            with pytest.raises(NotFound):
                self.objects.get(key, start=start, length=length)
            return
        stop = None if length is None else start + length
        assert self.objects.get(key, start=start, length=length) == self.model[key][start:stop]

    @rule(prefix=st.sampled_from(_KEYS).flatmap(lambda key: st.integers(0, len(key)).map(lambda size: key[:size])))
    def list(self, prefix: str) -> None:
        found = [(info.key, info.size_bytes) for info in self.objects.list(prefix)]
        assert found == [(key, len(self.model[key])) for key in sorted(self.model) if key.startswith(prefix)]

    @invariant()
    def sizes(self) -> None:
        for key in _KEYS:
            assert self.objects.size(key) == (len(self.model[key]) if key in self.model else None)


def _keys(objects: Objects, prefix: str = "") -> list[str]:
    return [info.key for info in objects.list(prefix)]

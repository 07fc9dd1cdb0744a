"""The store of what steps returned: by digest, small values in the database, large ones in the object store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import BadInput, Corrupt, NotFound
from stackcanvas.metadata import Spine
from stackcanvas.pipelines import encoding
from stackcanvas.pipelines.encoding import Encoded
from stackcanvas.pipelines.tables import pipeline_condemned, pipeline_value

PREFIX = "pipelines/values/"
_SMALL_BYTES = 16 << 10
_MEMO_BYTES = 256 << 20
_SHARED: dict[str, Callable[[Any], Any]] = {
    # A clone costs nothing, and what a step does to it in place stays with it.
    encoding.POLARS: lambda frame: frame.clone(),
    encoding.ARROW: lambda table: table,
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A value that is kept.

    Args:
        digest: names it.
        kind: how its bytes are read.
        data: the bytes, where they are few; None when they lie in the object store.
    """

    digest: str
    kind: str
    size_bytes: int
    data: bytes | None


class Values:
    """Keeps values and gives them back.

    Args:
        rename: gives the module of today for one that a pickle names.
    """

    def __init__(self, spine: Spine, objects: Objects, *, rename: Callable[[str], str] = str) -> None:
        self._spine = spine
        self._objects = objects
        self._rename = rename
        self._memo: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._expected: dict[str, Stored] = {}
        # Made once: putting a statement together takes longer than executing it.
        self._statement = spine.database.insert(pipeline_value).on_conflict_do_nothing()

    def keep(self, encoded: Encoded) -> list[Stored]:
        """Write large bytes to the object store; the rows still have to be recorded. The value itself comes first."""
        digest, size_bytes = encoded.digest, len(encoded.data)
        small = size_bytes <= _SMALL_BYTES
        if not small and (self._took_back(digest) or self._objects.size(value_key(digest)) != size_bytes):
            self._objects.put(value_key(digest), encoded.data)
        stored = Stored(digest, encoded.kind, size_bytes, encoded.data if small else None)
        return [stored, *(row for part in encoded.parts for row in self.keep(part))]

    def expect(self, values: Iterable[Stored]) -> None:
        """Find these by their digests already now: their rows will be recorded with the next write of the run."""
        self._expected.update((one.digest, one) for one in values)

    def record(self, tx: Connection, values: Iterable[Stored]) -> None:
        """Record digests inside the caller's transaction: from then on they may be read."""
        now = self._spine.clock.now()
        rows = [
            {"digest": one.digest, "kind": one.kind, "size_bytes": one.size_bytes, "data": one.data, "created": now}
            for one in values
        ]
        if rows:
            tx.execute(self._statement, rows)
            for row in rows:
                self._expected.pop(str(row["digest"]), None)

    def find(self, digest: str) -> Stored:
        """The recorded value of a digest.

        Raises:
            NotFound: none was recorded.
        """
        for stored in self.find_all([digest]).values():
            return stored
        raise NotFound("kept value", digest)

    def find_all(self, digests: Iterable[str]) -> dict[str, Stored]:
        """The recorded values among these digests."""
        columns = [pipeline_value.c[name] for name in ("digest", "kind", "size_bytes", "data")]
        wanted = list(dict.fromkeys(digests))
        found = {digest: self._expected[digest] for digest in wanted if digest in self._expected}
        wanted = [digest for digest in wanted if digest not in found]
        if not wanted:
            return found
        with self._spine.read() as connection:
            for start in range(0, len(wanted), 500):
                chosen = select(*columns).where(pipeline_value.c.digest.in_(wanted[start : start + 500]))
                found |= {row.digest: Stored(*row) for row in connection.execute(chosen)}
        return found

    def is_there(self, stored: Stored) -> bool:
        """Whether the bytes are there, those of its parts included."""
        if stored.data is None and self._objects.size(value_key(stored.digest)) != stored.size_bytes:
            return False
        if stored.kind != encoding.PARTS:
            return True
        digests = encoding.members(self._bytes(stored))[2]
        parts = self.find_all(digests)
        return all(digest in parts and self.is_there(parts[digest]) for digest in digests)

    def load(self, stored: Stored) -> Any:
        """The value.

        Raises:
            Corrupt: the bytes are not those that were kept.
            BadInput: it cannot be read with the code of today.
        """
        share = _SHARED.get(stored.kind)
        if stored.digest in self._memo and share is not None:
            self._memo.move_to_end(stored.digest)
            return share(self._memo[stored.digest][1])
        data = self._bytes(stored)
        if stored.kind == encoding.PARTS:
            container, keys, digests = encoding.members(data)
            parts = self.find_all(digests)
            return encoding.assemble(container, keys, [self.load(_known(parts, digest)) for digest in digests])
        value = self._decode(stored, data)
        self.remember(stored, value)
        return value if share is None else share(value)

    def part(self, stored: Stored, key: int | str) -> Stored:
        """An item of a container; of one that is kept in parts, without reading the others.

        Raises:
            BadInput: it has no such item.
        """
        if stored.kind == encoding.PARTS:
            container, keys, digests = encoding.members(self._bytes(stored))
            held: Any = digests if keys is None else dict(zip(keys, digests, strict=True))
            return self.find(_item(held, key, container))
        value = self.load(stored)
        return self.keep(encoding.encode(_item(value, key, type(value).__name__)))[0]

    def items(self, stored: Stored) -> list[Stored]:
        """The items of a list or tuple.

        Raises:
            BadInput: it is something else.
        """
        if stored.kind == encoding.PARTS:
            container, keys, digests = encoding.members(self._bytes(stored))
            if keys is None:
                parts = self.find_all(digests)
                return [_known(parts, digest) for digest in digests]
            raise _no_list(container)
        value = self.load(stored)
        if not isinstance(value, list | tuple):
            raise _no_list(type(value).__name__)
        return [self.keep(encoding.encode(item))[0] for item in value]

    def _took_back(self, digest: str) -> bool:
        """Whether a value was to go, because nothing named it: it is wanted again, and must be written anew.

        What is condemned after this look goes only when the run that makes the value has ended.
        """
        here = pipeline_condemned.c.digest == digest
        with self._spine.read() as connection:
            if connection.execute(select(here).where(here)).first() is None:
                return False
        with self._spine.write() as tx:
            tx.execute(delete(pipeline_condemned).where(here))
        return True

    def _bytes(self, stored: Stored) -> bytes:
        data = stored.data
        if data is None:
            data = self._objects.get(value_key(stored.digest))
        if encoding.digest_of(stored.kind, data) != stored.digest:
            raise Corrupt(
                "the bytes of a kept value are not those that the step returned",
                where=value_key(stored.digest),
                fix="Run the pipeline again with --fresh",
            )
        return data

    def _decode(self, stored: Stored, data: bytes) -> Any:
        try:
            return encoding.decode(stored.kind, data, rename=self._rename)
        except Exception as error:
            raise BadInput(
                f"a kept value cannot be read with the code of today ({type(error).__name__}: {error})",
                fix="Run the pipeline again with --fresh",
            ) from error

    def remember(self, stored: Stored, value: object) -> None:
        """Hold a value that has just been made or read, where others can share it without harm."""
        share = _SHARED.get(stored.kind)
        if share is None:
            return
        self._memo[stored.digest] = stored.size_bytes, share(value)
        while sum(size for size, _ in self._memo.values()) > _MEMO_BYTES:
            self._memo.popitem(last=False)


def value_key(digest: str) -> str:
    """Where the bytes of a large value lie in the object store."""
    return f"{PREFIX}{digest[:2]}/{digest}"


def _known(parts: dict[str, Stored], digest: str) -> Stored:
    if digest not in parts:
        raise NotFound("kept value", digest)
    return parts[digest]


def _item(value: Any, key: int | str, kind: str) -> Any:
    try:
        return value[key]
    except Exception:  # noqa: BLE001 - whatever the container's own code raises
        size = f" of {len(value)}" if isinstance(value, list | tuple | dict) else ""
        raise BadInput(f"the result is a {kind}{size} and has no item {key!r}") from None


def _no_list(kind: str) -> BadInput:
    return BadInput(f"sc.map was given a {kind}", expected="a list or a tuple")

"""Files of model versions that nothing names any more.

What a deleted version had, and no other has, may go at once: its deletion says what that was. Any other file may be on
its way to a version that has no number yet, and goes only once it has lain for a day. Files are removed while nobody
writes records, and a version that gets its number looks whether its files are there: whoever is first, nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta

from sqlalchemy import Connection, select

from stackcanvas.backends.objects import Objects
from stackcanvas.metadata import Spine
from stackcanvas.registry.files import FOLDER, ModelFiles, digest_of
from stackcanvas.registry.tables import model_version

DELETED = "model.deleted"
_PAGE = 1000
_AT_ONCE = 50  # bytes are removed inside a transaction, and others wait to write
_ON_ITS_WAY = timedelta(days=1)


class Clearing:
    """Removes files of models that nothing names.

    Args:
        objects: where they lie.
        needed: tells the digests of files that something besides the versions needs.
    """

    def __init__(self, spine: Spine, objects: Objects, *, needed: Callable[[], Collection[str]]) -> None:
        self._spine = spine
        self._objects = objects
        self._needed = needed

    def look(self) -> dict[str, int]:
        """What would be removed: digest to size."""
        before = self._spine.clock.now() - _ON_ITS_WAY
        deleted = self._deleted()
        with self._spine.read() as connection:
            named = self._named(connection)
        found = {}
        for info in self._objects.list(f"{FOLDER}/"):
            digest = digest_of(info.key)
            if digest is not None and digest not in named and (digest in deleted or info.modified < before):
                found[digest] = info.size_bytes
        return found

    def clear(self) -> tuple[int, int]:
        """Remove what nothing names: how many files, and their bytes. Safe beside registrations."""
        found = self.look()
        files = size_bytes = 0
        for some in _batches(sorted(found)):
            with self._spine.write() as tx:
                named = self._named(tx)
                gone = [digest for digest in some if digest not in named]
                for digest in gone:
                    self._objects.delete(ModelFiles.key(digest))
            files, size_bytes = files + len(gone), size_bytes + sum(found[digest] for digest in gone)
        return files, size_bytes

    def _named(self, connection: Connection) -> set[str]:
        rows = connection.execute(select(model_version.c.files)).scalars()
        return {digest for files in rows for digest in files.values()}.union(self._needed())

    def _deleted(self) -> set[str]:
        """The files of the versions that were deleted, as far as their deletion says."""
        found: set[str] = set()
        last = 0
        while page := self._spine.events.after(last, names={DELETED}, limit=_PAGE):
            last = page[-1].sequence
            for event in page:
                files = event.payload.get("files")
                found.update(files if isinstance(files, list) else ())
        return found


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]

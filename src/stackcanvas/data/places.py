"""Which version lies where in the project's folder, for `status` and for checking out another one there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from stackcanvas.backends.keyvalue import KeyValue

_PLACE = b"w"


@dataclass(frozen=True, slots=True)
class Place:
    """A data set as it lies on this disk.

    Args:
        name: of the data set.
        number: of the version that was committed from here or checked out here last.
        folder: what the paths in the version start from, absolute.
        roots: the files and folders, absolute.
    """

    name: str
    number: int
    folder: Path
    roots: tuple[Path, ...]


class Places:
    """Remembers places. Losing them costs no data: the next commit or checkout notes them again.

    Args:
        cache: a key-value store; keys begin with `w`.
    """

    def __init__(self, cache: KeyValue) -> None:
        self._cache = cache

    def get(self, name: str) -> Place | None:
        """Where a data set lies, None when it is not known to lie anywhere."""
        (value,) = self._cache.get_many([_PLACE + name.encode()])
        return None if value is None else _place(name, value)

    def note(self, place: Place) -> None:
        """Remember where a data set lies."""
        facts = {
            "number": place.number,
            "folder": str(place.folder),
            "roots": [str(root) for root in place.roots],
        }
        self._cache.put_many([(_PLACE + place.name.encode(), 0, json.dumps(facts).encode())])

    def all(self) -> list[Place]:
        """Every place, sorted by name."""
        found = [_place(key[len(_PLACE) :].decode(), value) for key, _, value in self._cache.scan(_PLACE)]
        return sorted(found, key=lambda place: place.name)


def _place(name: str, value: bytes) -> Place:
    facts = json.loads(value)
    roots = tuple(Path(root) for root in facts["roots"])
    return Place(name, int(facts["number"]), Path(facts["folder"]), roots)

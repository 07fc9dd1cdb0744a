"""What a remote knows of versions besides their contents: one small object a version, one a tag.

A version is told apart by where it comes from, the execution that committed it: two workspaces that push to one remote
meet there, whatever numbers their databases gave.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from stackcanvas.backends.objects import ObjectInfo, Objects
from stackcanvas.data.manifest import digest_of
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import Conflict, Corrupt

_NAMES, _VERSIONS, _TAGS = "data/remote/names/", "data/remote/versions/", "data/remote/tags/"
_FORMAT = 1
_THREADS = 16


@dataclass(frozen=True, slots=True)
class Record:
    """A version as a remote holds it.

    Args:
        number: in the workspace that pushed it.
        facts: columns of its row that the manifest does not tell.
    """

    name: str
    origin: str
    number: int
    digest: str
    created: datetime
    facts: Mapping[str, object]


_FACTS = ("message", "source", "changed_columns", "new_bytes", "broken")


class Records:
    """Reads and writes the records of a remote.

    Args:
        objects: the remote.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def names(self) -> list[str]:
        """The data sets that somebody has pushed, sorted."""
        found = [str(_read(data, key)["name"]) for key, data in self._all(_NAMES)]
        return sorted(found)

    def versions(self, name: str) -> list[Record]:
        """The versions of a data set, in the order in which they were committed."""
        return sorted((_record(_read(data, key), key) for key, data in self._all(_folder(_VERSIONS, name))), key=_order)

    def origins(self, name: str) -> set[str]:
        """Where the versions of a data set come from."""
        folder = _folder(_VERSIONS, name)
        return {info.key.removeprefix(folder) for info in self._objects.list(folder)}

    def tags(self, name: str) -> dict[str, str]:
        """The tags of a data set: name to the origin of the version."""
        found = [_read(data, key) for key, data in self._all(_folder(_TAGS, name))]
        return {str(record["tag"]): str(record["origin"]) for record in found}

    def announce(self, name: str) -> None:
        """Say that there is a data set; before anything of it is sent, so that nobody clears up what is on its way."""
        self._objects.put(f"{_NAMES}{digest_of(name.encode())}", _text({"name": name}))

    def add(self, version: DataVersion) -> None:
        """Record a version whose contents are there."""
        told = {
            "name": version.name,
            "origin": version.origin,
            "number": version.number,
            "digest": version.digest,
            "created": version.created.isoformat(),
            "facts": {name: getattr(version, name) for name in _FACTS},
        }
        try:
            self._objects.put(f"{_folder(_VERSIONS, version.name)}{version.origin}", _text(told), if_absent=True)
        except Conflict:
            return  # somebody else who has it from the same place was faster

    def tag(self, name: str, tag: str, origin: str, *, move: bool) -> str | None:
        """Give a version a tag; returns the origin of another version that keeps it, None when it was given."""
        record = _text({"tag": tag, "origin": origin})
        key = f"{_folder(_TAGS, name)}{digest_of(tag.encode())}"
        try:
            self._objects.put(key, record, if_absent=not move)
        except Conflict:
            holder = str(_read(self._objects.get(key), key)["origin"])
            return None if holder == origin else holder
        return None

    def _all(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        with ThreadPoolExecutor(_THREADS) as threads:
            yield from threads.map(self._one, self._objects.list(prefix))

    def _one(self, info: ObjectInfo) -> tuple[str, bytes]:
        return info.key, self._objects.get(info.key)


def is_remote(objects: Objects) -> bool:
    """Whether somebody has pushed to this store."""
    return next(objects.list(_NAMES), None) is not None


def _folder(prefix: str, name: str) -> str:
    # A name may be longer than a segment of a key, and hold what no key may.
    return f"{prefix}{digest_of(name.encode())}/"


def _order(record: Record) -> tuple[datetime, str, int]:
    return record.created, record.origin, record.number


def _text(record: Mapping[str, object]) -> bytes:
    return json.dumps({"format": _FORMAT, **record}, sort_keys=True, ensure_ascii=False).encode()


def _read(data: bytes, key: str) -> dict[str, object]:
    try:
        record = json.loads(data)
        if record.pop("format") != _FORMAT:
            raise Corrupt("the record has a format that this version does not know", where=key)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Corrupt(f"the record of the remote is damaged ({error})", where=key) from error
    return dict(record)


def _record(told: Mapping[str, object], key: str) -> Record:
    try:
        facts = dict(told["facts"])  # type: ignore[call-overload]
        return Record(
            name=str(told["name"]),
            origin=str(told["origin"]),
            number=int(str(told["number"])),
            digest=str(told["digest"]),
            created=datetime.fromisoformat(str(told["created"])),
            facts={name: facts[name] for name in _FACTS},
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Corrupt(f"the record of the remote is damaged ({error})", where=key) from error

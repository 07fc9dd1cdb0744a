"""The environment that code runs in: Python, platform and the versions of all installed packages."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec
from blake3 import blake3

_ENDINGS = (".dist-info", ".egg-info")


@dataclass(frozen=True, slots=True)
class Environment:
    """What was installed.

    Args:
        python: the version of the interpreter.
        platform: system and machine.
        packages: version by name.
        digest: of all of it.
        lock: requirements that install the same packages again; only on an environment that a run recorded.
    """

    python: str
    platform: str
    packages: dict[str, str]
    digest: str
    lock: str | None = field(default=None, compare=False, repr=False)


def environment() -> Environment:
    """The environment of this process, read anew when the import path has changed.

    Example:
        >>> environment().digest == environment().digest
        True
    """
    return _read(tuple(sys.path))


@lru_cache(maxsize=4)
def _read(path: tuple[str, ...]) -> Environment:
    found: dict[str, str] = {}
    for folder in path:
        # The names of the folders say name and version: reading every METADATA file takes a hundred times longer.
        for name, version in _installed(folder or "."):
            found.setdefault(name, version)
    packages = dict(sorted(found.items()))
    python, machine = platform.python_version(), f"{sys.platform}-{platform.machine()}"
    return Environment(python=python, platform=machine, packages=packages, digest=_digest(python, machine, packages))


def is_whole(given: Environment) -> bool:
    """Whether the digest of an environment that somebody tells of is that of its packages."""
    return given.digest == _digest(given.python, given.platform, dict(sorted(given.packages.items())))


def _digest(python: str, machine: str, packages: dict[str, str]) -> str:
    return blake3(msgspec.msgpack.encode([python, machine, list(packages.items())])).hexdigest()


def _installed(folder: str) -> list[tuple[str, str]]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(_ENDINGS)]
    except OSError:  # an entry of the path may be a zip file, or missing
        return []
    stems = [name.rpartition(".")[0] for name in names]
    parts = [stem.split("-") for stem in stems]
    return [(part[0].lower().replace("_", "-"), part[1] if len(part) > 1 else "") for part in parts]

"""The lock of an environment: each package with its version, where it came from and what its files hash to.

Installers do not keep the hashes of what they installed. They are taken from the lock file of the project where the
very same version stands in it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path

_REQUIREMENTS = ("requirements.lock", "requirements.txt")
_TABLES = ("uv.lock", "pylock.toml", "poetry.lock")
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;]+)([^\n]*)", re.MULTILINE)
_HASH = re.compile(r"--hash=(sha\d+:[0-9a-f]+)")


def lock(packages: Mapping[str, str], *, root: Path | None = None) -> str:
    r"""Requirements that install the same packages again, a line each, in the order of their names.

    Args:
        packages: version by name, as installed.
        root: the project's folder, whose lock file may know hashes.

    Example:
        >>> lock({"polars": "2.0.1"})
        'polars==2.0.1\n'
    """
    known = hashes(root) if root is not None else {}
    sources = dict(_sources())
    return "".join(
        f"{_line(name, version, source=sources.get(name), known=known.get((name, version), ()))}\n"
        for name, version in sorted(packages.items())
    )


def hashes(root: Path) -> dict[tuple[str, str], list[str]]:
    """What the lock files of a project say that packages hash to, by name and version."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in _REQUIREMENTS:
        with suppress(OSError, UnicodeDecodeError):
            text = (root / name).read_text(encoding="utf-8").replace("\\\n", " ")
            for package, version, rest in _PINNED.findall(text):
                found[_normal(package), version] += _HASH.findall(rest)
    for name in _TABLES:
        with suppress(OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            told = tomllib.loads((root / name).read_text(encoding="utf-8"))
            for package, version, digest in _entries(told):
                found[_normal(package), version].append(digest)
    return {key: sorted(set(digests)) for key, digests in found.items() if digests}


def _entries(told: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    packages = told.get("package", told.get("packages", []))
    for entry in packages if isinstance(packages, list) else []:
        files = [entry.get("sdist"), entry.get("archive"), *entry.get("wheels", []), *entry.get("files", [])]
        for file in files:
            if not isinstance(file, dict):
                continue
            digests = (
                [file["hash"]] if "hash" in file else [f"{kind}:{it}" for kind, it in file.get("hashes", {}).items()]
            )
            yield from ((entry.get("name", ""), entry.get("version", ""), digest) for digest in digests)


def _line(name: str, version: str, *, source: str | None, known: list[str] | tuple[str, ...]) -> str:
    if source is not None:
        return source if source.startswith("-e ") else f"{name} @ {source}"
    pinned = f"{name}=={version}" if version else name
    return " ".join([pinned, *(f"--hash={digest}" for digest in known)])


def _sources() -> Iterator[tuple[str, str]]:
    """The packages that came from another place than the index: a folder, an archive, a commit."""
    for found in distributions():
        said = found.read_text("direct_url.json")
        if said is None:
            continue
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(said)
            url = str(told["url"])
            if told.get("dir_info", {}).get("editable"):
                yield _normal(found.name), f"-e {url}"
            elif "vcs_info" in told:
                yield _normal(found.name), f"{told['vcs_info']['vcs']}+{url}@{told['vcs_info']['commit_id']}"
            else:
                archive = told.get("archive_info", {}).get("hashes", {})
                fragment = next((f"#{kind}={digest}" for kind, digest in archive.items() if kind == "sha256"), "")
                yield _normal(found.name), url + fragment


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

"""`data.lock`: which version of each data set belongs to this state of the code; a file of the project, kept in git."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from stackcanvas.backends.files import Scratch, make_folder, unavailable
from stackcanvas.errors import BadInput, Conflict
from stackcanvas.yamls import load_yaml

NAME = "data.lock"

_HEAD = "# Versions of data that belong to this state of the code, one line each. Written by `stackcanvas data`.\n"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_/.-]*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_LINE = re.compile(r"(?P<name>.+): \{number: (?P<number>\d+), digest: (?P<digest>[0-9a-f]+)\}")
_MARKS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


@dataclass(frozen=True, slots=True)
class Locked:
    """One line of the lock file."""

    number: int
    digest: str


class LockFile:
    """Reads and writes the lock file of a project.

    Args:
        root: the project's folder.
        scratch: on the same disk.
    """

    def __init__(self, root: Path, scratch: Scratch) -> None:
        self.path = root / NAME
        self._scratch = scratch

    def read(self) -> dict[str, Locked]:
        """The version of each data set; empty when there is no file.

        Raises:
            Conflict: a merge left its marks in it.
            BadInput: it is no lock file.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"the lock file cannot be read ({error})", where=str(self.path)) from error
        self._refuse_merge(text)
        try:
            found = load_yaml(text) or {}
            return {str(name): Locked(int(item["number"]), str(item["digest"])) for name, item in found.items()}
        except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(
                "the lock file cannot be read",
                where=str(self.path),
                expected="lines such as `flights: {number: 3, digest: 9f...}`",
                fix="Restore it from git, or remove it and commit the data again",
            ) from error

    def note(self, name: str, locked: Locked) -> None:
        """Write the line of one data set, leaving the others as they are."""
        try:
            with self._alone():
                lines = self.read()
                there = lines.get(name)
                if there is not None and there.digest == locked.digest:
                    return  # the digest tells; a number is that of one database
                lines[name] = locked
                with self._scratch.file() as (file, written):
                    file.write(_text(lines).encode())
                    file.flush()
                    written.chmod(0o644)
                    written.replace(self.path)
        except OSError as error:
            raise unavailable(error, self.path) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, or the second would put back the first one's line."""
        make_folder(self._scratch.folder.parent)
        with (self._scratch.folder.parent / f"{NAME}.turn").open("wb") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield

    def _refuse_merge(self, text: str) -> None:
        for number, line in enumerate(text.splitlines(), 1):
            if line.startswith(_MARKS):
                apart = _sides(text)
                raise Conflict(
                    "a merge left its marks in the lock file" + (f": {apart}" if apart else ""),
                    where=f"{self.path}:{number}",
                    fix="Keep the line of the version that you want for each data set, and remove the marks; "
                    "then run: stackcanvas data checkout",
                )


def _sides(text: str) -> str:
    """What the two sides of a merge say of each data set on which they differ."""
    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    labels = ["one side", "the other"]
    side: int | None = None
    for line in text.splitlines():
        if line.startswith(_MARKS):
            mark, _, label = line.partition(" ")
            side = {"<": 0, "=": 1, ">": None, "|": None}[mark[0]]
            if label and mark[0] in "<>":
                labels[mark[0] == ">"] = label
        elif side is not None and (found := _LINE.fullmatch(line)):
            sides[side][found["name"]] = f"version {found['number']} ({found['digest'][:8]})"
    names = sorted({*sides[0], *sides[1]})
    told = [(name, sides[0].get(name, "not there"), sides[1].get(name, "not there")) for name in names]
    return "; ".join(f"{name} is {one} in {labels[0]} and {two} in {labels[1]}" for name, one, two in told)


def _text(lines: dict[str, Locked]) -> str:
    written = (f"{_key(name)}: {{number: {at.number}, digest: {at.digest}}}\n" for name, at in sorted(lines.items()))
    return _HEAD + "".join(written)


def _key(name: str) -> str:
    plain = _PLAIN.fullmatch(name) and name.lower() not in _WORDS
    return name if plain else json.dumps(name, ensure_ascii=False)

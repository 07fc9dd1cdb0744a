"""What takes space: the bytes of a stack by what they are for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from stackcanvas.stack.stack import Stack


@dataclass(frozen=True, slots=True)
class Usage:
    """The space that one kind of thing takes.

    Args:
        what: such as `objects: data`.
        files: how many.
        size_bytes: of them all.
        where: the folder or the address.
    """

    what: str
    files: int
    size_bytes: int
    where: str


def usage(stack: Stack) -> list[Usage]:
    """The space by what it is for, the most first.

    Objects are told apart by the first part of their key, wherever they lie; everything else is in `.stackcanvas/`.
    """
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for info in stack.objects.list():
        one = sums[info.key.partition("/")[0]]
        one[0] += 1
        one[1] += info.size_bytes
    found = [Usage(f"objects: {name}", count, size, stack.objects.url) for name, (count, size) in sums.items()]
    inside = Path(stack.folder / "objects").as_uri() == stack.objects.url
    for entry in stack.folder.iterdir() if stack.folder.is_dir() else ():
        if inside and entry.name == "objects":
            continue
        files = [entry] if entry.is_file() else [one for one in entry.rglob("*") if one.is_file()]
        size = sum(_size(one) for one in files)
        found.append(Usage(entry.name, len(files), size, str(entry)))
    return sorted(found, key=lambda one: (-one.size_bytes, one.what))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # gone meanwhile
        return 0

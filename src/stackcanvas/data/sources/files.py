"""What a commit is given: files and folders on disk, or a frame."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stackcanvas.backends.files import unavailable
from stackcanvas.data.ignored import Ignored
from stackcanvas.data.store import SourceFile
from stackcanvas.errors import BadInput, Conflict, NotFound

SCRATCH = ".stackcanvas-writing"
"""The folder in which a checkout writes; a commit leaves it out."""

_DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Gathered:
    """The files of a source.

    Args:
        folder: what the paths in the version start from.
        roots: the paths that were given, absolute.
        files: each with its path in the version, sorted by it.
    """

    folder: Path
    roots: tuple[Path, ...]
    files: tuple[tuple[str, SourceFile], ...]


def as_paths(source: object) -> list[Path] | None:
    """The paths of a source, None when it is something else, such as a frame."""
    if isinstance(source, str | os.PathLike):
        return [Path(source)]
    if isinstance(source, Sequence) and not isinstance(source, bytes | bytearray) and source:
        paths = [Path(item) for item in source if isinstance(item, str | os.PathLike)]
        return paths if len(paths) == len(source) else None
    return None


def gather(paths: Iterable[Path], *, folder: Path | None = None, ignored: Ignored | None = None) -> Gathered:
    """List the files of paths.

    Args:
        folder: what the paths in the version start from. By default, one file is known by its name, the files of one
            folder by their path in it, those of several paths by their path from the folder that holds all of them.
        ignored: what is left out of folders; a file that is named itself is always taken.

    Raises:
        NotFound: a path does not exist.
        BadInput: there is no file, or something that is neither a file nor a folder.
    """
    given = dict.fromkeys(Path(os.path.normpath(_named(path).absolute())) for path in paths)
    roots = tuple(root for root in given if not any(parent in given for parent in root.parents))
    if folder is None:
        alone = len(roots) == 1 and roots[0].is_dir()
        folder = roots[0] if alone else Path(os.path.commonpath([root.parent for root in roots]))
    start = len(str(folder).rstrip(os.sep)) + 1
    found: dict[str, SourceFile] = {}
    for root in roots:
        for path, facts in _listed(root, ignored or Ignored(folder)):
            found[_name(path, start)] = SourceFile(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)
    if not found:
        raise BadInput("there are no files", where=str(roots[0]), expected="a file, or a folder with files")
    return Gathered(folder, roots, tuple(sorted(found.items(), key=lambda item: item[0].encode())))


def _named(path: Path) -> Path:
    if "\0" in str(path):
        raise BadInput(f"{str(path)!r} is no name of a file: it holds a NUL character")
    return path


def _listed(root: Path, ignored: Ignored) -> Iterator[tuple[str, os.stat_result]]:
    try:
        facts = root.stat()
    except FileNotFoundError:
        raise NotFound("file or folder", str(root), known=_beside(root)) from None
    except OSError as error:
        raise unavailable(error, root) from error
    if not stat.S_ISDIR(facts.st_mode):
        yield str(root), _checked(str(root), facts)
        return
    try:
        yield from _walk(str(root), ignored, _DEEPEST)
    except FileNotFoundError as error:
        what = "files were removed while they were being listed"
        raise Conflict(what, where=str(error.filename or root), fix="Do it again when nobody works on them") from None
    except OSError as error:
        raise unavailable(error, error.filename or root) from error


def _walk(folder: str, ignored: Ignored, deeper: int) -> Iterator[tuple[str, os.stat_result]]:
    if not deeper:
        raise BadInput(f"folders lie in each other more than {_DEEPEST} deep", where=folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not ignored.folder(entry.path):
                    yield from _walk(entry.path, ignored, deeper - 1)
            elif not ignored.file(entry.path):
                yield entry.path, _checked(entry.path, _followed(entry))


def _followed(entry: os.DirEntry[str]) -> os.stat_result:
    try:
        return entry.stat()
    except OSError as error:
        if entry.is_symlink() and error.errno in {errno.ENOENT, errno.ELOOP}:
            raise BadInput("the link leads nowhere", where=entry.path, fix="Remove it, or mend it") from None
        raise


def _checked(path: str, facts: os.stat_result) -> os.stat_result:
    if stat.S_ISDIR(facts.st_mode):
        raise BadInput("a link to a folder is not followed", where=path, fix="Commit the folder itself")
    if not stat.S_ISREG(facts.st_mode):
        raise BadInput("this is neither a file nor a folder", where=path)
    return facts


def _name(path: str, start: int) -> str:
    name = path[start:].replace(os.sep, "/")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadInput("the file name is not UTF-8", where=repr(path), fix="Rename the file") from None
    return name


def _beside(root: Path) -> list[str]:
    try:
        return [str(path) for path in root.parent.iterdir()]
    except OSError:
        return []

"""Checkout: the files of a version into a folder.

What lies in the folder is safe. A file is replaced or removed only when the store has its content; a file that
somebody has made or changed there stops the checkout before it begins.
"""

from __future__ import annotations

import errno
import fcntl
import os
import posixpath
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from stackcanvas.backends.files import Scratch, unavailable
from stackcanvas.data.filecache import write_all
from stackcanvas.data.lockfile import Locked, LockFile
from stackcanvas.data.manifest import DataFile
from stackcanvas.data.parts import Parts
from stackcanvas.data.places import Place
from stackcanvas.data.sources import SCRATCH
from stackcanvas.data.store import SourceFile
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import Conflict, NotFound
from stackcanvas.metadata import Ref, current

_SHOWN = 5
_CLONE = 0x40049409  # FICLONE of Linux
_NO_CLONES = {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS}


@dataclass(frozen=True, slots=True)
class Checkout:
    """What a checkout did.

    Args:
        written: files that were not there, or not like this.
        unchanged: files that were there already.
        removed: files of the version that lay there before.
    """

    version: DataVersion
    target: Path
    written: int
    unchanged: int
    removed: int


@dataclass(frozen=True, slots=True)
class _Plan:
    write: list[DataFile]
    remove: list[Path]
    unchanged: int


def checkout(parts: Parts, ref: Ref, target: Path, *, link: bool, force: bool, only: Sequence[str] = ()) -> Checkout:
    """Bring the files of a version into a folder; see `Data.checkout`."""
    version = parts.versions.get(ref)
    target = Path(os.path.normpath(target.absolute()))
    files = _chosen(parts.listing(version), only, where=str(version.ref))
    try:
        _refuse_ways_out(target, files)
        plan = _plan(parts, version, files, target, force=force)
        if only:
            plan = replace(plan, remove=[])
        _write(parts, plan.write, target, link=link)
        for path in plan.remove:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # a folder that is empty now goes, another stays
                path.parent.rmdir()
    except OSError as error:
        raise unavailable(error, error.filename or target) from error
    if target.is_relative_to(parts.root) and current() is None and not only:
        roots = (target / files[0].path,) if len(files) == 1 else (target,)
        parts.places.note(Place(version.name, version.number, target, roots))
        LockFile(parts.root, parts.scratch).note(version.name, Locked(version.number, version.digest))
    return Checkout(version, target, len(plan.write), plan.unchanged, len(plan.remove))


def detach(parts: Parts, name: str) -> int:
    """Make copies of the files that are links; see `Data.detach`."""
    place = parts.places.get(name)
    if place is None:
        raise NotFound("place in the project where this lies:", name, fix="Check it out first")
    scratch = Scratch(place.folder / SCRATCH)
    done = 0
    try:
        with scratch.room() as room:
            for path in (file.path for _, file in parts.gather(place.roots, folder=place.folder).files):
                facts = os.lstat(path)
                if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
                    shutil.copyfile(path, room / "copy")
                    os.replace(room / "copy", path)  # noqa: PTH105 - as text
                    done += 1
    except OSError as error:
        raise unavailable(error, error.filename or place.folder) from error
    with suppress(OSError):
        scratch.folder.rmdir()
    return done


def _chosen(files: list[DataFile], only: Sequence[str], *, where: str) -> list[DataFile]:
    """The files that are meant: by their path, that of a folder, or a pattern."""
    chosen: dict[str, DataFile] = {}
    for wanted in only:
        below = f"{wanted.rstrip('/')}/"
        found = {
            file.path: file
            for file in files
            if file.path == wanted or file.path.startswith(below) or fnmatchcase(file.path, wanted)
        }
        if not found:
            raise NotFound("file", wanted, known=[file.path for file in files], where=where)
        chosen |= found
    return [file for file in files if file.path in chosen] if only else files


def _refuse_ways_out(target: Path, files: Iterable[DataFile]) -> None:
    """A link in the folder must not lead the files elsewhere."""
    inside = target.resolve()
    if target.exists() and not target.is_dir():
        raise Conflict("this is not a folder", where=str(target), fix="Name a folder to check out into")
    for folder in _folders(target, files):
        if not folder.resolve().is_relative_to(inside):
            raise Conflict("a link leads out of the folder", where=str(folder), fix="Remove the link")


def _plan(parts: Parts, version: DataVersion, files: list[DataFile], target: Path, *, force: bool) -> _Plan:
    present = {file.path: found for file in files if (found := _present(f"{target}/{file.path}")) is not None}
    digests = dict(zip(present, parts.seen.read(list(present.values())), strict=True))
    write = [file for file in files if digests.get(file.path, b"").hex() != file.digest]
    replaced = [file.path for file in write if file.path in digests]
    known = set() if force else _held(parts, version, {digests[path].hex() for path in replaced})
    own = [path for path in replaced if digests[path].hex() not in known]
    if own and not force:
        more = f" and {len(own) - _SHOWN} more" if len(own) > _SHOWN else ""
        raise Conflict(
            f"files would be lost that no version holds: {', '.join(own[:_SHOWN])}{more}",
            where=str(target),
            fix="Commit them, move them away, or overwrite them with --force",
        )
    return _Plan(write, _former(parts, version, files, target), len(files) - len(write))


def _held(parts: Parts, version: DataVersion, wanted: set[str]) -> set[str]:
    """Which contents some version holds, so that they can be had again.

    That the store has them is not enough: a commit that was refused or broken off leaves contents of no version.
    """
    there = parts.reader.complete([bytes.fromhex(digest) for digest in wanted])
    stored = {digest for digest, whole in zip(wanted, there, strict=True) if whole}
    held: set[str] = set()
    for one in _likeliest_first(parts, version.name) if stored else ():
        if one.forgotten is None:
            held |= stored & {file.digest for file in parts.listing(one)}
        if held == stored:
            break
    return held


def _likeliest_first(parts: Parts, name: str) -> Iterator[DataVersion]:
    """Every version: that which lay in the project, those of the same data set, all others."""
    place = parts.places.get(name)
    yield from sorted(parts.versions.log(name), key=lambda one: place is None or one.number != place.number)
    yield from (one for one in parts.versions.every() if one.name != name)


def _former(parts: Parts, version: DataVersion, files: list[DataFile], target: Path) -> list[Path]:
    """The files of the version that lay here before, which this one does not have; changed ones stay."""
    place = parts.places.get(version.name)
    if place is None or place.folder != target or place.number == version.number:
        return []
    try:
        before = parts.listing(parts.versions.get(Ref("data", version.name, str(place.number))))
    except NotFound:
        return []
    wanted = {file.path for file in files}
    gone = [file for file in before if file.path not in wanted]
    present = {file: found for file in gone if (found := _present(f"{target}/{file.path}")) is not None}
    digests = parts.seen.read(list(present.values()))
    return [target / file.path for file, digest in zip(present, digests, strict=True) if digest.hex() == file.digest]


def _folders(target: Path, files: Iterable[DataFile]) -> list[Path]:
    return [target / folder for folder in {posixpath.dirname(file.path) for file in files}]


def _present(path: str) -> SourceFile | None:
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        where = posixpath.dirname(path)
        raise Conflict("a file stands where a folder should be", where=where, fix="Move it away") from None
    if not stat.S_ISREG(facts.st_mode):
        raise Conflict("this is not a plain file", where=path, fix="Move it away")
    return SourceFile(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)


def _write(parts: Parts, files: list[DataFile], target: Path, *, link: bool) -> None:
    aside = Scratch(target.parent / SCRATCH)
    if files and not link and not target.exists():
        # Nobody can be in the way: one change of name instead of one for each file.
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside.room() as room:
            _write_tree(parts, files, room / "tree")
            (room / "tree").rename(target)
    else:
        if aside.folder.is_dir():
            with aside.room():
                pass  # what a killed checkout left there goes
        target.mkdir(parents=True, exist_ok=True)
        _write_each(parts, files, target, link=link)
    with suppress(OSError):  # another checkout may be at work beside this one
        aside.folder.rmdir()


def _write_tree(parts: Parts, files: list[DataFile], tree: Path) -> None:
    for folder in {tree, *_folders(tree, files)}:
        folder.mkdir(parents=True, exist_ok=True)
    for _ in write_all(parts.reader, files, [f"{tree}/{file.path}" for file in files]):
        pass


def _write_each(parts: Parts, files: list[DataFile], target: Path, *, link: bool) -> None:
    # Where nothing is to be written, what a killed checkout left behind is still cleared away.
    if not files and not (target / SCRATCH).is_dir():
        return
    for folder in _folders(target, files):
        folder.mkdir(parents=True, exist_ok=True)
    scratch = Scratch(target / SCRATCH)
    with scratch.room() as room:
        if link:
            clones = True  # until the file system says that it has none
            for file, whole in zip(files, parts.whole.places(files), strict=True):
                clones = clones and _cloned(whole, f"{target}/{file.path}", f"{room}/clone")
                if not clones:
                    _link(whole, f"{target}/{file.path}", f"{room}/link")
        else:
            names = [f"{room}/{number}" for number in range(len(files))]
            for file, written in write_all(parts.reader, files, names):
                os.replace(written, f"{target}/{file.path}")  # noqa: PTH105 - as text
    with suppress(OSError):  # another checkout may be at work in the same folder
        scratch.folder.rmdir()


def _link(whole: str, path: str, aside: str) -> None:
    try:
        os.link(whole, path)
    except FileExistsError:
        os.link(whole, aside)
        os.replace(aside, path)  # noqa: PTH105 - as text


def _cloned(whole: str, path: str, aside: str) -> bool:
    """Put a clone in place, which shares its blocks until one of the two is changed; False where there are none."""
    with open(whole, "rb") as source, open(aside, "wb") as target:  # noqa: PTH123 - as text
        try:
            fcntl.ioctl(target.fileno(), _CLONE, source.fileno())
        except OSError as error:
            if error.errno not in _NO_CLONES:
                raise
        else:
            os.replace(aside, path)  # noqa: PTH105 - as text
            return True
    os.unlink(aside)  # noqa: PTH108 - as text
    return False

"""The contents that DVC keeps by their md5: in its cache, and in the remotes of the repository."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.errors import BadInput, NotFound, StackCanvasError, Unavailable
from stackcanvas.stack.importing.dvc.outs import Out, inside

_PART_BYTES = 8 << 20
_LARGEST_MANIFEST = 256 << 20
_STORES = ("s3", "gs")


class Cache:
    """Finds contents.

    Args:
        root: the repository.
        remote: another remote to look in: a folder or a URL.
    """

    def __init__(self, root: Path, remote: str | None) -> None:
        self.problems: list[tuple[str, str]] = []
        self._checked: set[str] = set()
        config = _config(root)
        self._folders = [root / ".dvc" / "cache"]
        if config.has_option("cache", "dir"):
            self._folders.append(root / ".dvc" / config.get("cache", "dir"))
        self._stores: list[tuple[Objects, str]] = []
        remotes = [({"url": remote}, root)] if remote else []
        named = [section for section in config.sections() if section.strip("'").startswith("remote ")]
        remotes += [(dict(config.items(section)), root / ".dvc") for section in named]
        for facts, base in remotes:
            self._add(facts, base)

    def size(self, md5: str) -> int | None:
        """How large a content is, None where it is nowhere."""
        for path in self._paths(md5):
            if path.is_file():
                return path.stat().st_size
        for objects, key in self._keys(md5):
            try:
                found = objects.size(key)
            except Unavailable as error:
                raise _dead(error) from None
            if found is not None:
                return found
        return None

    def bring(self, md5: str, target: Path, *, legacy: bool) -> int:
        """Put a content into a file, compared with its md5; gives its size.

        Raises:
            NotFound: it is nowhere.
            BadInput: what is there has another md5.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        wrong = False
        for path in self._paths(md5):
            if path.is_file():
                shutil.copyfile(path, target)
                if _matches(target, md5, legacy=legacy):
                    return target.stat().st_size
                wrong = True
        for objects, key in self._keys(md5):
            if objects.size(key) is None:
                continue
            with target.open("wb") as file:
                at = 0
                while part := objects.get(key, start=at, length=_PART_BYTES):
                    at += file.write(part)
            if _matches(target, md5, legacy=legacy):
                return at
            wrong = True
        target.unlink(missing_ok=True)
        if wrong:
            raise BadInput(f"the content of md5 {md5} is damaged: what is there has another")
        raise NotFound("content in the cache or a remote, of md5", md5, fix="Run `dvc fetch --all-commits` there first")

    def files(self, out: Out, room: Path) -> list[tuple[str, str]]:
        """The files of an out: path below it, empty for a single file, and md5.

        Raises:
            NotFound: its manifest is nowhere.
            BadInput: the manifest makes no sense.
        """
        if not out.md5.endswith(".dir"):
            return [("", out.md5)]
        manifest = room / "manifest"
        if self.bring(out.md5, manifest, legacy=False) > _LARGEST_MANIFEST:
            raise BadInput("the manifest of the folder is larger than any should be")
        try:
            found = [(inside(str(one["relpath"])), str(one["md5"])) for one in json.loads(manifest.read_bytes())]
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"the manifest of the folder cannot be read ({type(error).__name__})") from None
        return found

    def _paths(self, md5: str) -> Iterator[Path]:
        for folder in self._folders:
            yield folder / "files" / "md5" / md5[:2] / md5[2:]
            yield folder / md5[:2] / md5[2:]

    def _keys(self, md5: str) -> Iterator[tuple[Objects, str]]:
        for objects, prefix in self._stores:
            yield objects, f"{prefix}files/md5/{md5[:2]}/{md5[2:]}"
            yield objects, f"{prefix}{md5[:2]}/{md5[2:]}"

    def _add(self, facts: dict[str, str], base: Path) -> None:
        url = facts.get("url") or ""
        scheme = urlsplit(url).scheme
        if scheme in {"", "file"}:
            self._folders.append(base / (urlsplit(url).path if scheme else url))
            return
        if scheme not in _STORES:
            self.problems.append(
                (url.split("@")[-1][:200], f"remotes of {scheme}: are not read: run `dvc fetch` there")
            )
            return
        options = {"endpoint": facts.get("endpointurl"), "region": facts.get("region")}
        query = urlencode({name: value for name, value in options.items() if value})
        bucket, _, prefix = url.partition("://")[2].strip("/").partition("/")
        try:
            self._stores.append(
                (open_objects(f"{scheme}://{bucket}{'?' if query else ''}{query}"), prefix and f"{prefix}/")
            )
        except StackCanvasError as error:
            self.problems.append((url[:200], error.sentence()))


def _dead(error: Unavailable) -> Unavailable:
    return Unavailable(
        error.what, where=error.where, fix="Run the same command again later: it goes on where it stopped"
    )


def _config(root: Path) -> configparser.ConfigParser:
    config = configparser.ConfigParser(interpolation=None, strict=False)
    for name in ("config", "config.local"):
        try:
            config.read(root / ".dvc" / name, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise BadInput(
                f"it cannot be read ({str(error).splitlines()[0]})", where=str(root / ".dvc" / name)
            ) from None
    return config


def _matches(path: Path, md5: str, *, legacy: bool) -> bool:
    wanted = md5.removesuffix(".dir")
    with path.open("rb") as file:
        if hashlib.file_digest(file, _md5).hexdigest() == wanted:
            return True
        if not legacy or os.fstat(file.fileno()).st_size > _LARGEST_MANIFEST:
            return False
        file.seek(0)
        return _md5(file.read().replace(b"\r\n", b"\n")).hexdigest() == wanted


def _md5(data: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)

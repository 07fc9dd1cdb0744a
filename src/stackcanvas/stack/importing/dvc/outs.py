"""What the files of DVC in a commit say: which paths have which contents."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from stackcanvas.errors import BadInput
from stackcanvas.yamls import load_yaml


@dataclass(frozen=True, slots=True)
class Out:
    """A file or folder that DVC keeps.

    Args:
        path: from the top of the repository.
        md5: of the content; of a folder that of its manifest, ending in `.dir`.
        size_bytes: where it is said.
        legacy: line ends of texts were made one before hashing, as releases before 3 did.
    """

    path: str
    md5: str
    size_bytes: int
    legacy: bool


def is_dvc(path: str) -> bool:
    """Whether a file of the repository is one of DVC's."""
    return path.endswith(".dvc") or path.rpartition("/")[2] == "dvc.lock"


def outs_of(path: str, text: str) -> Iterator[Out | tuple[str, str]]:
    """What a `.dvc` or `dvc.lock` file names; what cannot be taken comes as its path and the reason."""
    try:
        said = load_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        yield path, f"the file cannot be read ({str(error).splitlines()[0]})"
        return
    if not isinstance(said, dict):
        yield path, "the file holds no record"
        return
    folder = path.rpartition("/")[0]
    if path.endswith(".dvc"):
        listed = [(said.get("wdir"), said.get("outs"))]
    else:
        stages = said.get("stages") if "schema" in said else said
        listed = [(None, one.get("outs")) for one in _records(stages.values() if isinstance(stages, dict) else [])]
    for where, outs in listed:
        base = posixpath.join(folder, str(where)) if where else folder
        for one in _records(outs or []):
            try:
                yield _out(base, one)
            except BadInput as error:
                yield f"{path}: {str(one.get('path'))[:200]}", error.sentence()


def inside(path: str) -> str:
    """A path below a folder, as it stands.

    Raises:
        BadInput: it leads out of it.
    """
    plain = posixpath.normpath(path)
    if plain.startswith(("/", "../")) or plain in {".", ".."} or "\0" in plain or "\\" in plain:
        raise BadInput(f"the path {path[:200]!r} leads out of the repository")
    return plain


def is_md5(text: str) -> bool:
    """Whether a text is a hash as DVC writes it."""
    plain = text.removesuffix(".dir")
    return len(plain) == 32 and not set(plain) - set("0123456789abcdef")


def _out(base: str, one: Mapping[str, Any]) -> Out:
    if one.get("cache") is False:
        raise BadInput("git keeps it, not DVC")
    md5 = str(one.get("md5") or "")
    if not is_md5(md5):
        raise BadInput("it has no md5: its versions are kept by the cloud, or by another kind of hash")
    size = one.get("size")
    path = inside(posixpath.join(base, str(one["path"])) if one.get("path") else "..")
    return Out(path, md5, size if isinstance(size, int) else 0, legacy=one.get("hash") != "md5")


def _records(found: Any) -> Iterator[dict[str, Any]]:
    return (one for one in found if isinstance(one, dict)) if hasattr(found, "__iter__") else iter(())

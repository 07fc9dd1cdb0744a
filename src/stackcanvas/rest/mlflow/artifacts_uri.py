"""Where clients are told that files lie, and which object a path of theirs means.

A location that a client chose is theirs to write to. What has none is written through this server, at paths below
`mlflow-artifacts:/`. A path that names a run or a logged model means the place where the stack keeps its files,
whatever stands before it; any other lies apart from all else that the object store holds.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from stackcanvas.experiments.places import SERVED, own_model_place, own_run_place
from stackcanvas.rest.mlflow.errors import invalid

_APART = "artifacts"
_RUN = re.compile(r"(?:.*/)?([0-9a-f]{32})/artifacts(?:/(.+))?")
_MODEL = re.compile(r"(?:.*/)?models/(m-[0-9a-f]{32})/artifacts(?:/(.+))?")
_MOST_UNQUOTED = 4


def experiment_uri(number: int, location: str | None) -> str:
    """The location of an experiment's files."""
    return location or f"{SERVED}/{number}"


def run_uri(number: int, run_id: str, location: str) -> str:
    """The location of a run's files."""
    return f"{SERVED}/{number}/{run_id}/artifacts" if location == own_run_place(run_id) else location


def model_uri(number: int, model_id: str, location: str) -> str:
    """The location of a logged model's files."""
    own = f"{SERVED}/{number}/models/{model_id}/artifacts"
    return own if location == own_model_place(model_id) else location


def served(uri: str) -> str | None:
    """The path below this server of a location, None when the files lie elsewhere.

    Example:
        >>> served("mlflow-artifacts:/0/abc/artifacts"), served("s3://bucket/0")
        ('0/abc/artifacts', None)
    """
    return uri.removeprefix(SERVED).lstrip("/") if uri.startswith(f"{SERVED}/") and "://" not in uri else None


def key_of(path: str) -> str:
    """The object that a path below this server means, or the folder; the whole apart place for an empty one.

    Raises:
        MlflowError: it leaves its place.

    Example:
        >>> key_of("models/readme.txt")
        'artifacts/models/readme.txt'
        >>> key_of(f"7/{'0' * 32}/artifacts/plots/roc.png")
        'runs/00000000000000000000000000000000/artifacts/plots/roc.png'
    """
    plain = plain_path(path) if path.strip("/") else ""
    if not plain:
        return _APART
    for pattern, place in ((_MODEL, own_model_place), (_RUN, own_run_place)):
        found = pattern.fullmatch(plain)
        if found:
            return f"{place(found[1])}/{found[2]}" if found[2] else place(found[1])
    return f"{_APART}/{plain}"


def plain_path(path: str) -> str:
    """A path without the parts that mean nothing; one that leaves its place is refused, however often it is encoded.

    Raises:
        MlflowError: it is absolute, goes upwards, or holds what no file name may hold.

    Example:
        >>> plain_path("./plots//roc.png"), plain_path(".")
        ('plots/roc.png', '')
    """
    further = path
    # Names such as `loss%step%3%17` only look encoded: what else they could mean is no matter, it is not used.
    odd = any(ord(letter) < 32 or letter == "\x7f" for letter in path)
    for _ in range(_MOST_UNQUOTED):
        parts = further.split("/")
        drive = len(further) > 1 and further[1] == ":"
        if odd or drive or "\\" in further or ".." in parts or not parts[0] or parts[0].startswith(("#", "file:")):
            break
        decoded = unquote(further)
        if decoded == further:
            return "/".join(part for part in path.split("/") if part not in {"", "."})
        further = decoded
    raise invalid("Invalid path")

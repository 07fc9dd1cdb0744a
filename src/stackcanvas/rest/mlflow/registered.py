"""The files of registered versions, below `mlflow-artifacts:/registry/NAME/NUMBER`: to be read, never to be changed."""

from __future__ import annotations

from urllib.parse import unquote

from stackcanvas.experiments.artifacts import ArtifactInfo
from stackcanvas.metadata import Ref
from stackcanvas.rest.mlflow.errors import MlflowError, absent, invalid
from stackcanvas.stack import Stack
from stackcanvas.stack.registering import REGISTRY


def is_registered(path: str) -> bool:
    """Whether a path below the artifact server is about registered versions.

    Example:
        >>> is_registered("registry/delay/3/MLmodel"), is_registered("registry")
        (True, False)
    """
    return path.strip("/").startswith(f"{REGISTRY}/")


def registered_key(stack: Stack, path: str) -> str:
    """The object that holds a file of a version.

    Raises:
        MlflowError: there is none.
    """
    files, below = _files(stack, path)
    name = below.rpartition("/")[2]
    if not below or any(file.startswith(f"{below}/") for file in files):
        raise a_folder(name)
    if below not in files:
        raise absent(f"No such artifact: {name!r}")
    return files[below]


def registered_list(stack: Stack, path: str) -> list[ArtifactInfo]:
    """Files and folders that lie directly at a path."""
    files, below = _files(stack, path)
    prefix = f"{below}/" if below else ""
    found: dict[str, ArtifactInfo] = {}
    for file, key in files.items():
        if file.startswith(prefix):
            name, slash, _ = file.removeprefix(prefix).partition("/")
            found[name] = ArtifactInfo(name, None if slash else stack.objects.size(key))
    return [found[name] for name in sorted(found)]


def a_folder(name: str) -> MlflowError:
    """What is said to who wants a folder as a file."""
    return invalid(f"Artifact path refers to a directory, not a file: '{name}'")


def unchangeable() -> MlflowError:
    """What is said to who wants to write there."""
    return invalid("A registered model cannot be changed under its version", expected="a new version of it")


def _files(stack: Stack, path: str) -> tuple[dict[str, str], str]:
    """The files of the version that a path names, and what of the path comes after it.

    The name of a model may hold slashes: the number that ends it is the first one that makes a version.
    """
    parts = path.strip("/").split("/")[1:]
    for at in range(1, len(parts)):
        name, number = unquote("/".join(parts[:at])), parts[at]
        if number.isascii() and number.isdigit() and stack.registry.has(ref := Ref("model", name, number)):
            return stack.registry.export(ref), "/".join(parts[at + 1 :])
    raise absent("There is no file at this path")

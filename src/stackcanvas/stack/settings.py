"""What the answers of a canvas mean for the backends: the addresses of the four stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from stackcanvas.canvas import Canvas

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """Where a stack keeps what; the addresses hold secrets and are for opening only.

    Args:
        database: of the spine and the blocks' tables.
        objects: of bytes.
        online: of features for prediction.
        executor: of the steps of pipelines.
        remote: of versions that others push and pull; None when there is none.
        namespace: keeps stacks apart that share an online store.
    """

    database: str
    objects: str
    online: str
    executor: str
    remote: str | None = None
    namespace: str = ""


def settings_of(canvas: Canvas, *, root: Path, environment: str | None, environ: Mapping[str, str]) -> Settings:
    """The addresses that hold in an environment, made absolute.

    Args:
        root: the folder that relative addresses start from.
        environ: where `${NAME}` is looked up.

    Raises:
        NotFound: the canvas has no such environment.
        BadInput: the environment lacks a name that an address needs.
    """

    def address(path: str) -> str:
        found = canvas.resolve(path, environ, environment=environment)
        assert found is not None, f"{path} has a default"
        return _anchored(found, root)

    remote = canvas.resolve("data.storage.remote", environ, environment=environment)
    return Settings(
        remote=None if remote is None else _anchored(remote, root),
        database=address("metadata.store.url"),
        objects=address("data.storage.objects"),
        online=address("features.databases.online"),
        executor=address("pipelines.location.executor"),
        namespace=canvas.project.name,
    )


def _anchored(address: str, root: Path) -> str:
    """An address whose path starts at the root of the file system."""
    if address.startswith(_SQLITE):
        return _SQLITE + quote(str(root / unquote(address.removeprefix(_SQLITE))))
    if ":" not in address:
        return (root / address).as_uri()
    return address

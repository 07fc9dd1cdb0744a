"""The files of a run, in the object store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import BadInput, NotFound


@dataclass(frozen=True, slots=True)
class ArtifactInfo:
    """A file or folder of a run.

    Args:
        path: below the run's place.
        size_bytes: None for a folder.
    """

    path: str
    size_bytes: int | None

    @property
    def is_folder(self) -> bool:
        """Whether it holds others."""
        return self.size_bytes is None


class RunArtifacts:
    """Keeps the files of runs under `runs/ID/artifacts/`."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, run_id: str, path: str, data: bytes | Path) -> None:
        """Keep bytes or a file; what was at the path before is replaced.

        Raises:
            BadInput: the path leaves the run's place.
            NotFound: there is no such file.
        """
        key = f"{_place(run_id)}/{_checked(path)}"
        if isinstance(data, Path):
            self._objects.put_file(key, data)
        else:
            self._objects.put(key, data)

    def get(self, run_id: str, path: str) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound: the run has no such file.
        """
        key = f"{_place(run_id)}/{_checked(path)}"
        if self._objects.size(key) is None:
            raise NotFound("file of the run", path, known=[found.path for found in self.walk(run_id)])
        return self._objects.get(key)

    def ls(self, run_id: str, *, folder: str = "") -> list[ArtifactInfo]:
        """Files and folders that lie directly in a folder, sorted."""
        prefix = f"{_checked(folder)}/" if folder else ""
        found: dict[str, ArtifactInfo] = {}
        for file in self.walk(run_id, folder=folder):
            name, slash, _ = file.path.removeprefix(prefix).partition("/")
            path = prefix + name
            found[path] = ArtifactInfo(path, None) if slash else file
        return [found[path] for path in sorted(found)]

    def walk(self, run_id: str, *, folder: str = "") -> list[ArtifactInfo]:
        """Every file below a folder, sorted."""
        place = f"{_place(run_id)}/"
        prefix = f"{place}{_checked(folder)}/" if folder else place
        return [ArtifactInfo(found.key.removeprefix(place), found.size_bytes) for found in self._objects.list(prefix)]

    def delete(self, run_id: str, path: str) -> None:
        """Remove a file, or everything below a folder."""
        key = f"{_place(run_id)}/{_checked(path)}"
        for found in list(self._objects.list(f"{key}/")):
            self._objects.delete(found.key)
        self._objects.delete(key)


def _place(run_id: str) -> str:
    return f"runs/{run_id}/artifacts"


def _checked(path: str) -> str:
    if not path or path.startswith("/") or "\\" in path or any(part in {"", ".", ".."} for part in path.split("/")):
        raise BadInput(f"the path {path!r} cannot be used", expected="a path inside the run, such as plots/roc.png")
    return path

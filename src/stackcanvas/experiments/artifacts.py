"""The files of a run, in the object store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.experiments.places import own_run_place


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
        found = files_in(self._objects, f"{_place(run_id)}/{prefix}".rstrip("/"))
        return [ArtifactInfo(prefix + one.path, one.size_bytes) for one in found]

    def walk(self, run_id: str, *, folder: str = "") -> list[ArtifactInfo]:
        """Every file below a folder, sorted."""
        place = f"{_place(run_id)}/"
        prefix = f"{place}{_checked(folder)}/" if folder else place
        return [ArtifactInfo(found.key.removeprefix(place), found.size_bytes) for found in self._objects.list(prefix)]

    def delete(self, run_id: str, path: str) -> None:
        """Remove a file, or everything below a folder."""
        remove(self._objects, f"{_place(run_id)}/{_checked(path)}")


def files_in(objects: Objects, folder: str) -> list[ArtifactInfo]:
    """Files and folders that lie directly in a folder of an object store, sorted, with their names as paths."""
    found: dict[str, ArtifactInfo] = {}
    for file in objects.list(f"{folder}/"):
        name, slash, _ = file.key.removeprefix(f"{folder}/").partition("/")
        found[name] = ArtifactInfo(name, None if slash else file.size_bytes)
    return [found[name] for name in sorted(found)]


def remove(objects: Objects, key: str) -> None:
    """Remove an object, or everything below a folder."""
    for found in list(objects.list(f"{key}/")):
        objects.delete(found.key)
    objects.delete(key)


_place = own_run_place


def _checked(path: str) -> str:
    if not path or path.startswith("/") or "\\" in path or any(part in {"", ".", ".."} for part in path.split("/")):
        raise BadInput(f"the path {path!r} cannot be used", expected="a path inside the run, such as plots/roc.png")
    return path

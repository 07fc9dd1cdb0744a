"""A store of MLflow as a folder of files: `mlruns`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from stackcanvas.errors import BadInput, Unavailable
from stackcanvas.experiments import RunInput
from stackcanvas.registry import Folder
from stackcanvas.stack.importing.folders import DiskFolder, Reach
from stackcanvas.stack.importing.mlflow.source import (
    ModelPoint,
    Point,
    SourceExperiment,
    SourceLogged,
    SourceModel,
    SourceRun,
    SourceVersion,
    Troubles,
    real,
)
from stackcanvas.yamls import load_yaml

_META = "meta.yaml"
_TRASH = ".trash"
_RUN = ("running", "scheduled", "finished", "failed", "killed")  # numbered from 1
_LOGGED = ("unspecified", "pending", "ready", "failed")  # numbered from 0
_OTHERS = {"models", "datasets", "tags", "traces"}
_LARGEST_META = 4 << 20
_GONE = "Deleted_Internal"


class Files:
    """Reads a folder that MLflow's file store writes.

    Args:
        root: the folder, with a folder for each experiment.
        reach: which addresses of artifacts can be read.
    """

    def __init__(self, root: Path, reach: Reach) -> None:
        self._root = root
        self._reach = reach
        self._troubles = Troubles()
        self._places: dict[str, Path] = {}
        self.address = root.as_uri()

    def experiments(self) -> Iterator[SourceExperiment]:
        """All, deleted ones too."""
        for folder in [*_folders(self._root), *_folders(self._root / _TRASH)]:
            if not (folder / _META).is_file():
                continue
            found = self._troubles.read("experiment", folder.name, partial(_experiment, folder))
            if found is not None:
                self._places[found.id] = folder
                yield found

    def runs(self, experiment: str) -> Iterator[SourceRun]:
        """Those of an experiment, the oldest first."""
        folder = self._places[experiment]
        found = []
        for one in _folders(folder):
            if one.name in _OTHERS:
                continue
            run = self._troubles.read("run", one.name, partial(self._run, one, experiment))
            if run is not None:
                found.append(run)
        yield from sorted(found, key=lambda run: (run.started_ms, run.id))

    def history(self, found: SourceRun) -> list[Point]:
        """Every value of every metric of a run."""
        folder = self._places[found.experiment] / found.id / "metrics"
        return [point for key, file in _keys(folder) for point in _points(key, file)]

    def logged(self, experiment: str) -> Iterator[SourceLogged]:
        """The logged models of an experiment."""
        for folder in _folders(self._places[experiment] / "models"):
            found = self._troubles.read("logged model", folder.name, partial(_logged, folder, experiment))
            if found is not None:
                yield found

    def models(self) -> Iterator[SourceModel]:
        """All registered models."""
        for folder in _folders(self._root / "models"):
            found = self._troubles.read("model", folder.name, partial(_model, folder))
            if found is not None:
                yield found

    def versions(self, name: str) -> Iterator[SourceVersion]:
        """The versions of a model, by number."""
        found = []
        for folder in _folders(self._root / "models" / name):
            if folder.name.startswith("version-"):
                said = f"{name}@{folder.name.removeprefix('version-')}"
                version = self._troubles.read("model version", said, partial(_version, folder, name))
                if version is not None and version.stage != _GONE:
                    found.append(version)
        yield from sorted(found, key=lambda version: version.number)

    def files_of_run(self, found: SourceRun) -> Folder:
        """The files of a run: beside its records, or where these say."""
        return self._beside(self._places[found.experiment] / found.id / "artifacts", found.place)

    def files_of_logged(self, found: SourceLogged) -> Folder:
        """The files of a logged model."""
        return self._beside(self._places[found.experiment] / "models" / found.id / "artifacts", found.place)

    def files_at(self, place: str) -> Folder | None:
        """The files at an address that belongs to no run."""
        return self._reach.folder(place)

    def not_taken(self) -> Iterator[tuple[str, int]]:
        """Traces."""
        count = sum(1 for folder in self._places.values() for _ in _folders(folder / "traces"))
        if count:
            yield "trace", count

    def broken(self) -> Iterator[tuple[str, str, str]]:
        """What could not be read."""
        return self._troubles.told()

    def check(self) -> None:
        """Whether the folder is there."""
        if not self._root.is_dir():
            raise Unavailable("the folder is gone", where=str(self._root))

    def close(self) -> None:
        """Nothing is open."""

    def _beside(self, folder: Path, place: str) -> Folder:
        if folder.is_dir() and folder.resolve().is_relative_to(self._root.resolve()):
            return DiskFolder(folder)
        return self._reach.folder(place)

    def _run(self, folder: Path, experiment: str) -> SourceRun:
        said = _meta(folder)
        if said.get("run_id", said.get("run_uuid")) != folder.name:
            raise ValueError("its folder is not called as it is")
        status = int(said["status"])
        inputs, read = self._inputs(folder)
        made = [
            (str(one["destination_id"]), int(one.get("step") or 0))
            for one in map(_meta, _folders(folder / "outputs"))
            if one.get("destination_type") == "MODEL_OUTPUT"
        ]
        tags = _pairs(folder / "tags")
        return SourceRun(
            id=folder.name,
            experiment=experiment,
            name=str(said.get("run_name") or tags.get("mlflow.runName") or ""),
            status=_RUN[status - 1] if 1 <= status <= len(_RUN) else "failed",
            user=str(said.get("user_id") or ""),
            started_ms=int(said.get("start_time") or 0),
            ended_ms=_number(said.get("end_time")),
            deleted_ms=_number(said.get("deleted_time")),
            lifecycle=str(said.get("lifecycle_stage") or "active"),
            place=str(said.get("artifact_uri") or ""),
            parameters=_pairs(folder / "params"),
            tags=tags,
            latest=_latest(folder / "metrics"),
            inputs=inputs,
            read_models=read,
            made_models=made,
        )

    def _inputs(self, folder: Path) -> tuple[list[RunInput], list[tuple[str, int]]]:
        inputs, read = [], []
        for one in map(_meta, _folders(folder / "inputs")):
            source = str(one["source_id"])
            if one.get("source_type") == "DATASET":
                if "/" in source or source in {"", ".", ".."}:
                    raise ValueError("an input names no data set")
                said = _meta(folder.parent / "datasets" / source)
                tags = {str(key): str(value) for key, value in (one.get("tags") or {}).items()}
                inputs.append(
                    RunInput(
                        str(said["name"]),
                        str(said["digest"]),
                        str(said["source_type"]),
                        str(said["source"]),
                        said.get("schema"),
                        said.get("profile"),
                        tags,
                    )
                )
            elif one.get("destination_type") == "MODEL_INPUT":
                read.append((str(one["destination_id"]), int(one.get("step") or 0)))
        return inputs, read


def is_file_store(folder: Path) -> bool:
    """Whether a folder looks like one that MLflow's file store writes."""
    return any((one / _META).is_file() for one in [*_folders(folder), *_folders(folder / "models")])


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if one.is_dir() and one.name != _TRASH and not one.is_symlink())


def _meta(folder: Path) -> dict[str, Any]:
    with (folder / _META).open("rb") as file:
        text = file.read(_LARGEST_META + 1)
    if len(text) > _LARGEST_META:
        raise BadInput("the file is larger than any should be", where=str(folder / _META))
    said = load_yaml(text)
    if not isinstance(said, dict):
        raise TypeError("the file holds no record")
    return said


def _keys(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of a folder, whose paths are keys: a key may hold slashes."""
    if folder.is_dir():
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink():
                yield file.relative_to(folder).as_posix(), file


def _pairs(folder: Path) -> dict[str, str]:
    return {key: file.read_bytes().decode(errors="replace") for key, file in _keys(folder)}


def _points(key: str, file: Path) -> list[Point]:
    return [_point(key, line) for line in file.read_text(errors="replace").splitlines() if line.strip()]


def _point(key: str, line: str) -> Point:
    time_ms, value, *step = line.split()
    return Point(key, int(step[0]) if step else 0, int(time_ms), real(value))


def _latest(folder: Path) -> list[Point]:
    found = [_points(key, file) for key, file in _keys(folder)]
    return [max(points, key=lambda one: (one.step, one.time_ms, one.value)) for points in found if points]


def _experiment(folder: Path) -> SourceExperiment:
    said = _meta(folder)
    created, updated = (int(said.get(name) or 0) for name in ("creation_time", "last_update_time"))
    stage = str(said.get("lifecycle_stage") or "active")
    return SourceExperiment(
        str(said["experiment_id"]), str(said["name"]), stage, created, updated, _pairs(folder / "tags")
    )


def _logged(folder: Path, experiment: str) -> SourceLogged:
    said = _meta(folder)
    status = int(said.get("status") or 0)
    return SourceLogged(
        id=folder.name,
        experiment=experiment,
        name=str(said.get("name") or ""),
        model_type=_text(said, "model_type"),
        run=_text(said, "source_run_id"),
        status=_LOGGED[status] if 0 <= status < len(_LOGGED) else "unknown",
        status_message=_text(said, "status_message"),
        place=str(said.get("artifact_location") or ""),
        lifecycle=str(said.get("lifecycle_stage") or "active"),
        created_ms=int(said.get("creation_timestamp") or 0),
        updated_ms=int(said.get("last_updated_timestamp") or 0),
        parameters=_pairs(folder / "params"),
        tags=_pairs(folder / "tags"),
        metrics=[
            _model_point(key, line.split())
            for key, file in _keys(folder / "metrics")
            for line in file.read_text(errors="replace").splitlines()
            if line.strip()
        ],
    )


def _model_point(key: str, words: Sequence[str]) -> ModelPoint:
    """Time, value, step and run; then name and digest of a data set where there is one."""
    time_ms, value, step, run, *dataset = words
    name, digest = (dataset[0], dataset[1]) if len(dataset) == 2 else (None, None)
    return ModelPoint(run, Point(key, int(step), int(time_ms), real(value)), name, digest)


def _model(folder: Path) -> SourceModel:
    said = _meta(folder)
    return SourceModel(
        str(said["name"]),
        _text(said, "description"),
        int(said.get("creation_timestamp") or 0),
        int(said.get("last_updated_timestamp") or 0),
        _pairs(folder / "tags"),
        {alias: int(number) for alias, number in _pairs(folder / "aliases").items()},
    )


def _version(folder: Path, name: str) -> SourceVersion:
    said = _meta(folder)
    return SourceVersion(
        name,
        int(said["version"]),
        int(said.get("creation_timestamp") or 0),
        int(said.get("last_updated_timestamp") or 0),
        str(said.get("user_id") or ""),
        _text(said, "description"),
        str(said.get("current_stage") or "None"),
        str(said.get("source") or ""),
        _text(said, "storage_location"),
        _text(said, "run_id"),
        _text(said, "run_link"),
        _pairs(folder / "tags"),
    )


def _number(value: object) -> int | None:
    return None if value in {None, ""} else int(str(value))


def _text(said: Mapping[str, object], name: str) -> str | None:
    value = said.get(name)
    return None if value in {None, ""} else str(value)

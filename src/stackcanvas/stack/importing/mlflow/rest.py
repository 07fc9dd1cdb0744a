"""A store of MLflow behind a tracking server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.experiments import RunInput
from stackcanvas.registry import Folder
from stackcanvas.stack.importing.mlflow.server import Server
from stackcanvas.stack.importing.mlflow.source import (
    ModelPoint,
    Point,
    SourceExperiment,
    SourceLogged,
    SourceModel,
    SourceRun,
    SourceVersion,
    Troubles,
    pairs,
    real,
)

_API = "/api/2.0/mlflow"
_PAGE, _POINTS, _MODELS = 1000, 25_000, 100
_LONGEST_PATH = 1024
_PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"


@dataclass(frozen=True, slots=True)
class ServedFolder:
    """Files that a server lists and gives.

    Args:
        listing: entries directly in a folder, as the server tells them.
        content: where a file is asked for: path and query.
    """

    server: Server
    listing: Callable[[str], Iterator[dict[str, Any]]]
    content: Callable[[str], tuple[str, dict[str, object]]]

    def walk(self) -> Iterator[tuple[str, int]]:
        """Path and size of each file."""
        pending, seen = [""], {""}
        while pending:
            folder = pending.pop()
            for entry in self.listing(folder):
                path = str(entry["path"])
                inside = path.startswith(f"{folder}/") if folder else path != ""
                if not inside or len(path) > _LONGEST_PATH or path in seen:
                    raise BadInput(f"the server lists {path[:100]!r} below {folder[:100]!r}", where=self.server.address)
                seen.add(path)
                if entry.get("is_dir"):
                    pending.append(path)
                else:
                    yield path, int(entry.get("file_size") or 0)

    def parts(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, in parts."""
        return self.server.parts(*self.content(path))


class Served:
    """Reads a tracking server.

    Args:
        server: speaks to it.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._experiments: list[str] = []
        self._troubles = Troubles()
        self.address = server.address

    def experiments(self) -> Iterator[SourceExperiment]:
        """All, deleted ones too."""
        asked = {"max_results": _PAGE, "view_type": "ALL"}
        for one in self._server.pages(f"{_API}/experiments/search", asked, "experiments"):
            found = self._troubles.read("experiment", str(one.get("name")), partial(_experiment, one))
            if found is not None:
                self._experiments.append(found.id)
                yield found

    def runs(self, experiment: str) -> Iterator[SourceRun]:
        """Those of an experiment, the oldest first, so that what starts meanwhile comes at the end."""
        asked = {
            "experiment_ids": [experiment],
            "run_view_type": "ALL",
            "max_results": _PAGE,
            "order_by": ["attributes.start_time ASC"],
        }
        for one in self._server.pages(f"{_API}/runs/search", asked, "runs"):
            found = self._troubles.read("run", _id_of(one, "run_id"), partial(_run, one))
            if found is not None:
                yield found

    def history(self, found: SourceRun) -> list[Point]:
        """Every value of every metric of a run."""
        points = []
        for key in dict.fromkeys(point.key for point in found.latest):
            asked = {"run_id": found.id, "metric_key": key, "max_results": _POINTS}
            pages = self._server.pages(f"{_API}/metrics/get-history", asked, "metrics", post=False)
            points += [_point(one) for one in pages]
        return points

    def logged(self, experiment: str) -> Iterator[SourceLogged]:
        """The logged models of an experiment; a server of before MLflow 3 has none."""
        asked = {"experiment_ids": [experiment], "max_results": _MODELS}
        with suppress(NotFound):
            for one in self._server.pages(f"{_API}/logged-models/search", asked, "models"):
                found = self._troubles.read("logged model", _id_of(one, "model_id"), partial(_logged, one))
                if found is not None:
                    yield found

    def models(self) -> Iterator[SourceModel]:
        """All registered models, prompts too."""
        for one in self._registered("registered-models/search", "", "registered_models", _PAGE):
            found = self._troubles.read("model", str(one.get("name")), partial(_model, one))
            if found is not None:
                yield found

    def versions(self, name: str) -> Iterator[SourceVersion]:
        """The versions of a model, by number."""
        quoted = '"' if "'" in name else "'"
        wanted = f"name = {quoted}{name}{quoted}"
        found = []
        for one in self._registered("model-versions/search", wanted, "model_versions", 10 * _PAGE):
            said = f"{name}@{one.get('version')}"
            version = self._troubles.read("model version", said, partial(_version, name, one))
            if version is not None:
                found.append(version)
        yield from sorted(found, key=lambda version: version.number)

    def files_of_run(self, found: SourceRun) -> Folder:
        """The files of a run, as the server lists them."""

        def listing(folder: str) -> Iterator[dict[str, Any]]:
            asked = {"run_id": found.id, **({"path": folder} if folder else {})}
            return self._server.pages(f"{_API}/artifacts/list", asked, "files", post=False)

        return ServedFolder(self._server, listing, lambda path: ("/get-artifact", {"run_uuid": found.id, "path": path}))

    def files_of_logged(self, found: SourceLogged) -> Folder:
        """The files of a logged model."""
        model = quote(found.id, safe="")

        def listing(folder: str) -> Iterator[dict[str, Any]]:
            asked = {"artifact_directory_path": folder} if folder else {}
            path = f"{_API}/logged-models/{model}/artifacts/directories"
            return self._server.pages(path, asked, "files", post=False)

        if found.place.startswith("mlflow-artifacts:"):
            below = unquote(urlsplit(found.place).path).strip("/")
            served = f"/api/2.0/mlflow-artifacts/artifacts/{below}"
            return ServedFolder(self._server, listing, lambda path: (f"{served}/{path}", {}))
        content = f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files"
        return ServedFolder(self._server, listing, lambda path: (content, {"artifact_file_path": path}))

    def files_at(self, place: str) -> Folder | None:  # noqa: ARG002 - a server does not say what lies anywhere
        """Nobody lists what lies at an address that belongs to no run."""
        return None

    def not_taken(self) -> Iterator[tuple[str, int]]:
        """Traces, of servers that have them; a page is enough to say that there are some."""
        for start in range(0, len(self._experiments), 20):
            places = [
                {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": one}}
                for one in self._experiments[start : start + 20]
            ]
            with suppress(NotFound, BadInput):
                answer = self._server.post("/api/3.0/mlflow/traces/search", {"locations": places, "max_results": 500})
                traces = answer.get("traces")
                if isinstance(traces, list) and traces:
                    yield "trace", len(traces)

    def broken(self) -> Iterator[tuple[str, str, str]]:
        """Entries that are not as the API has them."""
        return self._troubles.told()

    def check(self) -> None:
        """Whether the server answers."""
        self._server.post(f"{_API}/experiments/search", {"max_results": 1})

    def close(self) -> None:
        """Close the connection."""
        self._server.close()

    def _registered(self, path: str, wanted: str, field: str, most: int) -> Iterator[dict[str, Any]]:
        asked: dict[str, object] = {"max_results": most}
        whole = {**asked, "filter": wanted} if wanted else asked
        yield from self._server.pages(f"{_API}/{path}", whole, field, post=False)
        prompts = f"{wanted} AND {_PROMPTS}" if wanted else _PROMPTS
        with suppress(BadInput):  # servers from before there were prompts may not read the question
            for one in self._server.pages(f"{_API}/{path}", {**asked, "filter": prompts}, field, post=False):
                if pairs(one.get("tags")).get("mlflow.prompt.is_prompt") == "true":
                    yield one


def _number(value: object) -> int | None:
    return None if value is None or value == "" else int(str(value))


def _point(one: Mapping[str, Any]) -> Point:
    return Point(
        str(one["key"]), int(one.get("step") or 0), int(one.get("timestamp") or 0), real(one.get("value", 0.0))
    )


def _id_of(one: Mapping[str, Any], name: str) -> str:
    info = one.get("info")
    return str(info.get(name)) if isinstance(info, dict) else "?"


def _experiment(one: Mapping[str, Any]) -> SourceExperiment:
    return SourceExperiment(
        str(one["experiment_id"]),
        str(one["name"]),
        str(one.get("lifecycle_stage") or "active"),
        _number(one.get("creation_time")) or 0,
        _number(one.get("last_update_time")) or 0,
        pairs(one.get("tags")),
    )


def _model(one: Mapping[str, Any]) -> SourceModel:
    return SourceModel(
        str(one["name"]),
        one.get("description") or None,
        int(one.get("creation_timestamp") or 0),
        int(one.get("last_updated_timestamp") or 0),
        pairs(one.get("tags")),
        {str(alias["alias"]): int(alias["version"]) for alias in one.get("aliases") or ()},
    )


def _version(name: str, one: Mapping[str, Any]) -> SourceVersion:
    return SourceVersion(
        name,
        int(one["version"]),
        int(one.get("creation_timestamp") or 0),
        int(one.get("last_updated_timestamp") or 0),
        str(one.get("user_id") or ""),
        one.get("description") or None,
        str(one.get("current_stage") or "None"),
        str(one.get("source") or ""),
        None,
        str(one.get("run_id") or "") or None,
        str(one.get("run_link") or "") or None,
        pairs(one.get("tags")),
    )


def _run(one: dict[str, Any]) -> SourceRun:
    info, data, inputs = one["info"], one.get("data") or {}, one.get("inputs") or {}
    outputs = one.get("outputs") or {}
    return SourceRun(
        id=str(info.get("run_id") or info["run_uuid"]),
        experiment=str(info["experiment_id"]),
        name=str(info.get("run_name") or ""),
        status=str(info.get("status") or "RUNNING").lower(),
        user=str(info.get("user_id") or ""),
        started_ms=int(info.get("start_time") or 0),
        ended_ms=_number(info.get("end_time")),
        deleted_ms=None,
        lifecycle=str(info.get("lifecycle_stage") or "active"),
        place=str(info.get("artifact_uri") or ""),
        parameters=pairs(data.get("params")),
        tags=pairs(data.get("tags")),
        latest=sorted(map(_point, data.get("metrics") or ()), key=lambda point: point.key),
        inputs=[_input(found) for found in inputs.get("dataset_inputs") or ()],
        read_models=[(str(found["model_id"]), 0) for found in inputs.get("model_inputs") or ()],
        made_models=[
            (str(found["model_id"]), int(found.get("step") or 0)) for found in outputs.get("model_outputs") or ()
        ],
    )


def _input(found: Mapping[str, Any]) -> RunInput:
    said = found["dataset"]
    return RunInput(
        str(said["name"]),
        str(said["digest"]),
        str(said.get("source_type") or ""),
        str(said.get("source") or ""),
        said.get("schema"),
        said.get("profile"),
        pairs(found.get("tags")),
    )


def _logged(one: dict[str, Any]) -> SourceLogged:
    info, data = one["info"], one.get("data") or {}
    return SourceLogged(
        id=str(info["model_id"]),
        experiment=str(info["experiment_id"]),
        name=str(info.get("name") or ""),
        model_type=info.get("model_type") or None,
        run=info.get("source_run_id") or None,
        status=str(info.get("status") or "").removeprefix("LOGGED_MODEL_").lower(),
        status_message=info.get("status_message") or None,
        place=str(info.get("artifact_uri") or ""),
        lifecycle="active",
        created_ms=int(info.get("creation_timestamp_ms") or 0),
        updated_ms=int(info.get("last_updated_timestamp_ms") or 0),
        parameters=pairs(data.get("params")),
        tags=pairs(info.get("tags")),
        metrics=[
            ModelPoint(
                str(found.get("run_id") or ""),
                _point(found),
                found.get("dataset_name") or None,
                found.get("dataset_digest") or None,
            )
            for found in data.get("metrics") or ()
        ],
    )

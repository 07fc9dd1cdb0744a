"""A store of MLflow in a database: its tables, of whatever release, read and never written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import URL, Engine, MetaData, Table, create_engine, func, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from stackcanvas.errors import BadInput, MissingExtra, NotFound, Unavailable
from stackcanvas.experiments import RunInput
from stackcanvas.registry import Folder
from stackcanvas.stack.importing.folders import Reach
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

_TABLES = (
    *("experiments", "experiment_tags", "runs", "tags", "params", "metrics", "latest_metrics", "datasets", "inputs"),
    *("input_tags", "registered_models", "registered_model_tags", "registered_model_aliases", "model_versions"),
    *("model_version_tags", "logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics"),
    "trace_info",
)
_PAGE = 500
_LOGGED = ("unspecified", "pending", "ready", "failed")
_GONE = "Deleted_Internal"
_WORKSPACE = "default"
Rows = Sequence[Mapping[str, Any]]


class Database:
    """Reads the database of a tracking server.

    Args:
        url: as MLflow takes it: `sqlite:///mlflow.db`, `postgresql://...`.
        artifacts: where files lie, as the user says.
    """

    def __init__(self, url: str, *, artifacts: str | None = None) -> None:
        self._engine, self.address, home = open_read_only(url)
        self._reach = Reach(home, artifacts)
        self._troubles = Troubles()
        self._tables = self._known()
        if not {"experiments", "runs"} <= set(self._tables):
            raise BadInput("the database holds no runs of MLflow", where=self.address)

    def experiments(self) -> Iterator[SourceExperiment]:
        """All, deleted ones too."""
        tags = self._grouped("experiment_tags", "experiment_id")
        for row in self._rows("experiments", order="experiment_id"):
            make = partial(_experiment, row, tags.get(row["experiment_id"], {}))
            found = self._troubles.read("experiment", str(row.get("name")), make)
            if found is not None:
                yield found

    def runs(self, experiment: str) -> Iterator[SourceRun]:
        """Those of an experiment, the oldest first."""
        runs = self._tables["runs"]
        of = runs.c.experiment_id == int(experiment)
        ids = [row["run_uuid"] for row in self._select(select(runs.c.run_uuid).where(of).order_by(runs.c.start_time))]
        for start in range(0, len(ids), _PAGE):
            yield from self._page(ids[start : start + _PAGE])

    def history(self, found: SourceRun) -> list[Point]:
        """Every value of every metric of a run."""
        return [_point(row) for row in self._of("metrics", "run_uuid", [found.id])]

    def logged(self, experiment: str) -> Iterator[SourceLogged]:
        """The logged models of an experiment; a database of before MLflow 3 has none."""
        rows = self._of("logged_models", "experiment_id", [int(experiment)])
        for start in range(0, len(rows), _PAGE):
            some = rows[start : start + _PAGE]
            ids = [row["model_id"] for row in some]
            parameters = self._grouped("logged_model_params", "model_id", ids, key="param_key", value="param_value")
            tags = self._grouped("logged_model_tags", "model_id", ids, key="tag_key", value="tag_value")
            metrics: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
            for row in self._of("logged_model_metrics", "model_id", ids):
                metrics[row["model_id"]].append(row)
            for row in some:
                which = row["model_id"]
                make = partial(_logged, row, parameters.get(which, {}), tags.get(which, {}), metrics[which])
                found = self._troubles.read("logged model", str(which), make)
                if found is not None:
                    yield found

    def models(self) -> Iterator[SourceModel]:
        """All registered models."""
        tags = self._grouped("registered_model_tags", "name")
        aliases = self._grouped("registered_model_aliases", "name", key="alias", value="version")
        for row in self._rows("registered_models", order="name"):
            name = row["name"]
            make = partial(_model, row, tags.get(name, {}), aliases.get(name, {}))
            found = self._troubles.read("model", str(name), make)
            if found is not None:
                yield found

    def versions(self, name: str) -> Iterator[SourceVersion]:
        """The versions of a model, by number."""
        tags: dict[int, dict[str, str]] = defaultdict(dict)
        for row in self._of("model_version_tags", "name", [name]):
            tags[row["version"]][row["key"]] = row["value"] or ""
        for row in sorted(self._of("model_versions", "name", [name]), key=lambda row: int(row["version"])):
            if row.get("current_stage") == _GONE:
                continue
            make = partial(_version, row, tags[row["version"]])
            found = self._troubles.read("model version", f"{name}@{row['version']}", make)
            if found is not None:
                yield found

    def files_of_run(self, found: SourceRun) -> Folder:
        """The files of a run."""
        return self._reach.folder(found.place)

    def files_of_logged(self, found: SourceLogged) -> Folder:
        """The files of a logged model."""
        return self._reach.folder(found.place)

    def files_at(self, place: str) -> Folder | None:
        """The files at an address that belongs to no run."""
        return self._reach.folder(place)

    def not_taken(self) -> Iterator[tuple[str, int]]:
        """Traces, and what lies in other workspaces of the server."""
        if "trace_info" in self._tables:
            count = self._count("trace_info")
            if count:
                yield "trace", count
        for name, kind in (
            ("experiments", "experiment of another workspace"),
            ("registered_models", "model of another workspace"),
        ):
            table = self._tables.get(name)
            if table is not None and "workspace" in table.c:
                others = select(func.count()).select_from(table).where(table.c.workspace != _WORKSPACE)
                count = int(self._select(others)[0]["count_1"])
                if count:
                    yield kind, count

    def broken(self) -> Iterator[tuple[str, str, str]]:
        """What could not be read."""
        return self._troubles.told()

    def check(self) -> None:
        """Whether the database answers."""
        self._select(select(func.count()).select_from(self._tables["experiments"]))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _page(self, ids: list[str]) -> Iterator[SourceRun]:
        parameters = self._grouped("params", "run_uuid", ids)
        tags = self._grouped("tags", "run_uuid", ids)
        latest: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._of("latest_metrics", "run_uuid", ids):
            latest[row["run_uuid"]].append(row)
        inputs, models = self._inputs(ids), self._models_of(ids)
        rows = {row["run_uuid"]: row for row in self._of("runs", "run_uuid", ids)}
        for which in ids:
            if which in rows:
                make = partial(
                    _run,
                    rows[which],
                    parameters.get(which, {}),
                    tags.get(which, {}),
                    latest[which],
                    inputs=inputs.get(which, []),
                    models=models.get(which, []),
                )
                found = self._troubles.read("run", str(which), make)
                if found is not None:
                    yield found

    def _inputs(self, ids: list[str]) -> dict[str, list[RunInput]]:
        rows = [row for row in self._of("inputs", "destination_id", ids) if row["source_type"] == "DATASET"]
        wanted = sorted({row["source_id"] for row in rows})
        datasets: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(wanted), _PAGE):
            for row in self._of("datasets", "dataset_uuid", wanted[start : start + _PAGE]):
                datasets[row["dataset_uuid"]] = row
        tags: dict[str, dict[str, str]] = {}
        uuids = [row["input_uuid"] for row in rows]
        for start in range(0, len(uuids), _PAGE):
            tags |= self._grouped("input_tags", "input_uuid", uuids[start : start + _PAGE], key="name")
        found: dict[str, list[RunInput]] = defaultdict(list)
        for row in rows:
            said = datasets.get(row["source_id"])
            if said is not None:
                found[row["destination_id"]].append(
                    RunInput(
                        str(said["name"]),
                        str(said["digest"]),
                        str(said["dataset_source_type"]),
                        str(said["dataset_source"]),
                        said.get("dataset_schema"),
                        said.get("dataset_profile"),
                        tags.get(row["input_uuid"], {}),
                    )
                )
        return found

    def _models_of(self, ids: list[str]) -> dict[str, list[tuple[str, str, int]]]:
        """Logged models that runs read or made: kind of link, model, step."""
        found: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for row in self._of("inputs", "source_id", ids):
            if row["destination_type"] in {"MODEL_INPUT", "MODEL_OUTPUT"}:
                link = (row["destination_type"], row["destination_id"], int(row.get("step") or 0))
                found[row["source_id"]].append(link)
        return found

    def _known(self) -> dict[str, Table]:
        """The tables that there are, with the columns that they have in this release."""
        held = MetaData()
        try:
            held.reflect(self._engine, only=lambda name, _: name in _TABLES, resolve_fks=False)
        except SQLAlchemyError as error:
            raise self._cannot(error) from None
        return dict(held.tables)

    def _rows(self, name: str, *, order: str) -> Rows:
        table = self._tables.get(name)
        return [] if table is None else self._select(self._here(select(table), table).order_by(table.c[order]))

    def _of(self, name: str, column: str, values: Sequence[object]) -> Rows:
        table = self._tables.get(name)
        if table is None or not values:
            return []
        return self._select(self._here(select(table).where(table.c[column].in_(values)), table))

    def _grouped(
        self, name: str, owner: str, values: Sequence[object] | None = None, *, key: str = "key", value: str = "value"
    ) -> dict[Any, dict[str, str]]:
        """Pairs of a table by whom they belong to; a database of an older release may lack the table."""
        table = self._tables.get(name)
        if table is None or values == []:
            return {}
        rows = self._rows(name, order=owner) if values is None else self._of(name, owner, values)
        found: dict[Any, dict[str, str]] = defaultdict(dict)
        for row in rows:
            found[row[owner]][str(row[key])] = "" if row[value] is None else str(row[value])
        return found

    def _count(self, name: str) -> int:
        return int(self._select(select(func.count()).select_from(self._tables[name]))[0]["count_1"])

    @staticmethod
    def _here(chosen: Any, table: Table) -> Any:
        return chosen.where(table.c.workspace == _WORKSPACE) if "workspace" in table.c else chosen

    def _select(self, chosen: Any) -> Rows:
        try:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(chosen).mappings()]
        except SQLAlchemyError as error:
            raise self._cannot(error) from None

    def _cannot(self, error: Exception) -> Unavailable:
        said = str(getattr(error, "orig", None) or error).splitlines()
        return Unavailable(f"the database cannot be read: {said[0] if said else 'no reason given'}", where=self.address)


def open_read_only(url: str) -> tuple[Engine, str, Path]:
    """The engine, the address without its secrets, and the folder that the database lies in."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadInput("the address cannot be read", expected="such as sqlite:///mlflow.db") from None
    shown = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite":
        path = Path(unquote(parsed.database or ""))
        if not path.is_file():
            raise NotFound("database", str(path))
        real = path.resolve()
        # Never written, not even by a recovery.
        place = URL.create("sqlite", database=f"file:{quote(str(real))}", query={"mode": "ro", "uri": "true"})
        engine = create_engine(place)
        return engine, f"sqlite:///{real}", real.parent
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        return create_engine(parsed, pool_size=10), shown, Path.cwd()
    except NoSuchModuleError:
        raise BadInput(f"databases of {parsed.drivername} are not known", where=shown) from None
    except ModuleNotFoundError as error:
        if parsed.get_backend_name() == "postgresql":
            raise MissingExtra("PostgreSQL", "postgres") from None
        raise BadInput(
            f"the driver {error.name} is not installed", where=shown, fix=f"pip install {error.name}"
        ) from None


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))


def _point(row: Mapping[str, Any]) -> Point:
    value = float("nan") if row["is_nan"] else real(row["value"])
    return Point(str(row["key"]), int(row["step"] or 0), int(row["timestamp"] or 0), value)


def _experiment(row: Mapping[str, Any], tags: Mapping[str, str]) -> SourceExperiment:
    created, updated = (int(row.get(name) or 0) for name in ("creation_time", "last_update_time"))
    stage = str(row.get("lifecycle_stage") or "active")
    return SourceExperiment(str(row["experiment_id"]), str(row["name"]), stage, created, updated, tags)


def _run(
    row: Mapping[str, Any],
    parameters: Mapping[str, str],
    tags: Mapping[str, str],
    latest: Rows,
    *,
    inputs: Sequence[RunInput],
    models: Sequence[tuple[str, str, int]],
) -> SourceRun:
    return SourceRun(
        id=str(row["run_uuid"]),
        experiment=str(row["experiment_id"]),
        name=str(tags.get("mlflow.runName") or row.get("name") or ""),
        status=str(row.get("status") or "RUNNING").lower(),
        user=str(row.get("user_id") or ""),
        started_ms=int(row.get("start_time") or 0),
        ended_ms=_number(row.get("end_time")),
        deleted_ms=_number(row.get("deleted_time")),
        lifecycle=str(row.get("lifecycle_stage") or "active"),
        place=str(row.get("artifact_uri") or ""),
        parameters=parameters,
        tags=tags,
        latest=sorted(map(_point, latest), key=lambda point: point.key),
        inputs=inputs,
        read_models=[(model, step) for kind, model, step in models if kind == "MODEL_INPUT"],
        made_models=[(model, step) for kind, model, step in models if kind == "MODEL_OUTPUT"],
    )


def _logged(
    row: Mapping[str, Any], parameters: Mapping[str, str], tags: Mapping[str, str], metrics: Rows
) -> SourceLogged:
    status = int(row.get("status") or 0)
    points = [
        ModelPoint(
            str(one["run_id"]),
            Point(
                str(one["metric_name"]),
                int(one["metric_step"]),
                int(one["metric_timestamp_ms"]),
                real(one["metric_value"]) if one["metric_value"] is not None else float("nan"),
            ),
            one.get("dataset_name"),
            one.get("dataset_digest"),
        )
        for one in metrics
    ]
    return SourceLogged(
        id=str(row["model_id"]),
        experiment=str(row["experiment_id"]),
        name=str(row.get("name") or ""),
        model_type=row.get("model_type"),
        run=row.get("source_run_id"),
        status=_LOGGED[status] if 0 <= status < len(_LOGGED) else "unknown",
        status_message=row.get("status_message"),
        place=str(row.get("artifact_location") or ""),
        lifecycle=str(row.get("lifecycle_stage") or "active"),
        created_ms=int(row.get("creation_timestamp_ms") or 0),
        updated_ms=int(row.get("last_updated_timestamp_ms") or 0),
        parameters=parameters,
        tags=tags,
        metrics=points,
    )


def _model(row: Mapping[str, Any], tags: Mapping[str, str], aliases: Mapping[str, str]) -> SourceModel:
    return SourceModel(
        str(row["name"]),
        row.get("description"),
        int(row.get("creation_time") or 0),
        int(row.get("last_updated_time") or 0),
        tags,
        {alias: int(number) for alias, number in aliases.items()},
    )


def _version(row: Mapping[str, Any], tags: Mapping[str, str]) -> SourceVersion:
    return SourceVersion(
        str(row["name"]),
        int(row["version"]),
        int(row.get("creation_time") or 0),
        int(row.get("last_updated_time") or 0),
        str(row.get("user_id") or ""),
        row.get("description"),
        str(row.get("current_stage") or "None"),
        str(row.get("source") or ""),
        row.get("storage_location"),
        row.get("run_id") or None,
        row.get("run_link") or None,
        tags,
    )

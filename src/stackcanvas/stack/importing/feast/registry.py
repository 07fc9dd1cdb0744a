"""Where a registry of Feast lies: a file, or the tables of a database."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import MetaData, select
from sqlalchemy.exc import SQLAlchemyError

from stackcanvas.backends.objects import open_objects
from stackcanvas.errors import BadInput, NotFound, Unavailable
from stackcanvas.stack.importing.feast.messages import of_parts, parse
from stackcanvas.stack.importing.mlflow.sql import open_read_only
from stackcanvas.yamls import load_yaml

STORE = "feature_store.yaml"
_TABLES = {
    "entities": ("entity_proto", "entities", "Entity"),
    "feature_views": ("feature_view_proto", "feature_views", "FeatureView"),
    "stream_feature_views": ("feature_view_proto", "stream_feature_views", "StreamView"),
    "on_demand_feature_views": ("feature_view_proto", "on_demand_feature_views", "OnDemandView"),
    "label_views": ("feature_view_proto", "label_views", "Named"),
    "feature_services": ("feature_service_proto", "feature_services", "FeatureService"),
    "saved_datasets": ("saved_dataset_proto", "saved_datasets", "Named"),
}
_LARGEST = 512 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A registry that was read.

    Args:
        home: the folder that its paths begin at.
        project: whose definitions count; None for all.
    """

    address: str
    home: Path
    project: str | None
    content: Any


def read_registry(place: str | Path) -> Found:
    """Read the registry of a repository, or the one in a file.

    Raises:
        NotFound: there is none.
        BadInput: it is of a kind that only Feast itself reads, or it is broken.
    """
    path = Path(place).absolute()
    if path.is_dir():
        path /= STORE
    if not path.is_file():
        raise NotFound("registry or feature_store.yaml", str(path))
    if path.suffix not in {".yaml", ".yml"}:
        return Found(str(path), path.parent, None, parse("Registry", _bytes(path), where=str(path)))
    home = path.parent
    try:
        said = load_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"it cannot be read ({str(error).splitlines()[0]})", where=str(path)) from None
    if not isinstance(said, dict) or not said.get("project"):
        raise BadInput("it names no project", where=str(path), expected="what `feast init` writes")
    registry = said.get("registry") or "data/registry.db"
    facts = registry if isinstance(registry, dict) else {"path": registry}
    kind, address = str(facts.get("registry_type") or "file"), os.path.expandvars(str(facts.get("path") or ""))
    if kind == "sql":
        content = _of_database(_below(address, home), str(said["project"]))
    elif kind != "file":
        raise BadInput(f"a registry of kind {kind} is read by Feast only", where=str(path), expected="file or sql")
    elif "://" in address:
        bucket, _, key = address.partition("://")[2].partition("/")
        store = open_objects(f"{address.partition('://')[0]}://{bucket}")
        content = parse("Registry", store.get(key), where=store.url)
    else:
        content = parse("Registry", _bytes(home / address), where=str(home / address))
    return Found(str(home), home, str(said["project"]), content)


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise NotFound("registry", str(path), fix="Run `feast apply` there first")
    if path.stat().st_size > _LARGEST:
        raise BadInput("the registry is larger than any should be", where=str(path))
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"it cannot be read ({error.strerror})", where=str(path)) from None


def _below(address: str, home: Path) -> str:
    """A database in a file lies below the repository."""
    scheme, slashes, path = address.partition(":///")
    return f"{scheme}:///{home / path}" if scheme.startswith("sqlite") and slashes else address


def _of_database(url: str, project: str) -> Any:
    engine, shown, _ = open_read_only(url)
    content, tables = of_parts(), MetaData()
    try:
        tables.reflect(engine, only=lambda name, _: name in _TABLES, resolve_fks=False)
        with engine.connect() as connection:
            for name, table in tables.tables.items():
                column, field, kind = _TABLES[name]
                chosen = select(table.c[column]).where(table.c.project_id == project)
                for (data,) in connection.execute(chosen.order_by(*table.primary_key.columns)):
                    getattr(content, field).append(parse(kind, bytes(data), where=shown))
    except (SQLAlchemyError, KeyError, AttributeError) as error:
        raise Unavailable(f"the registry cannot be read ({type(error).__name__})", where=shown) from None
    finally:
        engine.dispose()
    if "feature_views" not in tables.tables:
        raise BadInput("the database holds no registry of Feast", where=shown)
    return content

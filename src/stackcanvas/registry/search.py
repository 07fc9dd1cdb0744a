"""Finding registered models and versions by their names, tags and other facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, literal, select
from sqlalchemy import false as sql_false

from stackcanvas.errors import BadInput
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry.catalog import Catalog, RegisteredModel
from stackcanvas.registry.tables import model, model_tag, model_version, model_version_tag
from stackcanvas.registry.versions import ModelVersion, Versions

PROMPT = "mlflow.prompt.is_prompt"
"""The tag by which MLflow's clients keep prompts among the models; they are not models to anybody else."""

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "=": lambda column, value: column == value,
        "!=": lambda column, value: column != value,
        ">": lambda column, value: column > value,
        ">=": lambda column, value: column >= value,
        "<": lambda column, value: column < value,
        "<=": lambda column, value: column <= value,
        "LIKE": lambda column, value: column.like(value),
        "ILIKE": lambda column, value: column.ilike(value),
        "IN": lambda column, value: column.in_(list(value)) if value else sql_false(),
        "NOT IN": lambda column, value: column.not_in(list(value)),
    }
)
_RUN = func.coalesce(func.substr(model_version.c.run, len("run:") + 1), "")
_MODELS: Mapping[str, Any] = MappingProxyType(
    {"name": model.c.name, "created": model.c.created, "updated": model.c.updated}
)
_VERSIONS: Mapping[str, Any] = MappingProxyType(
    {
        "name": model_version.c.name,
        "number": model_version.c.number,
        "created": model_version.c.created,
        "updated": model_version.c.updated,
        "run": _RUN,
        "source": func.coalesce(model_version.c.source, ""),
        "stage": model_version.c.stage,
        "format": model_version.c.format,
    }
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison.

    Args:
        kind: `attribute` or `tag`.
        key: the attribute (of models `name`, `created`, `updated`; of versions also `number`, `run`, `source`,
            `stage`, `format`), or the key of the tag.
        operator: =, !=, <, <=, >, >=, LIKE, ILIKE, IN or NOT IN.
    """

    kind: str
    key: str
    operator: str
    value: Any


Order = tuple[str, bool]
"""An attribute, and whether the largest come first."""


class Search:
    """Finds models and versions."""

    def __init__(self, spine: Spine, catalog: Catalog, versions: Versions) -> None:
        self._spine = spine
        self._catalog = catalog
        self._versions = versions

    def models(
        self, where: Sequence[Condition] = (), *, order_by: Sequence[Order] = (), limit: int = 100, offset: int = 0
    ) -> list[RegisteredModel]:
        """The models that fulfil every condition, by name unless told otherwise."""
        wanted, prompts = _without_prompt(where)
        chosen = select(model.c.name).where(*(_model_condition(one) for one in wanted))
        if not prompts:
            tag = model_tag.alias()
            here = and_(tag.c.name == model.c.name, tag.c.key == PROMPT, tag.c.value == "true")
            chosen = chosen.where(~select(literal(1)).select_from(tag).where(here).correlate(model).exists())
        terms = _order(order_by, _MODELS, ties=(("name", False),))
        with self._spine.read() as connection:
            names = connection.execute(chosen.order_by(*terms).limit(limit).offset(offset)).scalars().all()
            return self._catalog.find(connection, list(names)) if names else []

    def versions(
        self, where: Sequence[Condition] = (), *, order_by: Sequence[Order] = (), limit: int = 100, offset: int = 0
    ) -> list[ModelVersion]:
        """The versions that fulfil every condition; those last changed come first unless told otherwise."""
        wanted, prompts = _without_prompt(where)
        chosen = select(model_version).where(*(_version_condition(one) for one in wanted))
        if not prompts:
            # Prompts are told by a tag on any of their versions.
            tagged = select(model_version_tag.c.name).where(
                model_version_tag.c.key == PROMPT, model_version_tag.c.value == "true"
            )
            chosen = chosen.where(model_version.c.name.not_in(tagged))
        given = order_by or (("updated", True),)
        terms = _order(given, _VERSIONS, ties=(("name", False), ("number", True)))
        with self._spine.read() as connection:
            rows = connection.execute(chosen.order_by(*terms).limit(limit).offset(offset)).mappings().all()
            return self._versions.full(connection, rows)

    def newest_by_stage(self, names: Sequence[str]) -> dict[str, list[ModelVersion]]:
        """For each model the newest version in each stage that has one."""
        with self._spine.read() as connection:
            return newest_by_stage(connection, self._versions, names)


def newest_by_stage(connection: Connection, versions: Versions, names: Sequence[str]) -> dict[str, list[ModelVersion]]:
    """For each model the newest version in each stage that has one; the stage of the oldest version comes first."""
    table = model_version
    found: dict[str, list[ModelVersion]] = {name: [] for name in names}
    if not names:
        return found
    newest = (
        select(table.c.name, func.max(table.c.number).label("number"), func.min(table.c.number).label("oldest"))
        .where(table.c.name.in_(list(names)))
        .group_by(table.c.name, table.c.stage)
        .subquery()
    )
    chosen = select(table).join(newest, and_(newest.c.name == table.c.name, newest.c.number == table.c.number))
    for version in versions.full(connection, connection.execute(chosen.order_by(newest.c.oldest)).mappings().all()):
        found[version.name].append(version)
    return found


def _without_prompt(where: Sequence[Condition]) -> tuple[list[Condition], bool]:
    """The conditions, less those that only say that no prompts are wanted; and whether prompts are."""
    asks = [one for one in where if one.kind == "tag" and one.key == PROMPT]
    said = {"=": "true", "!=": "false"}
    prompts = any(said.get(one.operator) == str(one.value).lower() for one in asks)
    return ([*where] if prompts else [one for one in where if one not in asks]), prompts


def _model_condition(given: Condition) -> ColumnElement[bool]:
    if given.kind == "tag":
        return _tagged(given, model_tag, model, ("name",))
    return _compare(_attribute(given.key, _MODELS), given)


def _version_condition(given: Condition) -> ColumnElement[bool]:
    if given.kind == "tag":
        return _tagged(given, model_version_tag, model_version, ("name", "number"))
    if given.key == "run" and given.operator == "=" and given.value:
        # As it is stored, so that an index finds it.
        found: ColumnElement[bool] = model_version.c.run == str(Ref("run", given.value))
        return found
    return _compare(_attribute(given.key, _VERSIONS), given)


def _tagged(given: Condition, tags: Table, of: Table, keys: Sequence[str]) -> ColumnElement[bool]:
    tag = tags.alias()
    same = [tag.c[key] == of.c[key] for key in keys]
    here = and_(*same, tag.c.key == given.key, _compare(tag.c.value, given))
    return select(literal(1)).select_from(tag).where(here).correlate(of).exists()


def _compare(column: Any, given: Condition) -> ColumnElement[bool]:
    if given.operator not in _OPERATORS:
        raise BadInput(f"{given.operator!r} is no operator", expected=", ".join(_OPERATORS))
    found: ColumnElement[bool] = _OPERATORS[given.operator](column, given.value)
    return found


def _attribute(key: str, known: Mapping[str, Any]) -> Any:
    if key not in known:
        raise BadInput(f"there is no attribute {key!r} to search by", expected=", ".join(known))
    return known[key]


def _order(given: Sequence[Order], known: Mapping[str, Any], *, ties: Sequence[Order]) -> list[ColumnElement[Any]]:
    named = {key for key, _ in given}
    terms = [*given, *(tie for tie in ties if tie[0] not in named)]
    return [
        _attribute(key, known).desc() if largest_first else _attribute(key, known).asc() for key, largest_first in terms
    ]

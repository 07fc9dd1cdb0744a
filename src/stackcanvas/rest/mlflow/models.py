"""Registered models: the names under which versions are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec

from stackcanvas.errors import Conflict, NotFound
from stackcanvas.experiments.filters import CATALOG_WORDS, LISTS, TEXT, Clause, Grammar, split_order
from stackcanvas.metadata import Ref
from stackcanvas.registry import Condition, RegisteredModel, stage_named
from stackcanvas.rest.mlflow.answers import milliseconds, pairs, present
from stackcanvas.rest.mlflow.errors import MlflowError, absent, invalid, missing, taken
from stackcanvas.rest.mlflow.messages import Message, Pair
from stackcanvas.rest.mlflow.naming import check_alias, check_key, check_model, check_words, number_of
from stackcanvas.rest.mlflow.paging import page
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.rest.mlflow.versions import known_version, tags_of, told_version
from stackcanvas.stack import Stack
from stackcanvas.stack.registering import is_prompt

_LARGEST_PAGE = 1000
_GRAMMAR = Grammar(
    words=CATALOG_WORDS,
    operators={"attribute": TEXT, "tag": TEXT},
    texts={"name": TEXT | LISTS},
    numbers=frozenset(),
)
_ORDERS = {"name": "name", "timestamp": "updated", "last_updated_timestamp": "updated"}


class Create(Message):
    """A new name."""

    name: str = ""
    tags: list[Pair] = msgspec.field(default_factory=list)
    description: str = ""
    needed: ClassVar[tuple[str, ...]] = ("name",)


class Named(Message):
    """A model by its name."""

    name: str = ""
    needed: ClassVar[tuple[str, ...]] = ("name",)


class Update(Message):
    """What a model is, in words."""

    name: str = ""
    description: str = ""
    needed: ClassVar[tuple[str, ...]] = ("name",)


class Rename(Message):
    """Another name."""

    name: str = ""
    new_name: str = ""
    needed: ClassVar[tuple[str, ...]] = ("name", "new_name")


class Find(Message):
    """A search."""

    filter: str = ""
    max_results: int = 100
    order_by: list[str] = msgspec.field(default_factory=list)
    page_token: str = ""


class Tag(Message):
    """A tag of a model."""

    name: str = ""
    key: str = ""
    value: str = ""
    needed: ClassVar[tuple[str, ...]] = ("name", "key")


class Alias(Message):
    """A name for a version."""

    name: str = ""
    alias: str = ""
    version: str = ""
    needed: ClassVar[tuple[str, ...]] = ("name", "alias")


class Latest(Message):
    """The newest version in each of some stages."""

    name: str = ""
    stages: list[str] = msgspec.field(default_factory=list)
    needed: ClassVar[tuple[str, ...]] = ("name",)


def _create(stack: Stack, asked: Create) -> dict[str, Any]:
    check_model(asked.name)
    tags = tags_of(asked.tags)
    try:
        made = stack.registry.changes.create(asked.name, description=asked.description, tags=tags)
    except Conflict:
        raise _taken(stack, asked.name, tags) from None
    return {"registered_model": _told(stack, [made])[0]}


def _taken(stack: Stack, name: str, tags: Mapping[str, str]) -> MlflowError:
    """Prompts are models with a tag; a name is either."""
    wanted, there = (_kind(held) for held in (tags, _model(stack, name).tags))
    if wanted == there:
        return taken(f"{wanted.title()} (name={name}) already exists.")
    return taken(
        f"Tried to create a {wanted} with name {name!r}, but the name is already taken by a {there}. "
        f"MLflow does not allow creating a {wanted} with the same name as an existing {there}"
    )


def _kind(tags: Mapping[str, str]) -> str:
    return "prompt" if is_prompt(tags) else "registered model"


def _get(stack: Stack, asked: Named) -> dict[str, Any]:
    return {"registered_model": _told(stack, [_model(stack, asked.name)])[0]}


def _update(stack: Stack, asked: Update) -> dict[str, Any]:
    check_model(asked.name)
    with _known(asked.name):
        stack.registry.changes.describe(Ref("model", asked.name), asked.description)
    return _get(stack, Named(name=asked.name))


def _rename(stack: Stack, asked: Rename) -> dict[str, Any]:
    check_model(asked.new_name)
    if asked.new_name == asked.name:
        return {"registered_model": _told(stack, [_model(stack, asked.name)])[0]}
    try:
        with _known(asked.name):
            renamed = stack.registry.changes.rename(asked.name, asked.new_name)
    except Conflict:
        raise taken(f"Registered Model (name={asked.new_name}) already exists.") from None
    return {"registered_model": _told(stack, [renamed])[0]}


def _delete(stack: Stack, asked: Named) -> dict[str, Any]:
    with _known(asked.name):
        stack.registry.changes.delete_model(asked.name)
    return {}


def _search(stack: Stack, asked: Find) -> dict[str, Any]:
    if not 0 <= asked.max_results <= _LARGEST_PAGE:
        raise invalid(
            f"Invalid value {asked.max_results} for parameter 'max_results'", expected=f"0 to {_LARGEST_PAGE}"
        )
    where = [_condition(clause) for clause in _GRAMMAR.parse(asked.filter)]
    orders = [_order(text) for text in asked.order_by]
    if len({key for key, _ in orders}) < len(orders):
        raise invalid(f"`order_by` contains duplicate fields: {asked.order_by}")

    def find(limit: int, offset: int) -> list[RegisteredModel]:
        return stack.registry.search.models(where, order_by=orders, limit=limit, offset=offset)

    found, token = page(find, token=asked.page_token, size=asked.max_results)
    return present(registered_models=_told(stack, found), next_page_token=token)


def _condition(clause: Clause) -> Condition:
    return Condition(clause.entity, clause.key, clause.operator, clause.value)


def _order(text: str) -> tuple[str, bool]:
    name, largest_first = split_order(text)
    key = name.strip('`"')
    if key not in _ORDERS:
        raise invalid(f"Invalid order by key '{name}' specified. Valid keys are {', '.join(_ORDERS)}")
    return _ORDERS[key], largest_first


def _set_tag(stack: Stack, asked: Tag) -> dict[str, Any]:
    check_model(asked.name)
    check_key(asked.key, asked.value)
    with _known(asked.name):
        stack.registry.changes.tag(Ref("model", asked.name), asked.key, asked.value)
    return {}


def _delete_tag(stack: Stack, asked: Tag) -> dict[str, Any]:
    check_model(asked.name)
    check_key(asked.key)
    with _known(asked.name):
        stack.registry.changes.untag(Ref("model", asked.name), asked.key)
    return {}


def _latest(stack: Stack, asked: Latest) -> dict[str, Any]:
    found = _model(stack, asked.name)
    stages = {stage_named(stage) for stage in asked.stages}
    newest = stack.registry.search.newest_by_stage([found.name])[found.name]
    return present(model_versions=[told_version(one) for one in newest if not stages or one.stage in stages])


def _set_alias(stack: Stack, asked: Alias) -> dict[str, Any]:
    check_model(asked.name)
    check_alias(asked.alias, new=True)
    if not asked.version:
        raise missing("version")
    with known_version(asked.name, number_of(asked.version)) as ref:
        stack.registry.changes.set_alias(ref, asked.alias)
    return {}


def _delete_alias(stack: Stack, asked: Alias) -> dict[str, Any]:
    check_model(asked.name)
    check_alias(asked.alias)
    found = _model(stack, asked.name)
    if asked.alias in found.aliases:
        stack.registry.unalias(asked.name, asked.alias)
    return {}


def _by_alias(stack: Stack, asked: Alias) -> dict[str, Any]:
    check_model(asked.name)
    check_alias(asked.alias)
    with _known(asked.name):
        if asked.alias.lower() == "latest":
            return {"model_version": told_version(stack.registry.get(Ref("model", asked.name)))}
        found = stack.registry.aliased(asked.name, asked.alias)
    if found is None:
        raise invalid(f"Registered model alias {asked.alias} not found.")
    return {"model_version": told_version(found)}


@contextmanager
def _known(name: str) -> Iterator[None]:
    """What is missing in the block of code is the model; a blank is no name of one."""
    if not name.strip():
        raise missing("name")
    try:
        yield
    except NotFound:
        check_words(name)
        raise absent(f"Registered Model with name={name} not found") from None


def _model(stack: Stack, name: str) -> RegisteredModel:
    with _known(name):
        return stack.registry.model(name)


def _told(stack: Stack, models: list[RegisteredModel]) -> list[dict[str, Any]]:
    newest = stack.registry.search.newest_by_stage([model.name for model in models])
    return [
        present(
            name=model.name,
            creation_timestamp=milliseconds(model.created),
            last_updated_timestamp=milliseconds(model.updated),
            description=model.description or None,
            latest_versions=[told_version(version) for version in newest[model.name]],
            tags=pairs(dict(model.tags)),
            aliases=[{"alias": alias, "version": str(number)} for alias, number in model.aliases.items()],
        )
        for model in models
    ]


ROUTES = (
    Route("POST", "registered-models/create", Create, _create),
    Route("GET", "registered-models/get", Named, _get),
    Route("PATCH", "registered-models/update", Update, _update),
    Route("POST", "registered-models/rename", Rename, _rename),
    Route("DELETE", "registered-models/delete", Named, _delete),
    Route("GET", "registered-models/search", Find, _search),
    Route("POST", "registered-models/set-tag", Tag, _set_tag),
    Route("DELETE", "registered-models/delete-tag", Tag, _delete_tag),
    Route("POST", "registered-models/get-latest-versions", Latest, _latest),
    Route("GET", "registered-models/get-latest-versions", Latest, _latest),
    Route("POST", "registered-models/alias", Alias, _set_alias),
    Route("DELETE", "registered-models/alias", Alias, _delete_alias),
    Route("GET", "registered-models/alias", Alias, _by_alias),
)

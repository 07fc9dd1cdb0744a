"""Versions of registered models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec

from stackcanvas.errors import NotFound
from stackcanvas.experiments.filters import CATALOG_WORDS, LISTS, TEXT, Clause, Grammar
from stackcanvas.metadata import Ref
from stackcanvas.registry import Condition, ModelVersion, stage_named
from stackcanvas.rest.mlflow.answers import milliseconds, pairs, present
from stackcanvas.rest.mlflow.artifacts_uri import key_of
from stackcanvas.rest.mlflow.errors import MlflowError, absent, invalid, missing
from stackcanvas.rest.mlflow.limits import check_page
from stackcanvas.rest.mlflow.messages import Message, Pair
from stackcanvas.rest.mlflow.naming import check_key, check_model, check_words, number_of
from stackcanvas.rest.mlflow.paging import page
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.stack import Stack
from stackcanvas.stack.registering import address_of, is_prompt, register_logged

_LARGEST_PAGE = 200_000
_VERSIONS = "mlflow.modelVersions"
_GRAMMAR = Grammar(
    words=CATALOG_WORDS,
    operators={"attribute": TEXT, "tag": TEXT},
    texts={"name": TEXT | LISTS, "run_id": TEXT | LISTS, "source_path": TEXT},
    numbers=frozenset({"version_number"}),
    quoted=True,
    orders=frozenset({"name", "version_number", "creation_timestamp", "last_updated_timestamp"}),
)
_ATTRIBUTES = {"name": "name", "run_id": "run", "source_path": "source", "version_number": "number"}
_ORDERS = {
    "name": "name",
    "version_number": "number",
    "creation_timestamp": "created",
    "last_updated_timestamp": "updated",
}


class Create(Message):
    """A new version."""

    name: str = ""
    source: str = ""
    run_id: str | None = None
    run_link: str = ""
    tags: list[Pair] = msgspec.field(default_factory=list)
    description: str = ""
    model_id: str | None = None
    needed: ClassVar[tuple[str, ...]] = ("name", "source")


class Numbered(Message):
    """A version."""

    name: str = ""
    version: str = ""
    needed: ClassVar[tuple[str, ...]] = ("name", "version")


class Update(Numbered):
    """What a version is, in words."""

    description: str | None = None


class Move(Numbered):
    """Another stage."""

    stage: str = ""
    archive_existing_versions: object = False
    needed: ClassVar[tuple[str, ...]] = ("name", "version", "stage")


class Tag(Numbered):
    """A tag of a version."""

    key: str = ""
    value: str = ""
    needed: ClassVar[tuple[str, ...]] = ("name", "version", "key")


class Find(Message):
    """A search."""

    filter: str = ""
    max_results: int = 200_000
    order_by: list[str] = msgspec.field(default_factory=list)
    page_token: str = ""


def _create(stack: Stack, asked: Create) -> dict[str, Any]:
    check_model(asked.name)
    _check_host(asked.source)
    tags = tags_of(asked.tags)
    made = register_logged(
        stack,
        asked.name,
        asked.source,
        key_of=key_of,
        run_id=asked.run_id,
        model_id=asked.model_id,
        run_link=asked.run_link,
        description=asked.description,
        tags=tags,
    )
    if asked.model_id and not is_prompt(tags):
        stack.experiments.models.change_tag(asked.model_id, _VERSIONS, lambda before: _listed(before, made))
    return {"model_version": told_version(made)}


def _check_host(source: str) -> None:
    """Refuse a file of another machine, with the code that clients know for it."""
    host = re.match("file://([^/?#]+)", source)
    if host and not host[1].startswith((".", "localhost", "127.0.0.1")):
        raise MlflowError(
            "INTERNAL_ERROR", f"{source:.300} is not a valid remote uri: no other machine gives its files"
        )


def _listed(before: str | None, made: ModelVersion) -> str:
    """The versions that were made of a logged model, as clients note them with it."""
    try:
        known = json.loads(before or "[]")
    except ValueError:
        known = []
    return json.dumps([*(known if isinstance(known, list) else []), {"name": made.name, "version": made.number}])


def _get(stack: Stack, asked: Numbered) -> dict[str, Any]:
    return {"model_version": told_version(version_of(stack, asked))}


def _update(stack: Stack, asked: Update) -> dict[str, Any]:
    check_model(asked.name)
    found = version_of(stack, asked)
    stack.registry.changes.describe(found.ref, asked.description)
    return _get(stack, asked)


def _delete(stack: Stack, asked: Numbered) -> dict[str, Any]:
    check_model(asked.name)
    stack.registry.delete(version_of(stack, asked).ref)
    return {}


def _address(stack: Stack, asked: Numbered) -> dict[str, Any]:
    return {"artifact_uri": address_of(version_of(stack, asked))}


def _search(stack: Stack, asked: Find) -> dict[str, Any]:
    check_page(asked.max_results, _LARGEST_PAGE)
    where = [_condition(clause) for clause in _GRAMMAR.parse(asked.filter)]
    orders = [_order(text) for text in asked.order_by]
    if len({key for key, _ in orders}) < len(orders):
        raise invalid(f"`order_by` contains duplicate fields: {asked.order_by}")

    def find(limit: int, offset: int) -> list[ModelVersion]:
        return stack.registry.search.versions(where, order_by=orders, limit=limit, offset=offset)

    found, token = page(find, token=asked.page_token, size=asked.max_results)
    return present(model_versions=[told_version(version) for version in found], next_page_token=token)


def _condition(clause: Clause) -> Condition:
    if clause.entity == "tag":
        return Condition("tag", clause.key, clause.operator, clause.value)
    value = clause.value
    if clause.key == "version_number":
        value = _whole(value)
    return Condition("attribute", _ATTRIBUTES[clause.key], clause.operator, value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or abs(value) >= 1 << 63:
        raise invalid(f"Invalid value for numeric attribute 'version_number': {value!r}")
    return value


def _order(text: str) -> tuple[str, bool]:
    order = _GRAMMAR.order(text)
    if order.entity != "attribute":
        raise invalid(f"Invalid order_by entity: {order.entity}")
    if order.key not in _ORDERS:
        raise invalid(f"Invalid attribute key '{order.key}' specified. Valid keys are {', '.join(_ORDERS)}")
    return _ORDERS[order.key], order.largest_first


def _move(stack: Stack, asked: Move) -> dict[str, Any]:
    archives = asked.archive_existing_versions
    if not isinstance(archives, bool):  # a word that reads as one would do where only a query is typed
        raise invalid(f"Invalid value {archives!r} for parameter 'archive_existing_versions' supplied")
    stage_named(asked.stage)
    found = version_of(stack, asked)
    moved = stack.registry.changes.move(found.ref, asked.stage, archive_others=archives)
    return {"model_version": told_version(moved)}


def _set_tag(stack: Stack, asked: Tag) -> dict[str, Any]:
    check_model(asked.name)
    check_key(asked.key, asked.value)
    stack.registry.changes.tag(_ref(stack, asked), asked.key, asked.value)
    return {}


def _delete_tag(stack: Stack, asked: Tag) -> dict[str, Any]:
    check_model(asked.name)
    check_key(asked.key)
    stack.registry.changes.untag(_ref(stack, asked), asked.key)
    return {}


def version_of(stack: Stack, asked: Numbered) -> ModelVersion:
    """The version that is asked for.

    Raises:
        MlflowError: there is none.
    """
    if not asked.name.strip():
        raise missing("name")
    with known_version(asked.name, number_of(asked.version)) as ref:
        return stack.registry.get(ref)


@contextmanager
def known_version(name: str, number: int) -> Iterator[Ref]:
    """The ref of a version; what is missing in the block of code is this version.

    Raises:
        MlflowError: there is none.
    """
    none = absent(f"Model Version (name={name}, version={number}) not found")
    if number < 0:
        raise none
    try:
        yield Ref("model", name, str(number))
    except NotFound:
        check_words(name)
        raise none from None


def _ref(stack: Stack, asked: Numbered) -> Ref:
    return version_of(stack, asked).ref


def tags_of(given: list[Pair]) -> dict[str, str]:
    """Tags by key, the last of each.

    Raises:
        MlflowError: one cannot be kept.
    """
    for tag in given:
        check_key(tag.key, tag.value)
    return {tag.key: tag.value for tag in given}


def told_version(version: ModelVersion) -> dict[str, Any]:
    """A version as clients read it."""
    return present(
        name=version.name,
        version=str(version.number),
        creation_timestamp=milliseconds(version.created),
        last_updated_timestamp=milliseconds(version.updated),
        description=version.message,
        current_stage=version.stage,
        source=version.source if version.source is not None else address_of(version),
        run_id="" if version.run is None else version.run.name,
        run_link=version.run_link or "",
        status="READY",
        tags=pairs(dict(version.tags)),
        aliases=list(version.aliases),
    )


ROUTES = (
    Route("POST", "model-versions/create", Create, _create, slow=True),
    Route("GET", "model-versions/get", Numbered, _get),
    Route("PATCH", "model-versions/update", Update, _update),
    Route("DELETE", "model-versions/delete", Numbered, _delete),
    Route("GET", "model-versions/get-download-uri", Numbered, _address),
    Route("GET", "model-versions/search", Find, _search),
    Route("POST", "model-versions/set-tag", Tag, _set_tag),
    Route("DELETE", "model-versions/delete-tag", Tag, _delete_tag),
    Route("POST", "model-versions/transition-stage", Move, _move),
)

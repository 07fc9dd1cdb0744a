"""Feature views and the online store over REST."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from stackcanvas.features.files import rows_of_records
from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of
from stackcanvas.stack.finding import takers

router = router_of("/features", "features")


def _text(given: object) -> object:
    if given is not None and not isinstance(given, str):
        raise ValueError("an instant is text, such as 2013-05-01T00:00:00Z")
    return given


Instant = Annotated[AwareDatetime, BeforeValidator(_text)]


class OnlineBody(BaseModel):
    """Which features of which keys."""

    features: list[str] = Field(
        min_length=1, description="As `view:feature`, `view:*` for all of a view, or the name of a service."
    )
    full_names: bool = Field(default=False, description="Call the features `view__feature`.")
    keys: list[dict[str, Any]] = Field(max_length=10_000, description="One object of key columns for each row.")


class PushBody(BaseModel):
    """Rows of a view as they happen."""

    view: str = Field(description="The view, best a stream.")
    rows: list[dict[str, Any]] = Field(
        max_length=10_000,
        description="One object of keys, times and features for each row; times as ISO 8601 or seconds since 1970.",
    )


class MaterializeBody(BaseModel):
    """What to bring online."""

    views: list[str] | None = Field(default=None, description="All when left out.")
    until: Instant | None = Field(default=None, description="Rows known by then; now when left out.")


@router.get("")
def views(stack: StackOf) -> Response:
    """The views, and how far each has come online."""
    return answer_items(stack.features.status())


@router.get("/services")
def services(stack: StackOf) -> Response:
    """The feature services: named lists of features."""
    found = stack.features.catalog.services
    return answer_items([found[name] for name in sorted(found)])


@router.get("/search")
def search(stack: StackOf, q: str = "", tag: str | None = None, owner: str | None = None) -> Response:
    """Views and services that hold every word of `q` in names, features, keys, description, owner, tags or source."""
    return answer_items(
        [
            {"name": one.name, "features": one.features, "description": one.description, "owner": one.owner}
            for one in stack.features.search(q, tag=tag, owner=owner)
        ]
    )


@router.get("/statistics")
def statistics(stack: StackOf, view: str) -> Response:
    """What the values of a view's features are like, over all rows of the newest data version."""
    return answer_items(stack.features.statistics(view))


@router.get("/models")
def models(stack: StackOf, view: str) -> Response:
    """The features of a view, each with the model versions that take it: the newest of each model, and what is live."""
    taken = takers(stack)
    features = stack.features.catalog.get(view).features
    return answer_items([{"feature": name, "models": taken.get((view, name), [])} for name in features])


@router.get("/{view:path}")
def view(stack: StackOf, view: str) -> Response:
    """The definition of a view or service, with how far it is online, who takes it and what was made of it."""
    return answer(stack.features.describe(view))


@router.post("/online")
def online(stack: StackOf, body: OnlineBody) -> Response:
    """Features as they count now, one object for each row of keys; null where nothing is known or it is too old."""
    return answer_items(stack.features.online(body.features, body.keys, full_names=body.full_names))


@router.post("/push")
def push(stack: StackOf, body: PushBody) -> Response:
    """Bring rows online at once, and those of a stream also into its data set; older ones replace nothing newer."""
    found = stack.features.get(body.view)
    rows = rows_of_records(body.rows, instants=found.times, zoned=found.timezone is None)
    return answer({"view": body.view, "rows": rows.height, "newer": stack.features.push(body.view, rows)})


@router.post("/materialize")
def materialize(stack: StackOf, body: MaterializeBody) -> Response:
    """Bring the online store up to date."""
    return answer_items(stack.features.materialize(body.views, until=body.until))

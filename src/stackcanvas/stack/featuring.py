"""Features between the blocks: kept fresh as the canvas says, and told to the prediction server.

The prediction server is closed: what it needs to read features by itself is laid into its folder as one document, and
what it cannot do by itself, materialising and bringing pushed rows into data versions, it asks for by files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from stackcanvas.canvas.blocks.features import Computation, Databases
from stackcanvas.errors import NotFound, StackCanvasError, Unavailable
from stackcanvas.metadata import Ref
from stackcanvas.serving.server.features import FILE
from stackcanvas.serving.server.files import replace

if TYPE_CHECKING:
    from stackcanvas.features import FeatureView, Materialized
    from stackcanvas.stack.stack import Stack

T = TypeVar("T")

_DAY = timedelta(days=1)
_GATHERED = timedelta(seconds=30)
_KIND = "features.training_set"


def refresh(stack: Stack, now: datetime) -> list[Materialized]:
    """Materialise the views that the canvas says are due: by the clock, or because their data set was committed to.

    A view whose rows the online store has lost is due at once.
    """
    done = {one.view: one for one in stack.features.materialized()}
    with suppress(Unavailable):  # whoever materialises will say it
        for name in stack.features.lost():
            del done[name]
    due = [view.name for view, entry in _entries(stack) if _is_due(stack, view, entry, done.get(view.name), now)]
    made = _each(due, lambda view: stack.features.materialize([view], until=now))
    return [one for some in made for one in some]


def _each(names: Iterable[str], work: Callable[[str], T]) -> list[T]:
    """Do some work for each name; one that fails holds up no other, and the first failure is raised at the end."""
    made, failed = [], []
    for name in names:
        try:
            made.append(work(name))
        except Exception as error:  # noqa: BLE001 - a view is the user's code
            failed.append(error)
    if failed:
        raise failed[0]
    return made


def take(stack: Stack, now: datetime) -> None:
    """Do what the prediction server of this machine asked for, and tell it what is online."""
    for asked in sorted((stack.folder / "features" / "asked").glob("*.json")):
        _materialize(stack, asked)
    publish(stack)
    since = {view.name: stack.features.waiting_since(view.name) for view in stack.features.ls()}
    # A version for each push would be many.
    waited = [view for view, first in since.items() if first is not None and now - first >= _GATHERED]
    _each(waited, lambda view: stack.features.fold([view]))


def publish(stack: Stack) -> bool:
    """Lay the document of the features where the prediction server looks; gives whether it was another one."""
    if not stack.features.catalog.names:
        return False
    databases: Databases = stack.answers().get("features.databases") or Databases()
    said = {"online": databases.online.text, "namespace": stack.settings.namespace, **stack.features.plan()}
    place = stack.folder / "serving" / FILE
    content = msgspec.json.encode(said, order="deterministic")
    if place.exists() and place.read_bytes() == content:
        return False
    replace(place, content)
    return True


def lookup(stack: Stack, model: Ref) -> dict[str, Any] | None:
    """What of a model version's columns can be looked up: those that its training set took from feature views.

    A view that is defined differently since then is left out: its values would not be those that the model knows.
    """
    version = stack.registry.get(model)
    told = None if version.training is None else _made_by(stack, version.training)
    if told is None:
        return None
    names = {one.name for one in version.signature.inputs}
    catalog, columns = stack.features.catalog, {}
    same = {
        name
        for name, then in told["definitions"].items()
        if name in catalog.names and str(catalog.get(name).ref) == then
    }
    for asked in told["views"]:
        try:
            chosen = catalog.select([asked])
        except NotFound:
            continue
        # What is computed on demand is known only where all that it is computed from is.
        read = {view.name: {view.name} | {one.partition(":")[0] for one in view.inputs} for view in chosen.demanded}
        for (view, feature), name in zip(chosen.wanted, chosen.names(full=bool(told.get("full_names"))), strict=True):
            if name in names and read.get(view, {view}) <= same:
                columns[name] = f"{view}:{feature}"
    definitions = {name: then.rpartition("@")[2] for name, then in told["definitions"].items() if name in catalog.views}
    if not columns:
        return None
    databases: Databases = stack.answers(version.name).get("features.databases") or Databases()
    return {"columns": columns, "definitions": definitions, "missing": databases.missing}


def _made_by(stack: Stack, training: Ref) -> dict[str, Any] | None:
    """What the record of a training set says of how it was made."""
    try:
        execution = stack.spine.executions.get(stack.data.get(training).execution)
        while execution.kind != _KIND:
            if execution.parent is None:
                return None
            execution = stack.spine.executions.get(execution.parent)
    except NotFound:
        return None
    return execution.parameters if "definitions" in execution.parameters else None


def _entries(stack: Stack) -> list[tuple[FeatureView, Computation]]:
    answered: tuple[Computation, ...] = stack.answers().get("features.computation") or ()
    views = stack.features.catalog.views
    return [(views[one.view], one) for one in answered if one.view in views and one.mode != "on demand"]


def _is_due(stack: Stack, view: FeatureView, entry: Computation, last: Materialized | None, now: datetime) -> bool:
    try:
        newest = stack.data.get(Ref("data", view.source)).ref
    except NotFound:  # nothing was committed yet
        return False
    if last is None or last.definition != view.ref.selector or (entry.on_commit and newest != last.source):
        return True
    return entry.refreshes_per_day > 0 and now - last.time >= _DAY / entry.refreshes_per_day


def _materialize(stack: Stack, asked: Path) -> None:
    """Do one request and lay the answer beside it."""
    said: dict[str, Any] = {}
    try:
        told = json.loads(asked.read_bytes())
        until = None if told["until"] is None else datetime.fromisoformat(told["until"])
        stack.features.materialize(told["views"], until=until)
        publish(stack)
    except StackCanvasError as error:
        said = {"error": error.sentence()}
    except Exception as error:  # noqa: BLE001 - a view is the user's code, and who asked waits for an answer
        said = {"error": f"{type(error).__name__}: {error}"}
    replace(asked.with_suffix(".done"), msgspec.json.encode(said))
    asked.unlink(missing_ok=True)

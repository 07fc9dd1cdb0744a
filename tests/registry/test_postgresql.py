"""The registry on PostgreSQL: same numbers, same names, also with several writers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import Objects
from stackcanvas.clock import SystemClock
from stackcanvas.errors import NotFound
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.registry import Policy, Registry, Rule, Scores
from stackcanvas.stack.tables import load

Trained = tuple[Any, pl.DataFrame]


@pytest.fixture
def shared(postgres_url: str, objects: Objects) -> Iterator[Registry]:
    """A registry on a fresh schema of a PostgreSQL server."""
    database = open_database(postgres_url)
    prepare(database, load)
    clock = SystemClock()
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("ada"))
    yield Registry(spine, objects, lambda _: Policy())
    database.close()


def test_versions_aliases_and_gate(shared: Registry, train: Callable[..., Trained]) -> None:
    """Registered, named, found and judged as on SQLite."""
    model, sample = train()
    gate = shared.gate("delay", Scores({"auc": float("nan"), "brier": 0.1}), rules=[Rule("auc", at_least=0.7)])
    assert gate.reasons == ("auc was not measured",)

    first = shared.register("delay", model, sample=sample, metrics={"auc": 0.7, "loss": float("inf")})
    again = shared.register("delay", model, sample=sample, metrics={"auc": 0.8})
    shared.alias("delay@1", "champion")
    shared.alias("delay@2", "champion")

    assert [one.version for one in shared.versions("delay")] == ["1.1.0", "1.0.0"]
    assert shared.get("delay@1") == first
    assert shared.get("delay@champion").number == again.number == 2
    assert [one.ok for one in shared.verify()] == [True, True]
    shared.unalias("delay", "champion")
    with pytest.raises(NotFound):
        shared.unalias("delay", "champion")


def test_writers_at_the_same_time_get_numbers_of_their_own(shared: Registry, train: Callable[..., Trained]) -> None:
    """Eight threads register at once; no number is given twice or left out."""
    model, sample = train()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                shared.register("delay", model, sample=sample)
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert sorted(one.number for one in shared.versions("delay")) == list(range(1, 25))

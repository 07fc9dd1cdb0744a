"""The training of the flights example, on two months instead of four."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.clock import ManualClock
from stackcanvas.examples.demo.feed import Feed, read_feed
from stackcanvas.stack import Stack

TODAY = datetime(2013, 3, 15, tzinfo=UTC)
STORMY = datetime(2013, 2, 10, tzinfo=UTC)  # a blizzard came the day before: nothing that was known told of it
WEEK = timedelta(days=7)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A project made from the template, in the middle of March."""
    root = tmp_path / "delays"
    with as_file(files("stackcanvas") / "examples" / "flights") as template:
        shutil.copytree(template, root, ignore=shutil.ignore_patterns("__pycache__"))
    with sc.open(root, environment="replay", clock=ManualClock(TODAY)) as opened:
        yield opened


def commit(stack: Stack, feed: Feed, now: datetime) -> None:
    """What is known at an instant, as data versions."""
    stack.data.commit("flights", feed.known(now))
    stack.data.commit("weather", feed.observed(now))
    stack.data.commit("planes", feed.planes)


def train(stack: Stack) -> str | None:
    """Run the pipeline over a few weeks and give the ref of what it registered."""
    run = stack.pipelines.run("train", {"days": 35, "holdout_days": 5}).check()
    registered: str | None = stack.pipelines.result(run.id)
    return registered


def test_a_model_is_trained_judged_and_registered(stack: Stack) -> None:
    """With lineage to every data version and view, and again beside the champion a week later."""
    feed = read_feed(stack.root / "data")
    commit(stack, feed, TODAY)

    first = stack.registry.get(str(train(stack)))

    assert first.gate is not None
    assert first.gate.passed
    assert first.metrics["auc"] > 0.6
    assert set(first.metrics) == {"auc", "brier", "auc_by_carrier", "auc_without_weather", "worth_per_flight"}
    reached = {str(ref).split("@")[0] for ref in stack.spine.lineage.upstream(first.ref).refs}
    assert {
        "data:flights",
        "data:weather",
        "data:planes",
        "data:training",
        "view:weather",
        "view:dest_delays",
    } <= reached
    assert first.agreement is not None
    assert first.agreement.worst < 1e-5

    stack.registry.alias(first.ref, "champion")
    commit(stack, feed, TODAY + WEEK)
    registered = train(stack)

    decision = next(entry for entry in stack.spine.audit.entries() if entry.action == "model.gate")
    newest = stack.registry.get("delay")
    assert decision.detail["checks"][0]["champion"] is not None  # type: ignore[index]
    assert (registered is not None) == decision.detail["passed"]
    assert newest.signature == first.signature
    assert newest.version == ("1.0.0" if registered is None else "1.1.0")


def test_what_is_not_good_enough_is_not_registered(stack: Stack) -> None:
    """The run ends well, and says why nothing came of it."""
    commit(stack, read_feed(stack.root / "data"), STORMY)

    assert train(stack) is None

    assert stack.registry.ls() == []
    run = stack.experiments.search(limit=1)[0]
    assert "auc is 0.6" in str(run.tags["gate"])


def test_nothing_of_the_future_reaches_the_training_set(stack: Stack) -> None:
    """Every row is labelled by a flight that had landed, and asked before it left."""
    commit(stack, read_feed(stack.root / "data"), STORMY)
    train(stack)

    rows = stack.data.read("training")

    assert rows["landed"].max() <= STORMY  # type: ignore[operator]
    assert ((rows["scheduled"] - rows["time"]) == timedelta(hours=2)).all()
    assert rows.filter(pl.col("landed") <= pl.col("time")).is_empty()
    assert not {"arr_delay_min", "dep_delay_min"} & set(rows.columns)

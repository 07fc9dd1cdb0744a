"""The same on PostgreSQL: what is written comes back, ordered the same way."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import ManualClock
from stackcanvas.errors import Conflict
from stackcanvas.experiments import Experiments
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load
from tests.experiments.test_experiments import check_outline


def test_runs_metrics_and_search_are_the_same_on_postgresql(
    postgres_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    """Not a number, the order of what is missing, a metric sent twice, a parameter given twice."""
    database = open_database(postgres_url)
    prepare(database, load)
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("ada"))
    experiments = Experiments(spine, open_objects(tmp_path / "objects"))
    for score in (0.5, math.nan, math.inf, None, -math.inf):
        clock.advance(seconds_s=1)
        with experiments.run("delay", parameters={"depth": 6}) as run:
            if score is not None:
                run.log({"auc": score})
                run.log({"auc": score})
            with pytest.raises(Conflict):
                run.log_parameters({"depth": 7})

    found = experiments.search("delay", order_by="metric.auc desc", where=["parameter.depth = 6"])

    assert [str(run.metrics["auc"].value) if run.metrics else None for run in found] == [
        "inf",
        "0.5",
        "-inf",
        "nan",
        None,
    ]
    assert [len(experiments.metrics(run.id, "auc")) for run in found] == [1, 1, 1, 1, 0]
    assert experiments.catalog.create("other") == 2
    assert [one.id for one in experiments.experiments()] == [2, 1, 0]
    with experiments.run("nested", seed=3) as outer:
        for number in range(3):
            with experiments.run("nested", name=f"fold {number}"):
                pass
        outer.log({"auc": 0.5}, step=1)
    assert [one.name for one in experiments.children(outer.id)] == ["fold 0", "fold 1", "fold 2"]
    assert experiments.count("nested", where="params.none IS NULL and started > '2020-01-01'") == 4
    assert next((one.name, count) for one, count, _ in experiments.overview()) == ("nested", 4)
    assert experiments.frame("nested", order_by="metrics.auc desc")["metrics.auc"].to_list() == [0.5, None, None, None]
    origin = experiments.origins.get(outer.id)
    assert origin is not None
    check_outline(experiments)
    assert origin.ordinal >= 0
    experiments.close()
    database.close()

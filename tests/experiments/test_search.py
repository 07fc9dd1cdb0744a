from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.clock import ManualClock
from stackcanvas.errors import BadInput
from stackcanvas.experiments import Condition, Experiments, Order
from stackcanvas.metadata import Ref, Spine


@pytest.fixture
def filled(experiments: Experiments, clock: ManualClock) -> Experiments:
    """Six runs: four with a score, one with none, one in another experiment."""
    for number, score in enumerate([0.5, math.nan, 0.9, math.inf, None]):
        clock.advance(seconds_s=1)
        with experiments.run("delay", name=f"run {number}", parameters={"depth": number % 2}) as run:
            if score is not None:
                run.log({"auc": score})
            run.set_tag("team", "Ops" if number < 2 else "risk")
            if number == 4:
                run.log_input(Ref.parse("data:flights@3"), digest="c0ffee", context="training")
    with experiments.run("churn", name="other") as run:
        run.log({"auc": 0.7})
    return experiments


def names(found: Any) -> list[str]:
    """The names of runs."""
    return [run.name.removeprefix("run ") for run in found]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("metric.auc", ["0", "2", "3", "1", "4"]),
        ("metric.auc desc", ["3", "2", "0", "1", "4"]),
        ("started", ["0", "1", "2", "3", "4"]),
        ("started desc", ["4", "3", "2", "1", "0"]),
        ("attribute.name desc", ["4", "3", "2", "1", "0"]),
        ("parameter.depth", ["4", "2", "0", "3", "1"]),
        ("tag.team", ["1", "0", "4", "3", "2"]),
    ],
)
def test_runs_are_ordered_and_paged(filled: Experiments, order: str, expected: list[str]) -> None:
    """What is no number comes after numbers, what is missing last; equal ones newest first; pages fit together."""
    assert names(filled.search("delay", order_by=order)) == expected
    paged = [filled.search("delay", order_by=order, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert names(run for page in paged for run in page) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (["metric.auc > 0.5"], {"2", "3", "other"}),
        (["metric.auc != 0.5"], {"1", "2", "3", "other"}),
        (["metric.auc >= 0.5", "metric.auc < 1"], {"0", "2", "other"}),
        ("metrics.auc >= 0.5 AND metrics.auc < 1", {"0", "2", "other"}),
        ("params.depth IN ('1', '7')", {"1", "3"}),
        ("run_name = 'run 0' and status = 'FINISHED'", {"0"}),
        ("status IN ('FAILED')", set()),
        ("started >= '2026-11-23T09:00:02Z' and started < '2026-11-23T10:00:04+01:00'", {"1", "2"}),
        ("start_time < 1000000000000", set()),
        (["parameter.depth = 1"], {"1", "3"}),
        (["parameter.depth != 1"], {"0", "2", "4"}),
        (["tag.team like 'R%'"], set()),
        (["tags.team LIKE 'r%'"], {"2", "3", "4"}),
        (["tag.team ilike OPS"], {"0", "1"}),
        (["attribute.status = finished", "attribute.name = 'run 0'"], {"0"}),
        (["dataset.name = flights"], {"4"}),
        (["dataset.digest = other"], set()),
        (["dataset.context = training"], {"4"}),
        (["dataset.context LIKE 'eval%'"], set()),
        ([Condition("tag", "team", "IS NOT NULL", None)], {"0", "1", "2", "3", "4"}),
        ([Condition("parameter", "depth", "IS NULL", None)], {"other"}),
        ([Condition("tag", "team", "IN", ["Ops", "none"])], {"0", "1"}),
        ([Condition("attribute", "name", "NOT IN", ["run 0", "other"])], {"1", "2", "3", "4"}),
    ],
)
def test_conditions_are_all_fulfilled(filled: Experiments, where: list[Any], expected: set[str]) -> None:
    """In every experiment, unless one is named."""
    assert set(names(filled.search(where=where))) == expected
    assert set(names(filled.search("delay", where=where, order_by="metric.auc"))) == expected - {"other"}


def test_a_deleted_run_is_found_only_when_asked_for(filled: Experiments, spine: Spine) -> None:
    """By its id it always is."""
    (run,) = filled.search("churn")
    with spine.write() as tx:
        filled.runs.mark(tx, run.id, "deleted")

    assert filled.search("churn") == []
    assert filled.get(run.id).lifecycle == "deleted"


def test_the_best_of_many_is_one_walk_along_the_index(filled: Experiments, spine: Spine) -> None:
    """No run is sorted or looked at beyond those that come back; of all experiments each one's index is walked."""
    of_one, of_all = (_plan(spine, experiments) for experiments in ([1], None))

    assert "ix_run_metric_latest_experiment_key_value (experiment=? AND key=?" in of_one
    assert "USE TEMP B-TREE FOR ORDER BY" not in of_one
    assert "ix_run_metric_latest_experiment_key_value (experiment=? AND key=?" in of_all


def _plan(spine: Spine, experiments: list[int] | None) -> str:
    from sqlalchemy import text

    from stackcanvas.experiments.search import LAST, NEWEST, _by_index

    statement = _by_index(Order("metric", "auc", largest_first=True), [NEWEST, LAST], [], experiments).limit(2)
    with spine.read() as connection:
        compiled = str(statement.compile(connection.engine, compile_kwargs={"literal_binds": False}))
        plan = connection.execute(text("explain query plan " + compiled.replace("?", "1"))).all()
    return " ".join(str(row[-1]) for row in plan)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"where": ["auc > 0.5"]}, "Invalid attribute key 'auc'"),
        ({"where": ["metric.auc"]}, "is no comparator"),
        ({"where": ["metric.auc > high"]}, "Expected numeric"),
        ({"where": "metrics.auc > 1 OR metrics.auc < 0"}, "joined by AND"),
        ({"where": ["attribute.naem = x"]}, "Invalid attribute key 'naem'"),
        ({"where": ["dataset.size = 3"]}, "context, digest, name"),
        ({"where": "started > 'monday'"}, "an instant"),
        ({"where": [Condition("tag", "a", "~", "b")]}, "no operator"),
        ({"order_by": "metric.auc up"}, "in order_by clause"),
        ({"order_by": "begun"}, "Invalid attribute key"),
        ({"order_by": "dataset.name"}, "ordered by a data set"),
    ],
)
def test_what_cannot_be_read_is_refused(filled: Experiments, given: dict[str, Any], said: str) -> None:
    """With what was expected."""
    with pytest.raises(BadInput, match=said):
        filled.search(**given)


@given(scores=st.lists(st.none() | st.floats(), max_size=12), largest_first=st.booleans(), limit=st.integers(1, 5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_pages_together_are_the_whole_order(
    experiments: Experiments,
    clock: ManualClock,
    scores: list[float | None],
    largest_first: bool,
    limit: int,
) -> None:
    """For any scores, in both directions, whatever the size of a page."""
    name = f"experiment {len(experiments.catalog.ls())}"
    for score in scores:
        clock.advance(seconds_s=1)
        with experiments.run(name) as run:
            if score is not None:
                run.log({"score": score})
    if not scores:
        experiments.catalog.create(name)
    order = Order("metric", "score", largest_first=largest_first)

    whole = [run.id for run in experiments.search(name, order_by=order, limit=100)]
    pages = [
        [run.id for run in experiments.search(name, order_by=order, limit=limit, offset=offset)]
        for offset in range(0, len(scores) + limit, limit)
    ]
    found = [run.metrics["score"].value for run in experiments.search(name, order_by=order) if run.metrics]
    numbers = [value for value in found if not math.isnan(value)]

    assert [run_id for page in pages for run_id in page] == whole
    assert len(set(whole)) == len(scores)
    assert numbers == sorted(numbers, reverse=largest_first)
    assert found == numbers + found[len(numbers) :]


def test_all_runs_come_once_while_others_start(experiments: Experiments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that start move the others onto the next page."""
    monkeypatch.setattr("stackcanvas.experiments.experiments._PAGE", 2)
    made = [experiments.run("paged").id for _ in range(5)]

    read = []
    for found in experiments.find("paged"):
        read.append(found.id)
        if len(read) <= 3:
            experiments.run("paged")
    assert sorted(read) == sorted(made)

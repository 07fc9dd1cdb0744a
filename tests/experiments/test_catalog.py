from __future__ import annotations

import pytest

from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.experiments import Experiments


def test_the_first_experiment_is_always_there(experiments: Experiments) -> None:
    """Number 0, named Default."""
    assert (experiments.catalog.get(0).name, experiments.catalog.get("Default").id) == ("Default", 0)
    assert [one.id for one in experiments.experiments()] == [0]


def test_experiments_have_numbers_that_are_never_given_twice(experiments: Experiments) -> None:
    """The first is 1, whether Default was asked for before or not."""
    first = experiments.catalog.create("delay", tags={"team": "ops"}, artifact_location="s3://elsewhere")
    experiments.catalog.change(first, lifecycle="deleted")
    second = experiments.catalog.create("churn")

    assert (first, second) == (1, 2)
    assert experiments.catalog.get(first).lifecycle == "deleted"
    assert [one.name for one in experiments.experiments()] == ["churn", "Default"]
    assert [one.name for one in experiments.catalog.ls(lifecycle=None)] == ["churn", "delay", "Default"]


def test_names_are_taken_once(experiments: Experiments) -> None:
    """When they are made and when they are changed."""
    first, second = experiments.catalog.create("delay"), experiments.catalog.create("churn")

    with pytest.raises(Conflict, match="'delay'"):
        experiments.catalog.create("delay")
    with pytest.raises(Conflict, match="'delay'"):
        experiments.catalog.change(second, name="delay")
    experiments.catalog.change(first, name="late")
    assert experiments.catalog.get("late").id == first
    with pytest.raises(BadInput):
        experiments.catalog.create("  ")
    with pytest.raises(NotFound):
        experiments.catalog.change(99, name="x")


def test_a_deleted_experiment_takes_no_runs(experiments: Experiments) -> None:
    """Until it is restored."""
    number = experiments.catalog.create("delay")
    experiments.catalog.change(number, lifecycle="deleted")
    with pytest.raises(Conflict, match="was deleted"):
        experiments.run("delay")
    experiments.catalog.change(number, lifecycle="active")
    with experiments.run("delay") as run:
        assert experiments.get(run.id).experiment_id == number
    with experiments.run("Default") as run:
        assert experiments.get(run.id).experiment_id == 0


def test_tags_are_set_and_removed(experiments: Experiments) -> None:
    """A later value takes the place of an earlier one."""
    number = experiments.catalog.create("delay", tags={"team": "ops", "stage": "old"})
    experiments.catalog.tag(number, "team", "risk")
    experiments.catalog.tag(number, "stage", None)

    assert experiments.catalog.get("delay").tags == {"team": "risk"}

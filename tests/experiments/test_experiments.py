from __future__ import annotations

import math
import platform
import socket

import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.experiments import Experiments, environment
from stackcanvas.metadata import Ref, Spine


def test_a_run_records_what_makes_it_reproducible(experiments: Experiments, spine: Spine, clock: ManualClock) -> None:
    """Commit, packages, parameters, seed, host, who and when; at its start."""
    with experiments.run(
        "delay", name="first", parameters={"depth": 6, "rate": 0.1}, tags={"team": "ops"}, seed=7
    ) as run:
        started = experiments.get(run.id)
        clock.advance(seconds_s=3)
    ended = experiments.get(run.id)

    assert (started.status, ended.status, ended.duration_s) == ("running", "finished", 3.0)
    assert (ended.experiment, ended.name, ended.parameters) == ("delay", "first", {"depth": "6", "rate": "0.1"})
    assert (ended.tags, ended.seed, ended.host) == ({"team": "ops"}, 7, socket.gethostname())
    assert ended.code == spine.code()
    here = experiments.environment(str(ended.environment))
    assert here == environment()
    assert (here.python, "sqlalchemy" in here.packages) == (platform.python_version(), True)


def test_a_run_is_an_execution_that_made_the_run(experiments: Experiments, spine: Spine) -> None:
    """With the data that it used; work inside it is its child."""
    with experiments.run("delay") as run:
        run.log_input(Ref.parse("data:flights@3"), digest="c0ffee", context="training")
        with spine.record("data.commit") as inner:
            pass

    execution = spine.executions.get(run.id)
    assert (execution.kind, execution.state, execution.subject) == ("experiments.run", "done", run.ref)
    assert spine.executions.get(inner.id).parent == run.id
    assert Ref.parse("data:flights@3") in spine.lineage.upstream(run.ref).refs
    (given,) = experiments.get(run.id).inputs
    assert (given.name, given.digest, given.source, given.tags) == (
        "flights",
        "c0ffee",
        "data:flights@3",
        {"context": "training"},
    )


def test_a_run_that_raises_has_failed(experiments: Experiments, spine: Spine) -> None:
    """The error goes on; its metrics are kept."""
    run = experiments.run("delay")
    with pytest.raises(ZeroDivisionError), run:
        run.log({"loss": 0.5})
        1 / 0  # noqa: B018 - it raises

    assert experiments.get(run.id).status == "failed"
    assert experiments.get(run.id).metrics["loss"].value == 0.5
    assert spine.executions.get(run.id).error == "ZeroDivisionError: division by zero"


def test_a_parameter_is_given_once(experiments: Experiments) -> None:
    """The same value again is accepted; another is refused, and none of the batch is written."""
    with experiments.run("delay", parameters={"depth": 6}) as run:
        run.log_parameters({"depth": "6", "rate": 0.1})
        with pytest.raises(Conflict, match="'depth'"):
            run.log_parameters({"new": 1, "depth": 7})

    assert experiments.get(run.id).parameters == {"depth": "6", "rate": "0.1"}


def test_metrics_have_a_history_and_a_latest_value(experiments: Experiments, clock: ManualClock) -> None:
    """By step, then by time; not a number and the infinities are kept."""
    with experiments.run("delay") as run:
        for step, value in ((0, 1.0), (2, math.inf), (1, 0.5), (2, -math.inf), (2, math.nan)):
            clock.advance(seconds_s=1)
            run.log({"loss": value}, step=step)
        run.log({"auc": 0.7, "loss": 0.25}, step=1)

    history = experiments.metrics(run.id, "loss")
    assert [(one.step, str(one.value)) for one in history] == [
        (0, "1.0"),
        (1, "0.5"),
        (1, "0.25"),
        (2, "inf"),
        (2, "-inf"),
        (2, "nan"),
    ]
    latest = experiments.get(run.id).metrics
    assert math.isnan(latest["loss"].value)
    assert (latest["loss"].step, latest["auc"].value) == (2, 0.7)
    assert [one.step for one in experiments.metrics(run.id, "loss", limit=2)] == [0, 1]
    assert experiments.metrics(run.id, "nothing") == []


def check_outline(experiments: Experiments) -> None:
    """A metric of which a few values are extreme and some cannot be drawn."""
    values = [math.sin(step) for step in range(500)]
    values[77], values[330], values[100], values[499] = 50.0, -50.0, math.nan, math.inf
    with experiments.run("drawn") as run:
        for step, value in enumerate(values):
            run.log(loss=value, step=step)

    drawn = experiments.outline(run.id, "loss", most=40)
    assert len(drawn) <= 41
    assert (max(one.value for one in drawn[:-1]), min(one.value for one in drawn)) == (50.0, -50.0)
    assert [one.step for one in drawn] == sorted(one.step for one in drawn)
    assert (drawn[0].step, drawn[-1].step, drawn[-1].value) == (0, 499, math.inf)
    every = experiments.outline(run.id, "loss")
    assert [str(one) for one in every] == [str(one) for one in experiments.metrics(run.id, "loss")]
    assert experiments.outline(run.id, "nothing") == []


def test_a_long_metric_is_drawn_from_its_extremes(experiments: Experiments) -> None:
    """A spike stays visible, and the end is the last value."""
    check_outline(experiments)


def test_a_metric_that_is_no_number_is_refused(experiments: Experiments) -> None:
    """At the call, not when the gathered ones are written."""
    with experiments.run("delay") as run, pytest.raises(BadInput, match="'auc' was given 'high'"):
        run.log({"auc": "high"})  # type: ignore[dict-item]


def test_files_are_kept_in_folders(experiments: Experiments) -> None:
    """A listing shows one level; what leaves the run is refused."""
    with experiments.run("delay") as run:
        run.log_artifact("plots/roc.png", b"png")
        run.log_artifact("plots/deep/other.txt", "text")
        run.log_artifact("model.json", "{}")
        for path in ("../other", "/etc/passwd", "a//b", "", "a\\b"):
            with pytest.raises(BadInput):
                run.log_artifact(path, b"")

    assert [(one.path, one.is_folder) for one in experiments.artifacts(run.id)] == [
        ("model.json", False),
        ("plots", True),
    ]
    assert [one.path for one in experiments.artifacts(run.id, folder="plots")] == ["plots/deep", "plots/roc.png"]
    assert experiments.files.get(run.id, "plots/roc.png") == b"png"
    with pytest.raises(NotFound, match=r"Did you mean 'plots/roc\.png'"):
        experiments.files.get(run.id, "plots/rok.png")
    experiments.files.delete(run.id, "plots")
    assert [one.path for one in experiments.artifacts(run.id)] == ["model.json"]


def test_a_run_can_be_written_to_from_elsewhere(experiments: Experiments) -> None:
    """By its id; who started it ends it."""
    run = experiments.run("delay")
    other = experiments.attach(run.id)
    other.log({"auc": 0.7})
    other.set_tag("stage", "test")
    other.flush()

    assert experiments.get(run.id).status == "running"
    run.end()
    assert experiments.get(run.id).metrics["auc"].value == 0.7
    with pytest.raises(NotFound):
        experiments.attach("nothing")


def test_a_run_is_known_by_name_or_by_the_beginning_of_its_id(experiments: Experiments) -> None:
    """Whatever people read on a screen, as long as one run is meant by it; an id is an id before it is a name."""
    first, second = experiments.run("delay", name="deep"), experiments.run("delay", name="wide")
    shared = first.id[: next(at for at, sign in enumerate(first.id) if sign != second.id[at])]
    experiments.run("delay", name=first.id)

    assert experiments.get("deep").id == first.id
    assert experiments.get(first.id[: len(shared) + 1]).id == first.id
    assert experiments.get(f"run:{first.id}").id == first.id
    assert experiments.compare(["deep", "wide"]) == []
    with pytest.raises(BadInput, match=f"several runs are meant by '{shared}'.*{first.id}"):
        experiments.get(shared)
    other = experiments.run("delay", name="deep")
    with pytest.raises(BadInput, match=f"meant by 'deep'.*{other.id}, {first.id}"):
        experiments.get("deep")


def test_an_unknown_run_or_environment_is_not_found(experiments: Experiments) -> None:
    """Ids that begin the same are offered."""
    run = experiments.run("delay")
    with pytest.raises(NotFound, match=run.id):
        experiments.get(f"{run.id[:-1]}g")
    with pytest.raises(NotFound):
        experiments.environment("nothing")
    with pytest.raises(NotFound, match="Did you mean 'delay'"):
        experiments.search("delai")

"""The canvases that projects begin with."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import as_file, files

from stackcanvas.canvas import QUESTION_IDS, Canvas, load
from stackcanvas.canvas.events import EventPattern


def example(name: str) -> Canvas:
    """The canvas of an example project, read from its file."""
    with as_file(files("stackcanvas.examples") / name / "canvas.yaml") as file:
        return load(file)


def test_the_flights_canvas_answers_every_question() -> None:
    """None is left out."""
    assert example("flights").answered == QUESTION_IDS


def test_the_flights_canvas_configures_the_demo() -> None:
    """What the example's own code and data are called."""
    canvas = example("flights")

    assert [source.name for source in canvas.get("data.sources")] == ["flights", "weather", "planes"]
    assert canvas.get("serving.mode.endpoint") == "delay"
    assert canvas.get("deployment.strategy").kind == "canary"
    assert [(trigger.pipeline, trigger.on) for trigger in canvas.get("pipelines.retraining")] == [
        ("train", EventPattern("drift.found", "deployment:delay")),
        ("train", EventPattern("decay.found", "deployment:delay")),
    ]


def test_the_flights_canvas_warns_exactly_where_warning_pays() -> None:
    """The threshold follows from the payoff: a right warning against a needless one."""
    payoff = example("flights").get("value.payoff")
    gain = payoff.worth(predicted=True, actual=True)
    loss = -payoff.worth(predicted=True, actual=False)

    assert gain > 0
    assert loss > 0
    assert Decimal(str(payoff.threshold)) == loss / (gain + loss)


def test_the_flights_canvas_names_what_it_names_elsewhere() -> None:
    """Metrics and columns that one answer uses are those that another one lists."""
    canvas = example("flights")
    metrics = {metric.name for metric in canvas.get("experiments.metrics")}

    assert canvas.get("deployment.release_policy.metric") in metrics
    assert canvas.get("monitoring.decay.metric") in metrics
    assert set(canvas.get("monitoring.ml_metrics")) <= metrics
    assert canvas.get("monitoring.retraining_trigger")


def test_the_flights_canvas_grows_by_addresses_alone() -> None:
    """Its production environment resolves with one variable."""
    canvas = example("flights")
    environ = {"STACK_DATABASE_URL": "postgresql://stack:geheim@db/stack"}

    assert canvas.resolve("metadata.store.url", environ, environment="production") == environ["STACK_DATABASE_URL"]
    assert canvas.effective(environment="production").get("serving.distributed.replicas") == 2


def test_the_minimal_canvas_is_a_beginning() -> None:
    """Short, valid, and the stack runs on its defaults."""
    canvas = example("minimal")

    assert 5 <= len(canvas.answered) <= 12
    assert canvas.effective().get("metadata.store.url") is not None

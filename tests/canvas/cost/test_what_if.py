"""Other answers, tried without writing them."""

from __future__ import annotations

import pytest

from stackcanvas.canvas import loads
from stackcanvas.canvas.cost import what_if
from stackcanvas.errors import BadInput, NotFound


def test_a_whole_answer_grows_in_what_counts(flights: str) -> None:
    """Ten times the volume is ten times the predictions and the peak, not ten times the size of each."""
    canvas = loads(flights)
    before, after = canvas.get("serving.volume"), what_if(canvas, ["serving.volume=10x"]).get("serving.volume")

    assert (after.predictions, after.peak_per_second) == (10 * before.predictions, 10 * before.peak_per_second)
    assert after.request_size == before.request_size


def test_entries_of_lists_go_by_name_or_number(flights: str) -> None:
    """One source grows; or every source."""
    canvas = loads(flights)

    one = what_if(canvas, ["data.sources.weather.size=2x"]).get("data.sources")
    every = what_if(canvas, ["data.sources=2x"]).get("data.sources")

    assert [new.size / old.size for new, old in zip(one, canvas.get("data.sources"), strict=True)] == [1, 2, 1]
    assert every[0].growth == 2 * canvas.get("data.sources")[0].growth


def test_lengths_of_time_are_multiplied_and_values_are_set(flights: str) -> None:
    """A duration times a number, a nested value, a whole answer."""
    canvas = what_if(
        loads(flights),
        [
            "experiments.training_infrastructure.time_per_run=1.5x",
            "pipelines.location.where=cloud aws",
            "pipelines.retraining.0.runs_per_month=4",
            "registry.needed=optional",
        ],
    )

    assert canvas.get("experiments.training_infrastructure.time_per_run").total_seconds() == 90
    assert canvas.get("pipelines.location.where") == "cloud aws"
    assert canvas.get("pipelines.retraining")[0].runs_per_month == 4
    assert canvas.get("registry.needed") == "optional"


def test_the_canvas_itself_stays(flights: str) -> None:
    """Trying is not writing."""
    canvas = loads(flights)
    what_if(canvas, ["serving.volume=10x"])

    assert canvas.digest == loads(flights).digest


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ("serving.volume", BadInput, "no change"),
        ("serving.volum=2x", NotFound, "serving.volume"),
        ("serving.volume.latency=2x", NotFound, "predictions"),
        ("value.goal=2x", BadInput, "nothing that grows"),
        ("data.sources.moon.size=2x", NotFound, r"data\.sources\.planes"),
        ("pipelines.location.where=2x", BadInput, "no figure"),
        ("registry.needed=perhaps", BadInput, "optional"),
        ("registry.needed=[", BadInput, "--what-if"),
        ("serving.log.keep=999999999999x", BadInput, "1000 years"),
        ("data.sources=999999999999x", BadInput, "1000PB"),
        (f"serving.volume={'9' * 5000}x", BadInput, "a mapping"),
    ],
)
def test_what_cannot_be_tried(flights: str, change: str, error: type[Exception], said: str) -> None:
    """Each is told with what could be meant."""
    with pytest.raises(error, match=said):
        what_if(loads(flights), [change])

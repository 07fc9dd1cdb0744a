"""Block 3: machines for experiments, and the people who do them."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.blocks.experiments import TrainingInfrastructure
from stackcanvas.canvas.cost.asking import Asking
from stackcanvas.canvas.cost.figures import Row

_QUESTION = "experiments.training_infrastructure"


def rows(ask: Asking) -> Iterator[Row]:
    """What trying things costs."""
    if ask.set_aside(_QUESTION):
        return
    answer = ask.of(_QUESTION, TrainingInfrastructure)
    runs = ask.driver("runs a month", f"{_QUESTION}.runs_per_month", answer.runs_per_month, unit="runs")
    hours = ask.driver("hours a run", f"{_QUESTION}.time_per_run", answer.time_per_run, unit="hours")
    cores = ask.compute(_QUESTION, answer.cpus, answer.memory)
    yield ask.row(
        "experiments.compute",
        "machines for experiments",
        "infrastructure",
        _QUESTION,
        (runs, hours, cores),
        ask.book.need("core_hour"),
    )
    if answer.gpus:
        gpus = ask.driver("GPUs", f"{_QUESTION}.gpus", answer.gpus, unit="GPUs")
        price = ask.book.gpu(answer.gpu)
        yield ask.row(
            "experiments.gpus",
            f"GPUs for experiments{f', {answer.gpu}' if answer.gpu else ''}",
            "infrastructure",
            _QUESTION,
            (runs, hours, gpus),
            price,
        )
    people = ask.driver("people, full time", f"{_QUESTION}.people", answer.people, unit="people")
    yield ask.row("experiments.people", "people on experiments", "people", _QUESTION, (people,), ask.person_month())

"""Block 6: retraining, and the machine that the stack itself runs on."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.blocks.experiments import TrainingInfrastructure
from stackcanvas.canvas.blocks.pipelines import DistributedTraining, Trigger
from stackcanvas.canvas.cost.asking import Asking, given
from stackcanvas.canvas.cost.figures import Driver, Row

_TRAINING = "experiments.training_infrastructure"
_QUESTION = "pipelines.retraining"


def rows(ask: Asking) -> Iterator[Row]:
    """What retraining costs, and a machine for control and worker unless they run on one's own computer."""
    triggers: tuple[Trigger, ...] = ask.get(_QUESTION) or ()
    if not ask.set_aside(_QUESTION):
        for place, trigger in enumerate(triggers):
            yield from _trigger(ask, trigger, place)
    if ask.get("pipelines.location").where != "local":
        cores = given("cores of control and worker", 2, unit="cores")
        price = ask.book.need("core_hour")
        drivers = (cores, ask.environments, ask.month)
        yield ask.row(
            "pipelines.host", "machine of the stack itself", "infrastructure", "pipelines.location", drivers, price
        )


def _trigger(ask: Asking, trigger: Trigger, place: int) -> Iterator[Row]:
    path = f"{_QUESTION}.{place}"
    reason = trigger.cron or (str(trigger.on) if trigger.on else "by hand")
    name = f"{trigger.pipeline}.{place + 1}"
    runs = ask.driver("runs a month", f"{path}.runs_per_month", trigger.runs_per_month, unit="runs")
    hours = ask.driver("hours a run", f"{path}.time_per_run", trigger.time_per_run, unit="hours")
    training = ask.of(_TRAINING, TrainingInfrastructure)
    cores = ask.compute(_TRAINING, training.cpus, training.memory)
    often = (runs, hours, *_workers(ask))
    title = f"{trigger.pipeline}, {reason}"
    yield ask.row(
        f"pipelines.compute.{name}", title, "infrastructure", _QUESTION, (*often, cores), ask.book.need("core_hour")
    )
    if training.gpus:
        gpus = ask.driver("GPUs", f"{_TRAINING}.gpus", training.gpus, unit="GPUs")
        yield ask.row(
            f"pipelines.gpus.{name}",
            f"GPUs of {title}",
            "infrastructure",
            _QUESTION,
            (*often, gpus),
            ask.book.gpu(training.gpu),
        )


def _workers(ask: Asking) -> tuple[Driver, ...]:
    answer = ask.get("pipelines.distributed_training")
    if not isinstance(answer, DistributedTraining) or not answer.needed or answer.workers < 2:
        return ()
    return (ask.driver("machines", "pipelines.distributed_training.workers", answer.workers, unit="machines"),)

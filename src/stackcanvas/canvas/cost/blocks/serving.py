"""Blocks 8, 9 and 10: the machines that predict, what they keep, and what a release needs twice."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import ceil

from stackcanvas.canvas.blocks.deployment import BlueGreen, Shadow
from stackcanvas.canvas.blocks.serving import Accelerators, Distributed, Log, Mode, Volume
from stackcanvas.canvas.cost.asking import Asking, given, reckoned
from stackcanvas.canvas.cost.figures import Driver, Range, Row

_VOLUME = "serving.volume"
_PER_CORE_S = 500
"""Predictions a second that one core answers with room to spare; the slow model answers 50, the fast one 5,000."""
_WITHOUT_SERVER = {"model as dependency", "hybrid serving"}


def rows(ask: Asking) -> Iterator[Row]:
    """What predictions cost."""
    mode = ask.get("serving.mode")
    if ask.set_aside(_VOLUME) or not isinstance(mode, Mode):
        return
    volume = ask.of(_VOLUME, Volume)
    batch = mode.mode == "batch" or mode.pattern == "precompute"
    if batch:
        yield _batch(ask, volume)
    elif mode.pattern not in _WITHOUT_SERVER:
        yield from _servers(ask, volume)
    if mode.pattern not in _WITHOUT_SERVER:
        yield from _traffic(ask, volume)


def releases(ask: Asking) -> Iterator[Row]:
    """What runs twice while a release goes on."""
    strategy = ask.get("deployment.strategy")
    hours = "keep" if isinstance(strategy, BlueGreen) else "lasts" if isinstance(strategy, Shadow) else None
    triggers = ask.get("pipelines.retraining") or ()
    if hours is None or not triggers or not ask.answered("deployment.strategy"):
        return
    path = "deployment.strategy"
    twice = ask.driver("hours side by side", f"{path}.{hours}", getattr(strategy, hours), unit="hours")
    total = sum((Decimal(str(one.runs_per_month)) for one in triggers), Decimal(0))
    often = ask.gauged("releases a month", "pipelines.retraining.0.runs_per_month", total, unit="releases")
    drivers = (often, twice, _cores(ask, ask.of(_VOLUME, Volume)))
    yield ask.row(
        "deployment.overlap",
        f"second server during a {strategy.kind} release",
        "infrastructure",
        path,
        drivers,
        ask.book.need("core_hour"),
    )


def cluster(ask: Asking) -> Iterator[Row]:
    """The control plane of a Kubernetes that serves."""
    target = ask.get("deployment.target")
    if ask.answered("deployment.target") and target.where == "kubernetes":
        price = ask.book.need("kubernetes_hour")
        yield ask.row(
            "deployment.kubernetes",
            "control plane of Kubernetes",
            "infrastructure",
            "deployment.target",
            (ask.month,),
            price,
        )


def logs(ask: Asking) -> Iterator[Row]:
    """What watching costs: the prediction log taken in, and kept."""
    log = ask.get("serving.log")
    if ask.set_aside("monitoring.needed") or ask.set_aside(_VOLUME) or not isinstance(log, Log):
        return
    volume = ask.of(_VOLUME, Volume)
    predictions, size = _predictions(ask, volume), _request(ask, volume)
    sampled = ask.driver("share kept", "serving.log.sample", log.sample, unit="share")
    taken = (predictions, size, sampled)
    logs_gb = ask.book.need("logs_gb")
    if logs_gb.amount.high:
        yield ask.row("monitoring.logs", "taking in logs", "infrastructure", _VOLUME, taken, logs_gb)
    kept = ask.driver("hours kept", "serving.log.keep", log.keep, unit="hours")
    months = given("months an hour", 1 / ask.book.hours_per_month, unit="months")
    price = ask.objects("data.storage.objects").need("objects_gb_month")
    yield ask.row(
        "monitoring.storage", "storage of the prediction log", "infrastructure", _VOLUME, (*taken, kept, months), price
    )


def _servers(ask: Asking, volume: Volume) -> Iterator[Row]:
    cores = _cores(ask, volume)
    distributed = ask.of("serving.distributed", Distributed)
    replicas = ask.driver("replicas", "serving.distributed.replicas", distributed.replicas, unit="replicas")
    always = (replicas, ask.environments, ask.month)
    yield ask.row(
        "serving.servers", "prediction servers", "infrastructure", _VOLUME, (cores, *always), ask.book.need("core_hour")
    )
    accelerators = ask.get("serving.accelerators")
    if isinstance(accelerators, Accelerators) and accelerators.kind not in {"none", "openvino", "coreml"}:
        # Each replica has its accelerators; a kind without a number means one.
        count = ask.driver(
            "accelerators", "serving.accelerators.count", max(1, accelerators.count), unit="accelerators"
        )
        yield ask.row(
            "serving.accelerators",
            "accelerators",
            "infrastructure",
            "serving.accelerators",
            (count, *always),
            ask.book.need("gpu_hour"),
        )
    if distributed.replicas > 1:
        price = ask.book.need("balancer_month")
        if price.amount.high:
            yield ask.row(
                "serving.balancer", "load balancer", "infrastructure", "serving.distributed", (ask.environments,), price
            )


def _batch(ask: Asking, volume: Volume) -> Row:
    hours = reckoned(
        "core hours a prediction",
        _rate(Decimal(1) / _PER_CORE_S / 3600),
        unit="hours",
        why=f"{_PER_CORE_S} predictions a second and core",
    )
    return ask.row(
        "serving.batch",
        "batch predictions",
        "infrastructure",
        _VOLUME,
        (_predictions(ask, volume), hours),
        ask.book.need("core_hour"),
    )


def _traffic(ask: Asking, volume: Volume) -> Iterator[Row]:
    price = ask.book.need("egress_gb")
    if price.amount.high:
        drivers = (_predictions(ask, volume), _request(ask, volume))
        yield ask.row("serving.traffic", "traffic out", "infrastructure", _VOLUME, drivers, price)


def _cores(ask: Asking, volume: Volume) -> Driver:
    """Whole cores for the busiest second."""
    peak = Decimal(str(volume.peak_per_second))
    bounds = Range(
        *(Decimal(max(1, ceil(peak * share / _PER_CORE_S))) for share in (Decimal("0.1"), Decimal(1), Decimal(10)))
    )
    told = ask.effective.origin(f"{_VOLUME}.peak_per_second")
    why = f"{_PER_CORE_S} predictions a second and core, ten times more or less, from {told}"
    return Driver(
        "cores",
        f"{_VOLUME}.peak_per_second",
        bounds,
        "cores",
        why,
        assumed=told.kind in {"default", "none"} or not bounds.sure,
    )


def _predictions(ask: Asking, volume: Volume) -> Driver:
    return ask.gauged("predictions a month", f"{_VOLUME}.predictions", Decimal(volume.per_month), unit="predictions")


def _request(ask: Asking, volume: Volume) -> Driver:
    return ask.size("GB a prediction", f"{_VOLUME}.request_size", volume.request_size)


def _rate(typical: Decimal) -> Range:
    return Range(typical / 10, typical, typical * 10)

"""Contradictions about monitoring: alerts, figures, and who hears of them."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said
from stackcanvas.canvas.triggers import covers

_FIGURES = {
    "latency": "latency",
    "throughput": "throughput",
    "error": "errors",
    "fallback": "fallbacks",
    "cpu": "cpu",
    "memory": "memory",
    "disk": "disk",
    "queue": "queue",
}


@rule("monitoring.alerting", severity="warning")
def alerts_that_nobody_hears(said: Said) -> Iterator[Clash]:
    """Alerts fire, and there is no channel."""
    alerting = said.get("monitoring.alerting")
    if alerting.rules and not alerting.channels:
        yield clash(
            "monitoring.alerting.rules",
            why="the alerts fire into nothing, because no channel is listed",
            mend="List a channel, such as a web hook or mailto:team@example.org",
        )


@rule("monitoring.alerting", "monitoring.operations", severity="warning")
def alert_on_what_is_not_watched(said: Said) -> Iterator[Clash]:
    """An alert waits for a figure of operation that is not watched."""
    watched = said.all("monitoring.operations")
    for place, alert in enumerate(said.get("monitoring.alerting").rules):
        kind = next((kind for word, kind in _FIGURES.items() if alert.metric.startswith(word)), None)
        if kind is not None and kind not in watched:
            yield clash(
                f"monitoring.alerting.rules.{place}.metric",
                "monitoring.operations",
                why=f"{kind} is not among what is watched, so the alert never fires",
                mend=f"Add {kind} to monitoring.operations, or drop the alert",
            )


@rule("monitoring.decay", severity="error")
def always_decayed(said: Said) -> Iterator[Clash]:
    """No value of the figure is good."""
    low, high = said.get("monitoring.decay.at_least"), said.get("monitoring.decay.at_most")
    if low is not None and high is not None and low > high:
        yield clash(
            "monitoring.decay.at_least",
            "monitoring.decay.at_most",
            why="every value lies below the one or above the other, so the model always counts as decayed",
            mend="Give a range that some value can lie in, or one bound only",
        )


@rule("pipelines.retraining", "monitoring.retraining_trigger", severity="warning")
def alarms_that_disagree(said: Said) -> Iterator[Clash]:
    """An alarm starts training that monitoring does not list among those that do."""
    listed = said.all("monitoring.retraining_trigger")
    for place, entry in enumerate(said.all("pipelines.retraining")):
        alarm = entry.on is not None and entry.on.name in {"drift.found", "decay.found", "alert.fired"}
        if alarm and not any(covers(entry, pointer) for pointer in listed):
            yield clash(
                f"pipelines.retraining.{place}.on",
                "monitoring.retraining_trigger",
                why="the pipelines start training on this alarm, and monitoring says that other alarms do",
                mend="List the alarm in both places, or in neither",
            )


@rule("monitoring.needed", "monitoring.ml_metrics", "monitoring.operations", severity="warning")
def monitoring_of_nothing(said: Said) -> Iterator[Clash]:
    """Monitoring is mandatory, and nothing is to be watched."""
    nothing = not said.all("monitoring.ml_metrics") and not said.all("monitoring.operations")
    if said.get("monitoring.needed") == "mandatory" and nothing:
        yield clash(
            "monitoring.needed",
            "monitoring.ml_metrics",
            "monitoring.operations",
            why="a monitor is required that looks at nothing",
            mend="Name at least one figure, or make monitoring optional",
        )


@rule("project.regulated", "monitoring.needed", severity="warning")
def regulated_but_unwatched(said: Said) -> Iterator[Clash]:
    """A law asks how predictions come about, and a model may run unwatched."""
    if said.get("project.regulated") and said.get("monitoring.needed") == "optional":
        yield clash(
            "monitoring.needed",
            "project.regulated",
            why="a regulated model that goes wrong must be noticed, and a model may go live without a monitor",
            mend="Make monitoring mandatory",
        )


@rule("value.payoff", "monitoring.domain_metrics", severity="warning")
def target_that_nobody_measures(said: Said) -> Iterator[Clash]:
    """The business figure that the model is to move is not collected."""
    name = said.get("value.payoff.kpi.name")
    if name is not None and name not in said.all("monitoring.domain_metrics"):
        yield clash(
            "value.payoff.kpi.name",
            "monitoring.domain_metrics",
            why="the figure has a target, and nobody collects it",
            mend="Add it to monitoring.domain_metrics",
        )


@rule("value.owner", "monitoring.alerting", severity="warning")
def alerts_without_an_address(said: Said) -> Iterator[Clash]:
    """Alerts fire, and neither a channel nor the owner can be reached."""
    alerting = said.get("monitoring.alerting")
    into_the_log = alerting.channels and all(channel.url.scheme == "log" for channel in alerting.channels)
    if alerting.rules and into_the_log and said.get("value.owner.email") is None:
        yield clash(
            "monitoring.alerting.channels",
            "value.owner",
            why="every alert ends in a log, and the owner of the models has no address to be called at",
            mend="Give the owner's e-mail, or a channel that reaches a person",
        )

"""Contradictions between numbers: volume, speed, time and what is kept."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said

_SECONDS_A_MONTH = 730 * 3600
_ONE_PROCESS = 2000  # requests a second that one prediction process answers with room to spare, measured


@rule("serving.volume", severity="error")
def busiest_second_below_the_average(said: Said) -> Iterator[Clash]:
    """The busiest second sees fewer requests than an average one."""
    predictions, peak = said.get("serving.volume.predictions"), said.get("serving.volume.peak_per_second")
    if predictions is None or peak is None:
        return
    average = said.get("serving.volume").per_month / _SECONDS_A_MONTH
    if peak < average:
        yield clash(
            "serving.volume.peak_per_second",
            "serving.volume.predictions",
            why=f"that many predictions are already {average:,.1f} in an average second",
            mend=f"Write a peak of at least {average:,.0f}, or fewer predictions",
        )


@rule("serving.volume", "serving.mode", severity="error")
def asked_for_by_nobody(said: Said) -> Iterator[Clash]:
    """A server waits for predictions that nobody asks for."""
    if said.get("serving.volume.predictions") == 0 and said.get("serving.mode.mode") == "online":
        yield clash(
            "serving.volume.predictions",
            "serving.mode.mode",
            why="a server that nobody asks needs not run",
            mend="Say how many predictions are expected",
        )


@rule("serving.volume", severity="error")
def answer_in_no_time(said: Said) -> Iterator[Clash]:
    """An answer must come in less time than a network takes."""
    allowed = said.get("serving.volume.latency_p99")
    if allowed is not None and allowed.total_seconds() < 0.000_1:
        yield clash(
            "serving.volume.latency_p99",
            why="the network alone takes longer than that",
            mend="Write a time such as 50ms",
        )


@rule("serving.volume", "serving.distributed", severity="warning")
def more_than_one_server_can_answer(said: Said) -> Iterator[Clash]:
    """The busiest second holds more requests than the servers can answer."""
    peak, replicas = said.get("serving.volume.peak_per_second"), said.get("serving.distributed").replicas
    if peak is not None and peak > _ONE_PROCESS * replicas:
        yield clash(
            "serving.distributed",
            "serving.volume.peak_per_second",
            why=f"one prediction process answers about {_ONE_PROCESS:,} small requests a second",
            mend=f"Ask for {-(-int(peak) // _ONE_PROCESS)} replicas or more, and measure",
        )


@rule("serving.volume", "serving.mode", severity="warning")
def deadline_for_a_batch(said: Said) -> Iterator[Clash]:
    """Each answer has a deadline, and answers are made in batches or wait in a queue."""
    allowed, pattern = said.get("serving.volume.latency_p99"), said.get("serving.mode.pattern")
    batch = said.get("serving.mode.mode") == "batch" and pattern != "precompute"
    if allowed is not None and allowed.total_seconds() < 1 and (batch or pattern == "model on demand"):
        yield clash(
            "serving.volume.latency_p99",
            "serving.mode.pattern" if pattern == "model on demand" else "serving.mode.mode",
            why="an answer that waits for its turn cannot promise a part of a second",
            mend="Serve online as a service, or allow the time that a turn takes",
        )


@rule(
    "serving.volume",
    severity="warning",
    also=("deployment.strategy", "serving.fallback", "pipelines.non_functional", "monitoring.alerting"),
)
def promise_that_nobody_keeps(said: Said) -> Iterator[Clash]:
    """An answer in time is promised, and a looser bound is what really decides."""
    promised = said.get("serving.volume.latency_p99")
    if promised is None:
        return
    milliseconds = promised.total_seconds() * 1000
    for path, bound, what in _latency_bounds(said):
        if bound > milliseconds:
            yield clash(
                path,
                "serving.volume.latency_p99",
                why=f"{what} only after {bound:g} ms, when the promise is long broken",
                mend=f"Write at most {milliseconds:g} ms here, or promise less",
            )


def _latency_bounds(said: Said) -> Iterator[tuple[str, float, str]]:
    strategy, fallback = said.get("deployment.strategy"), said.get("serving.fallback")
    analysis = getattr(strategy, "analysis", None)
    if analysis is not None and analysis.max_p99 is not None:
        yield "deployment.strategy.analysis.max_p99", analysis.max_p99.total_seconds() * 1000, "a release is stopped"
    if fallback is not None and fallback.timeout is not None:
        yield "serving.fallback.timeout", fallback.timeout.total_seconds() * 1000, "the fallback answers"
    for place, requirement in enumerate(said.all("pipelines.non_functional")):
        if requirement.measure == "latency_p99_ms" and requirement.at_most is not None:
            yield f"pipelines.non_functional.{place}.at_most", requirement.at_most, "the check refuses a version"
    alerting = said.get("monitoring.alerting")
    for place, alert in enumerate(alerting.rules if alerting is not None else ()):
        if alert.metric == "latency_p99_ms" and alert.above is not None:
            yield f"monitoring.alerting.rules.{place}.above", alert.above, "somebody hears of it"


@rule("serving.log", severity="error", also=("monitoring.skew", "monitoring.decay", "monitoring.needed"))
def watched_but_not_kept(said: Said) -> Iterator[Clash]:
    """What is to be watched is not in the log, or leaves it too early."""
    if said.get("serving.log.sample") == 0:
        for question in ("monitoring.skew", "monitoring.decay", "monitoring.needed"):
            if said.is_written(question) and said.get(question) != "optional":
                yield clash(
                    "serving.log.sample",
                    question,
                    why="monitors read the prediction log, and nothing is written there",
                    mend="Keep a share of the predictions, such as 10%",
                )
                return
    kept = said.get("serving.log.keep")
    for question in ("monitoring.skew", "monitoring.decay"):
        window = said.get(f"{question}.window")
        if kept is not None and window is not None and window > kept:
            yield clash(
                "serving.log.keep",
                f"{question}.window",
                why="predictions are deleted before the window that judges them has passed",
                mend="Keep the log at least as long as the window",
            )


@rule("serving.log", "monitoring.skew", severity="error")
def drift_of_a_hidden_column(said: Said) -> Iterator[Clash]:
    """Drift is watched in a column that the log drops or hashes."""
    for place, column in enumerate(said.all("monitoring.skew.columns")):
        for part in ("drop", "hash"):
            if column in said.all(f"serving.log.{part}"):
                yield clash(
                    f"monitoring.skew.columns.{place}",
                    f"serving.log.{part}",
                    why="its values are not in the log, so nothing can be compared with the training data",
                    mend="Watch other columns, or keep this one",
                )


@rule("serving.volume", severity="error", also=("monitoring.skew", "monitoring.decay", "serving.log"))
def window_that_never_fills(said: Said) -> Iterator[Clash]:
    """A monitor waits for more predictions than its window ever holds."""
    if said.get("serving.volume.predictions") is None:
        return
    sample = said.get("serving.log.sample")
    each_second = said.get("serving.volume").per_month / _SECONDS_A_MONTH * (1.0 if sample is None else sample)
    for question, part in (("monitoring.skew", "min_rows"), ("monitoring.decay", "min_labels")):
        least, window = said.get(f"{question}.{part}"), said.get(f"{question}.window")
        if least is None or window is None:
            continue
        held = each_second * window.total_seconds()
        if held < least:
            yield clash(
                f"{question}.{part}",
                f"{question}.window",
                "serving.volume.predictions",
                why=f"a window holds about {held:,.0f} predictions, so nothing is ever judged",
                mend=f"Ask for fewer than {max(held, 1):,.0f}, or use a longer window",
            )


@rule("serving.volume", "deployment.strategy", severity="warning")
def canary_that_never_moves_on(said: Said) -> Iterator[Clash]:
    """A step of a release waits far longer than it is meant to last for enough predictions."""
    strategy = said.get("deployment.strategy")
    least = said.get("deployment.strategy.analysis.min_predictions")
    if strategy.kind != "canary" or said.get("serving.volume.predictions") is None or least is None:
        return
    each_second = said.get("serving.volume").per_month / _SECONDS_A_MONTH
    seen = each_second * strategy.every.total_seconds() * strategy.steps[0]
    if seen * 5 < least:
        yield clash(
            "deployment.strategy.analysis.min_predictions",
            "serving.volume.predictions",
            why=f"the first step sees about {seen:,.0f} predictions in its time and would wait for the rest",
            mend="Make the step longer or larger, or ask for fewer predictions",
        )


@rule("monitoring.decay", "data.labelling", severity="warning")
def decay_without_new_labels(said: Said) -> Iterator[Clash]:
    """Decay is told from labels that people give, and they give no new ones."""
    if not said.get("data.labelling.needed"):
        return
    each_month = said.get("data.labelling.items_per_month")
    least, window = said.get("monitoring.decay.min_labels"), said.get("monitoring.decay.window")
    if each_month == 0:
        why, mend = "labels come from people, and nobody labels anything new", "Label some predictions each month"
        path = "monitoring.decay"
    elif each_month is not None and least is not None and window is not None:
        held = each_month / _SECONDS_A_MONTH * window.total_seconds()
        if held >= least:
            return
        why, mend = (
            f"people label about {held:,.0f} items in a window",
            "Label more, ask for fewer or use a longer window",
        )
        path = "monitoring.decay.min_labels"
    else:
        return
    yield clash(path, "data.labelling.items_per_month", why=why, mend=mend)


@rule("value.payoff", "serving.volume", severity="warning")
def more_decisions_than_predictions(said: Said) -> Iterator[Clash]:
    """More decisions are made than predictions."""
    decisions = said.get("value.payoff.decisions_per_month")
    if decisions is None or said.get("serving.volume.predictions") is None:
        return
    if decisions > said.get("serving.volume").per_month:
        yield clash(
            "value.payoff.decisions_per_month",
            "serving.volume.predictions",
            why="nobody can act on more predictions than are made",
            mend="Let the volume be at least as large as the decisions",
        )

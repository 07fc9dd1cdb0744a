"""Contradictions about pipelines: what starts them, where they run, what must hold beside quality."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

from cronsim import CronSim

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said

_HOURS_A_MONTH = 730
_FROM = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_WATCHED = {"drift.found": "monitoring.skew", "decay.found": "monitoring.decay"}
_OBJECTS = {"aws": "s3", "amazon": "s3", "gcp": "gs", "google": "gs", "azure": "az"}


@rule("pipelines.retraining", "monitoring.needed", severity="error")
def alarm_that_nobody_watches_for(said: Said) -> Iterator[Clash]:
    """Training starts when drift or decay is found, and models may run unwatched."""
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        alarm = trigger.on is not None and trigger.on.name in _WATCHED
        if alarm and said.get("monitoring.needed") == "optional":
            yield clash(
                f"pipelines.retraining.{place}.on",
                "monitoring.needed",
                why="the event comes from a monitor, and a model may go live without one",
                mend="Make monitoring mandatory, or retrain by a schedule",
            )


@rule("pipelines.retraining", severity="error", also=("monitoring.skew", "monitoring.decay"))
def alarm_that_was_set_aside(said: Said) -> Iterator[Clash]:
    """Training starts on an alarm whose question is said not to apply."""
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        question = _WATCHED.get(trigger.on.name) if trigger.on is not None else None
        if question and said.is_set_aside(question) and not said.is_written(question):
            yield clash(
                f"pipelines.retraining.{place}.on",
                question,
                why=f"decisions say that {question} does not apply, so the event never comes",
                mend=f"Answer {question}, or retrain by something else",
            )


@rule("pipelines.retraining", severity="error")
def pipeline_that_starts_itself(said: Said) -> Iterator[Clash]:
    """The end of a pipeline starts the same pipeline again."""
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        subjects = {None, f"pipeline:{trigger.pipeline}"}
        if trigger.on is not None and trigger.on.name == "run.finished" and trigger.on.subject in subjects:
            yield clash(
                f"pipelines.retraining.{place}.on",
                f"pipelines.retraining.{place}.pipeline",
                why="every run would start the next one, for ever",
                mend="Name another pipeline as the subject of the event, or start by a schedule",
            )


@rule("pipelines.retraining", severity="error")
def runs_longer_than_their_schedule(said: Said) -> Iterator[Clash]:
    """A run is due before the one before it can have ended."""
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        took = said.get(f"pipelines.retraining.{place}.time_per_run")
        if trigger.cron is not None and took is not None and took > _shortest_pause(trigger.cron):
            yield clash(
                f"pipelines.retraining.{place}.cron",
                f"pipelines.retraining.{place}.time_per_run",
                why="the next run is due before the last one ends, and they pile up",
                mend="Start less often, or make a run shorter",
            )


@rule("pipelines.retraining", severity="warning")
def schedule_against_its_count(said: Said) -> Iterator[Clash]:
    """A schedule starts far more or fewer runs than are expected."""
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        count = said.get(f"pipelines.retraining.{place}.runs_per_month")
        if trigger.cron is None or count is None:
            continue
        due = _runs_in_a_month(trigger.cron)
        if count > 2 * due or due > 2 * count:
            yield clash(
                f"pipelines.retraining.{place}.runs_per_month",
                f"pipelines.retraining.{place}.cron",
                why=f"this schedule starts about {due:g} runs a month",
                mend=f"Write runs_per_month: {due:g}, or change the schedule",
            )


@rule("pipelines.retraining", severity="error")
def more_training_than_time(said: Said) -> Iterator[Clash]:
    """Training of one pipeline would take longer than a month has hours."""
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        took = said.get(f"pipelines.retraining.{place}.time_per_run")
        count = said.get(f"pipelines.retraining.{place}.runs_per_month")
        if took is None or count is None:
            continue
        hours = took.total_seconds() / 3600 * count
        if hours > _HOURS_A_MONTH:
            yield clash(
                f"pipelines.retraining.{place}.runs_per_month",
                f"pipelines.retraining.{place}.time_per_run",
                why=f"{hours:,.0f} hours of training do not fit into the {_HOURS_A_MONTH} hours of a month",
                mend=f"Start {trigger.pipeline} less often, or make a run shorter",
            )


@rule("pipelines.retraining", severity="warning")
def same_trigger_twice(said: Said) -> Iterator[Clash]:
    """The same reason starts the same pipeline twice."""
    seen: dict[tuple[object, ...], int] = {}
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        key = (trigger.pipeline, trigger.cron, trigger.timezone, trigger.on)
        if key in seen:
            yield clash(
                f"pipelines.retraining.{place}",
                f"pipelines.retraining.{seen[key]}",
                why="the same thing would start the same pipeline twice",
                mend="Keep one of the two entries",
            )
        seen.setdefault(key, place)


@rule("pipelines.retraining", "serving.mode", severity="error")
def alarm_of_another_endpoint(said: Said) -> Iterator[Clash]:
    """Training waits for an alarm about an endpoint that there is not."""
    endpoint = said.get("serving.mode.endpoint")
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        subject = trigger.on.subject if trigger.on is not None else None
        if endpoint and subject and subject.startswith("deployment:") and subject != f"deployment:{endpoint}":
            yield clash(
                f"pipelines.retraining.{place}.on",
                "serving.mode.endpoint",
                why="the event names another endpoint than the one that is served, so it never comes",
                mend=f"Write deployment:{endpoint} as its subject",
            )


@rule("pipelines.retraining", "data.sources", severity="warning")
def data_trigger_of_no_source(said: Said) -> Iterator[Clash]:
    """Training waits for data that no source brings."""
    known = {one.name for one in said.all("data.sources")}
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        subject = (trigger.on.subject or "") if trigger.on is not None else ""
        if subject.startswith("data:") and known and subject.removeprefix("data:").partition("@")[0] not in known:
            yield clash(
                f"pipelines.retraining.{place}.on",
                "data.sources",
                why="no source feeds a data set of this name",
                mend=f"Name one of {', '.join(sorted(known))}, or list the source",
            )


@rule("pipelines.location", severity="error")
def local_work_on_remote_machines(said: Said) -> Iterator[Clash]:
    """Pipelines run here, and an executor elsewhere runs them."""
    executor = said.get("pipelines.location.executor")
    here = {"localhost", "127.0.0.1", "auto", "local"}
    if said.get("pipelines.location.where") == "local" and executor is not None and executor.scheme == "ray":
        host = executor.text.removeprefix("ray://").partition(":")[0].partition("/")[0]
        if host not in here:
            yield clash(
                "pipelines.location.where",
                "pipelines.location.executor",
                why="steps would run on the machines of this address, not here",
                mend="Say where those machines are, or use processes:",
            )


@rule("pipelines.location", "data.storage", severity="warning")
def compute_in_one_cloud_data_in_another(said: Said) -> Iterator[Clash]:
    """Pipelines run with one provider, and their data lie with another."""
    place = (said.get("pipelines.location.where") or "").removeprefix("cloud ").lower()
    scheme = next((scheme for word, scheme in _OBJECTS.items() if word in place.split()), None)
    for part in ("objects", "lake"):
        url = said.get(f"data.storage.{part}")
        if scheme and url is not None and url.scheme in set(_OBJECTS.values()) - {scheme}:
            yield clash(
                "pipelines.location.where",
                f"data.storage.{part}",
                why="every run would carry its data from one provider to the other, which is slow and paid by volume",
                mend="Keep data and pipelines with the same provider",
            )


@rule("pipelines.distributed_training", "pipelines.location", severity="error")
def many_machines_on_this_one(said: Said) -> Iterator[Clash]:
    """Training needs several machines, and runs on this one."""
    local = said.get("pipelines.location.where") == "local"
    if said.get("pipelines.distributed_training.needed") and local:
        yield clash(
            "pipelines.distributed_training.needed",
            "pipelines.location.where",
            why="one machine cannot be several",
            mend="Say where the machines are, or train on one",
        )


@rule("pipelines.distributed_training", severity="error")
def distributed_by_nothing(said: Said) -> Iterator[Clash]:
    """Training is spread over machines without an engine, or over a single one."""
    needed = said.get("pipelines.distributed_training.needed")
    workers = said.get("pipelines.distributed_training.workers")
    if needed and said.get("pipelines.distributed_training.engine") == "none":
        why, mend, part = "nothing would spread the work", "Name the engine", "engine"
    elif needed and workers is not None and workers < 2:
        why, mend, part = (
            "spreading work takes at least two machines",
            "Ask for two or more, or say needed: false",
            "workers",
        )
    elif needed is False and workers is not None and workers > 1:
        why, mend, part = "machines are counted that nothing uses", "Say needed: true, or leave workers out", "workers"
    else:
        return
    yield clash(f"pipelines.distributed_training.{part}", "pipelines.distributed_training.needed", why=why, mend=mend)


@rule("pipelines.distributed_training", "pipelines.location", severity="warning")
def engine_against_executor(said: Said) -> Iterator[Clash]:
    """One engine is to spread training, and another one runs the steps."""
    executor, engine = said.get("pipelines.location.executor"), said.get("pipelines.distributed_training.engine")
    if executor is None or engine is None or not said.get("pipelines.distributed_training.needed"):
        return
    if (engine == "ray" and executor.scheme in {"inline", "processes"}) or (
        engine not in {"ray", "none", "other"} and executor.scheme == "ray"
    ):
        yield clash(
            "pipelines.location.executor",
            "pipelines.distributed_training.engine",
            why="the address that runs the steps is not one of this engine",
            mend="Let both name the same engine",
        )


@rule("pipelines.workflow", "dilemma.tooling", severity="warning")
def two_orchestrators(said: Said) -> Iterator[Clash]:
    """The workflow names one orchestrator, and the choice of tools another."""
    technology = said.get("pipelines.workflow.technology")
    for place, tool in enumerate(said.all("dilemma.tooling")):
        if tool.block == "pipelines" and tool.tool and technology and tool.tool.lower() != technology.lower():
            yield clash(
                "pipelines.workflow.technology",
                f"dilemma.tooling.{place}.tool",
                why="two tools are named for one task",
                mend="Let both name the same tool",
            )


@rule("pipelines.non_functional", "pipelines.ci", severity="error")
def checked_in_a_ci_that_there_is_not(said: Said) -> Iterator[Clash]:
    """A requirement is tested in CI, and nothing runs there."""
    for place, requirement in enumerate(said.all("pipelines.non_functional")):
        if "ci" in requirement.tested_in and not said.all("pipelines.ci.tools"):
            yield clash(
                f"pipelines.non_functional.{place}.tested_in",
                "pipelines.ci.tools",
                why="no tool of CI would run the check",
                mend="Name the tool, or test the requirement in training",
            )


@rule("pipelines.non_functional", "serving.log", severity="error")
def groups_that_are_not_logged(said: Said) -> Iterator[Clash]:
    """Groups are to be judged in production by a column that is not kept."""
    gone = {*said.all("serving.log.drop"), *said.all("serving.log.hash")}
    for place, requirement in enumerate(said.all("pipelines.non_functional")):
        if "serving" in requirement.tested_in and requirement.slice in gone:
            yield clash(
                f"pipelines.non_functional.{place}.slice",
                "serving.log",
                why=f"the column {requirement.slice} is dropped or hashed, so its groups cannot be told apart",
                mend="Keep the column, or test the requirement in training only",
            )


def _moments(cron: str, count: int) -> list[dt.datetime]:
    moments = CronSim(cron, _FROM)
    return [moment for moment, _ in zip(moments, range(count), strict=False)]


def _shortest_pause(cron: str) -> dt.timedelta:
    moments = _moments(cron, 9)
    return min((later - earlier for earlier, later in pairwise(moments)), default=dt.timedelta.max)


def _runs_in_a_month(cron: str) -> float:
    moments = _moments(cron, 40)
    days = (moments[-1] - _FROM).total_seconds() / 86_400 if moments else 0.0
    return round(len(moments) / days * 30.4, 1) if days else 0.0

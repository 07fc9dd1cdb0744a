"""What came of the replay: the versions side by side on the same flights, what was found when, what was earned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl

from stackcanvas.examples.demo.replay import ENDPOINT
from stackcanvas.metadata import Ref
from stackcanvas.stack import Stack
from stackcanvas.statistics import METRICS
from stackcanvas.value import Total, on_same_rows


@dataclass(frozen=True, slots=True)
class Side:
    """One version on the flights that are compared.

    Args:
        worth: what it would have earned on them, in the currency of the canvas.
    """

    model: Ref
    auc: float
    brier: float
    worth: Decimal


@dataclass(frozen=True, slots=True)
class Compared:
    """The first and the last live version on the same flights: those predicted after the last one went live.

    Args:
        since: from when.
        flights: how many, all with a known outcome.
    """

    since: datetime
    flights: int
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The figures at the end of the demo.

    Args:
        predictions: answered rows.
        outcomes: those whose outcome has become known; cancelled and diverted flights have none.
        found: what the monitors found, oldest first: event and time.
        live: when each version went live, oldest first.
        earned: by version, on the traffic that it answered.
        refused: runs of the pipeline whose model did not pass the gate, with the reason.
        compared: None while only one version has been live.
        recorded: what each block recorded, by block.
    """

    currency: str
    predictions: int
    outcomes: int
    found: tuple[tuple[str, datetime], ...]
    live: tuple[tuple[Ref, datetime], ...]
    earned: tuple[Total, ...]
    refused: tuple[tuple[datetime, str], ...]
    compared: Compared | None
    recorded: dict[str, int]


def report(stack: Stack) -> Report:
    """The figures, all from the records of the stack."""
    events = stack.spine.events.after(0, names={"drift.found", "decay.found"}, limit=10_000)
    releases = reversed(stack.deployment.history(ENDPOINT, limit=1000))
    live = tuple((release.model, release.ended) for release in releases if release.state == "live" and release.ended)
    counts = stack.serving.counts(ENDPOINT)
    judged = stack.monitoring.labels.judged(ENDPOINT)
    return Report(
        currency=stack.canvas.project.currency,
        predictions=counts.predictions,
        outcomes=judged.select(pl.len()).collect().item(),
        found=tuple((event.name, event.time) for event in events),
        live=live,
        earned=tuple(stack.value.totals(ENDPOINT)),
        refused=_refused(stack),
        recorded=_recorded(stack),
        compared=_compare(stack, [live[0][0], live[-1][0]], since=live[-1][1]) if len(live) > 1 else None,
    )


def told(found: Report) -> str:
    """The figures as a page of text."""
    lines = [
        f"{found.predictions:,} predictions, of which {found.outcomes:,} have a known outcome.",
        "",
        "What happened",
        *(f"  {time:%Y-%m-%d %H:%M}  {what}" for time, what in _happened(found)),
        "",
        "What each version earned on the traffic that it answered",
        *(
            f"  {total.model}  {total.worth:,.2f} {found.currency} on {total.decisions:,} outcomes"
            for total in found.earned
        ),
    ]
    if found.compared is not None:
        since = f"{found.compared.since:%Y-%m-%d %H:%M}"
        lines += ["", f"Both versions on the same {found.compared.flights:,} flights since {since}"]
        lines += [
            f"  {side.model}  AUC {side.auc:.3f}  Brier {side.brier:.3f}  {side.worth:,.2f} {found.currency}"
            for side in found.compared.sides
        ]
    executions = ", ".join(f"{block} {count:,}" for block, count in found.recorded.items())
    lines += ["", f"What each block recorded, in executions: {executions}"]
    return "\n".join(lines)


def _happened(found: Report) -> list[tuple[datetime, str]]:
    """Everything with a time, in order."""
    lines = [(time, name.replace(".", " ")) for name, time in found.found]
    lines += [(time, f"{model} went live") for model, time in found.live]
    lines += [(time, f"trained again, refused by the gate: {reason}") for time, reason in found.refused]
    return sorted(lines, key=lambda line: line[0])


def _refused(stack: Stack) -> tuple[tuple[datetime, str], ...]:
    runs = stack.experiments.search(limit=1000)
    return tuple((run.started, run.tags["gate"]) for run in reversed(runs) if "gate" in run.tags)


def _recorded(stack: Stack) -> dict[str, int]:
    """Executions by block."""
    counted: dict[str, int] = {}
    for kind, count in stack.spine.executions.counts().items():
        block = kind.partition(".")[0]
        counted[block] = counted.get(block, 0) + count
    return dict(sorted(counted.items()))


def _compare(stack: Stack, models: list[Ref], *, since: datetime) -> Compared | None:
    """Let each version answer the logged features of the same predictions."""
    judged = stack.monitoring.labels.judged(ENDPOINT, since).select("prediction_id", "actual")
    logged = stack.serving.log.scan(ENDPOINT, start=since).select("prediction_id", "features")
    rows = logged.join(judged, on="prediction_id").collect()
    if rows.is_empty():
        return None
    features = rows.select("features").unnest("features")
    outputs = {str(model): stack.registry.load(model).predict(features)["probability"] for model in models}
    scored = rows.select("actual").with_columns(**{model: pl.Series(scores) for model, scores in outputs.items()})
    totals = on_same_rows(scored, {model: model for model in outputs}, stack.value.payoff(ENDPOINT))
    truth = scored["actual"].to_numpy()
    sides = [
        Side(
            model,
            auc=METRICS["auc"].function(truth, outputs[str(model)]),
            brier=METRICS["brier"].function(truth, outputs[str(model)]),
            worth=total.worth,
        )
        for model, total in zip(models, totals, strict=True)
    ]
    return Compared(since, rows.height, tuple(sides))

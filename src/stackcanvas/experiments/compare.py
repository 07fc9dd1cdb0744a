"""Comparing runs: only what differs."""

from __future__ import annotations

from collections.abc import Sequence

from stackcanvas.experiments.runs import RunInfo


def compare(runs: Sequence[RunInfo]) -> list[dict[str, object]]:
    """A row for each thing that is not the same in all runs, with the value of each run under its id."""
    told = [_facts(run) for run in runs]
    names = dict.fromkeys(name for facts in told for name in facts)
    rows = [(name, [facts.get(name) for facts in told]) for name in names]
    return [
        {"what": name, **{run.id: value for run, value in zip(runs, values, strict=True)}}
        for name, values in rows
        # By text: two that are not a number are the same here.
        if len({repr(value) for value in values}) > 1
    ]


def _facts(run: RunInfo) -> dict[str, object]:
    return {
        "experiment": run.experiment,
        "status": run.status,
        "commit": run.code.commit,
        "dirty": run.code.dirty,
        "seed": run.seed,
        "environment": run.environment,
        "host": run.host,
        **{f"parameter.{name}": value for name, value in run.parameters.items()},
        **{f"metric.{name}": metric.value for name, metric in run.metrics.items()},
        **{f"input.{one.name}": one.source for one in run.inputs},
    }

"""Histories of metrics, and the data sets of experiments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from stackcanvas.experiments.metrics import Told
from stackcanvas.rest.mlflow import told
from stackcanvas.rest.mlflow.answers import number, present
from stackcanvas.rest.mlflow.errors import invalid
from stackcanvas.rest.mlflow.limits import numbers_of
from stackcanvas.rest.mlflow.messages import Int64, Message
from stackcanvas.rest.mlflow.paging import offset_of, token_of
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.rest.mlflow.runs import Run
from stackcanvas.stack import Stack

_MOST_AT_ONCE = 25_000
_MOST_RUNS = 100
_MOST_EXPERIMENTS = 20
_MOST_A_RUN = 2_500


class History(Run):
    """All values of a metric of a run."""

    needed: ClassVar[tuple[str, ...]] = ("run_id", "metric_key")
    metric_key: str = ""
    page_token: str = ""
    max_results: Int64 | None = None


class Bulk(Message):
    """The values of a metric of several runs."""

    run_id: list[str] = msgspec.field(default_factory=list)
    metric_key: str | None = None
    max_results: Int64 = _MOST_AT_ONCE


class Interval(Message):
    """Some of the values of a metric of several runs, evenly chosen."""

    needed: ClassVar[tuple[str, ...]] = ("metric_key",)
    run_ids: list[str] = msgspec.field(default_factory=list)
    metric_key: str = ""
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int64 = _MOST_A_RUN


class Datasets(Message):
    """Of which experiments."""

    experiment_ids: list[str] = msgspec.field(default_factory=list)


def _history(stack: Stack, asked: History) -> dict[str, Any]:
    size, offset = asked.max_results, offset_of(asked.page_token)
    if size is not None and size <= 0:
        raise invalid(f"Invalid value {size} for parameter 'max_results' supplied. It must be a positive integer.")
    found = stack.experiments.tracking.history(
        asked.run_id, asked.metric_key, limit=None if size is None else size + 1, offset=offset
    )
    more = size is not None and len(found) > size
    return present(
        metrics=_metrics(asked.metric_key, found[:size] if more else found),
        next_page_token=token_of(offset + (size or 0)) if more else None,
    )


def _bulk(stack: Stack, asked: Bulk) -> dict[str, Any]:
    if not asked.run_id:
        raise invalid("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(asked.run_id) > _MOST_RUNS:
        raise invalid(
            f"GetMetricHistoryBulk request cannot specify more than {_MOST_RUNS} run_ids. "
            f"Received {len(asked.run_id)} run_ids."
        )
    if asked.metric_key is None:
        raise invalid("GetMetricHistoryBulk request must specify a metric_key.")
    most = max(0, min(asked.max_results, _MOST_AT_ONCE))
    found: list[told.Metric] = []
    for run_id in sorted(set(asked.run_id)):
        if len(found) < most:
            history = stack.experiments.tracking.history(run_id, asked.metric_key, limit=most - len(found))
            found += _metrics(asked.metric_key, history, run_id)
    return {"metrics": found}


def _interval(stack: Stack, asked: Interval) -> dict[str, Any]:
    if not asked.run_ids:
        raise invalid("Missing value for required parameter 'run_ids'.")
    if len(asked.run_ids) > _MOST_RUNS:
        raise invalid(
            f"GetMetricHistoryBulkInterval request must specify at most {_MOST_RUNS} run_ids. "
            f"Received {len(asked.run_ids)} run_ids."
        )
    if not 1 <= asked.max_results <= _MOST_A_RUN:
        raise invalid(f"max_results must be between 1 and {_MOST_A_RUN}")
    first, last = asked.start_step, asked.end_step
    if (first is None) != (last is None):
        raise invalid("If either start step or end step are specified, both must be specified.")
    if first is not None and last is not None and first > last:
        raise invalid(f"end_step must be greater than start_step. Found start_step={first} and end_step={last}.")
    steps = None if first is None or last is None else (first, last)
    found = [
        one
        for run_id in asked.run_ids
        for one in _metrics(
            asked.metric_key,
            stack.experiments.tracking.sample(run_id, asked.metric_key, most=asked.max_results, steps=steps),
            run_id,
        )
    ]
    return present(metrics=found)


def _datasets(stack: Stack, asked: Datasets) -> dict[str, Any]:
    if not asked.experiment_ids:
        raise invalid("SearchDatasets request must specify at least one experiment_id.")
    if len(asked.experiment_ids) > _MOST_EXPERIMENTS:
        raise invalid(
            f"SearchDatasets request cannot specify more than {_MOST_EXPERIMENTS} experiment_ids. "
            f"Received {len(asked.experiment_ids)} experiment_ids."
        )
    numbers = numbers_of(asked.experiment_ids)
    return present(
        dataset_summaries=[
            present(experiment_id=str(number), name=name, digest=digest, context=context)
            for number, name, digest, context in stack.experiments.tracking.datasets(numbers)
        ]
    )


def _metrics(key: str, found: Iterable[Told], run_id: str | msgspec.UnsetType = msgspec.UNSET) -> list[told.Metric]:
    return [told.Metric(key, number(value), time_us // 1000, step, run_id) for step, time_us, value in found]


ROUTES = (
    Route("GET", "metrics/get-history", History, _history),
    Route("GET", "metrics/get-history-bulk", Bulk, _bulk),
    Route("GET", "metrics/get-history-bulk-interval", Interval, _interval),
    Route("POST", "experiments/search-datasets", Datasets, _datasets, reads=True),
    Route("GET", "experiments/search-datasets", Datasets, _datasets),
)

"""Searching for good parameters of a pipeline: each trial runs it, and its metric decides."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import NotFound
from stackcanvas.experiments import Run, RunInfo, Space
from stackcanvas.experiments.runs import PARENT

if TYPE_CHECKING:
    from stackcanvas.experiments import Study
    from stackcanvas.stack.stack import Stack


def tune(
    stack: Stack,
    study: Study,
    pipeline: str,
    *,
    space: Mapping[str, Space],
    trials: int,
    fixed: Mapping[str, object] | None = None,
    timeout_s: float | None = None,
    watch: Callable[[], None] = lambda: None,
) -> RunInfo | None:
    """Search for the parameters of a pipeline that give the best value of the study's metric.

    Args:
        space: what the parameters may be.
        trials: how many the study has in the end, all processes and times taken together.
        fixed: parameters that stay the same.
        watch: is told of every trial that has ended.

    Returns:
        The run of the best trial, None when none has finished.

    Raises:
        NotFound: there is no such pipeline, or its runs do not log the metric.
        BadInput: the pipeline has no such parameter.
    """
    stack.pipelines.project.pipeline(pipeline).bind({**(fixed or {}), **dict.fromkeys(space, None)})

    def objective(trial: Any, run: Run) -> float:
        chosen = study.suggest(trial, space)
        made = stack.pipelines.run(pipeline, {**(fixed or {}), **chosen}, echo=io.StringIO())
        with stack.spine.write() as tx:
            stack.experiments.runs.set_tags(tx, made.id, {PARENT: run.id})
        metrics = stack.experiments.get(made.check().id).metrics
        run.log({name: metric.value for name, metric in metrics.items() if name != study.metric})
        watch()
        if study.metric not in metrics:
            raise NotFound("metric", study.metric, known=metrics)
        return metrics[study.metric].value

    return study.tune(objective, trials=trials, timeout_s=timeout_s)

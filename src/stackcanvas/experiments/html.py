"""A run as a notebook shows it."""

from __future__ import annotations

import html

from stackcanvas.experiments.runs import RunInfo
from stackcanvas.plain import cell


def as_html(run: RunInfo) -> str:
    """Name, state, parameters and metrics as small tables."""
    head = f"<b>{html.escape(run.name)}</b> of {html.escape(run.experiment)}: {html.escape(run.status)}"
    facts = f"{head}, {cell(run.started)}, <code>{html.escape(run.id)}</code>"
    metrics = {name: cell(metric.value) for name, metric in run.metrics.items()}
    return f"<div><p>{facts}</p>{_table('metric', metrics)}{_table('parameter', run.parameters)}</div>"


def _table(title: str, values: dict[str, str]) -> str:
    if not values:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(said)}</td></tr>" for name, said in values.items()
    )
    return f"<table><thead><tr><th>{title}</th><th>value</th></tr></thead><tbody>{rows}</tbody></table>"

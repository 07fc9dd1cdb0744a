"""The page of one run: its metrics as lines, parameters, inputs and files."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.experiments import Condition, Origin, RunInfo
from stackcanvas.experiments.origin import REPRODUCES
from stackcanvas.experiments.system import SYSTEM
from stackcanvas.metadata import KINDS, Ref
from stackcanvas.plain import cell
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.charts import over_steps, over_time
from stackcanvas.ui.context import Cell, Chart, FactView, RecordPage, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page

_MOST_CHARTS, _MOST_METRICS = 24, 4
_MOST_FILES, _MOST_INSIDE, _MOST_AGAIN = 500, 200, 20
_LONGEST = 2_000


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """One run, of a pipeline or by hand."""
    run = stack.experiments.get(asked["id"])
    page = RecordPage(
        kind=f"Run of {run.experiment}",
        title=run.name,
        facts=_facts(run, stack.experiments.origins.get(run.id), links),
        charts=_charts(stack, run),
        tables=(*_steps(stack, run.id, links), *_tables(stack, run, links)),
    )
    return Page("record.html", run.name, page)


def _steps(stack: Stack, run_id: str, links: Links) -> tuple[Table, ...]:
    steps = stack.pipelines.steps(run_id)
    rows = tuple(
        (
            Cell(step.node, links.ref(f"execution:{step.execution}") if step.execution else None),
            show.state(step.state),
            show.when(step.started),
            show.took(step.duration_s),
            show.count(step.attempt),
            Cell(step.error or "", tone="bad"),
        )
        for step in steps
    )
    columns = ("step", "state", "started", "#took", "#tries", "error")
    return (Table("Steps", columns, rows),) if steps else ()


def _charts(stack: Stack, run: RunInfo) -> tuple[Chart, ...]:
    """A line for each metric, what the machine did last; over time where nobody counted steps."""
    drawn = []
    names = sorted(run.metrics, key=lambda name: (name.startswith(SYSTEM), name))
    for key in names[:_MOST_CHARTS]:
        history = stack.experiments.outline(run.id, key)
        chart = over_steps(key, [(point.step, point.value) for point in history])
        if chart is None:
            chart = over_time(key, {"": [(point.time, point.value) for point in history]})
        if chart is not None:
            drawn.append(chart)
    return tuple(drawn)


def _facts(run: RunInfo, origin: Origin | None, links: Links) -> tuple[FactView, ...]:
    facts = [
        FactView("state", run.status, tone=show.state(run.status).tone),
        FactView("started", cell(run.started)),
        FactView("took", show.took(run.duration_s).text),
        FactView("actor", show.actor(run.actor).text),
        FactView("code", show.code(run.code).text or "not known"),
        FactView("id", run.id, links.ref(f"execution:{run.id}")),
    ]
    if run.missing:
        facts.insert(1, FactView("incomplete", f"it lacks {', '.join(run.missing)}", tone="warn"))
    for label, other in (("part of", run.parent), ("repeats", run.tags.get(REPRODUCES))):
        if other:
            facts.append(FactView(label, other, links.ref(Ref("run", other))))
    if run.host:
        facts.append(FactView("host", run.host))
    if run.seed is not None:
        facts.append(FactView("seed", str(run.seed)))
    facts += _origin_facts(origin)
    return tuple(fact for fact in facts if fact.value)


def _origin_facts(origin: Origin | None) -> list[FactView]:
    if origin is None:
        return []
    hardware = origin.hardware
    cores = f"{hardware['processor']}, {hardware['cores']} cores" if "processor" in hardware else ""
    return [FactView("command", show.text(" ".join(origin.command)).text), FactView("machine", cores)]


def _tables(stack: Stack, run: RunInfo, links: Links) -> tuple[Table, ...]:
    metrics = tuple(
        (Cell(metric.key), show.text(metric.value), show.count(metric.step)) for metric in run.metrics.values()
    )
    parameters = tuple((Cell(name), show.text(value, longest=_LONGEST)) for name, value in run.parameters.items())
    inputs = tuple(
        (_source(one.source, links), Cell(one.name), show.ref(links, one.tags.get("split")), show.digest(one.digest))
        for one in run.inputs
    )
    files = tuple(
        (Cell(one.path, links.artifact(run.id, one.path)), show.size(one.size_bytes))
        for one in stack.experiments.files.walk(run.id)[:_MOST_FILES]
    )
    tags = tuple((Cell(name), show.text(value, longest=_LONGEST)) for name, value in run.tags.items())
    every = (
        Table("Metrics", ("metric", "#last value", "#at step"), metrics, "No metric was logged."),
        Table("Parameters", ("name", "value"), parameters, "No parameter was logged."),
        _others("Runs inside", stack.experiments.children(run.id, limit=_MOST_INSIDE), links),
        _others("Run again", stack.experiments.search(where=[_again(run)], limit=_MOST_AGAIN), links),
        Table("Inputs", ("source", "name", "split", "digest"), inputs),
        Table("Files", ("path", "#size"), files),
        Table("Tags", ("name", "value"), tags),
    )
    return tuple(table for table in every if table.rows or table.title in {"Metrics", "Parameters"})


def _again(run: RunInfo) -> Condition:
    return Condition("tag", REPRODUCES, "=", run.id)


def _others(title: str, runs: list[RunInfo], links: Links) -> Table:
    names = sorted({name for run in runs for name in run.metrics if not name.startswith(SYSTEM)})[:_MOST_METRICS]
    rows = tuple(
        (
            Cell(run.name, links.ref(run.ref)),
            show.state(run.status),
            show.when(run.started),
            *(show.text(run.metrics[name].value if name in run.metrics else None) for name in names),
            show.text(", ".join(f"{name} {value}" for name, value in run.parameters.items())),
        )
        for run in runs
    )
    return Table(title, ("run", "state", "started", *(f"#{name}" for name in names), "parameters"), rows)


def _source(source: str, links: Links) -> Cell:
    is_ref = source.partition(":")[0] in KINDS
    return show.ref(links, source) if is_ref else Cell(source)

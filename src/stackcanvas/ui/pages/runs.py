"""Runs as a table that can be filtered, sorted and paged, with the page's runs across their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.experiments import Order, RunInfo
from stackcanvas.experiments.asking import orders
from stackcanvas.experiments.system import SYSTEM
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.parallel import Aim, Parallel, across, aims_of

_AT_ONCE = 50
_MOST_METRICS, _MOST_PARAMETERS = 6, 4
_NEWEST = "started desc"
_SHORT = 28


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column.

    Args:
        href: the same runs, ordered by it.
        sorted: `ascending` or `descending` where they are.
    """

    text: str
    href: str | None = None
    number: bool = False
    sorted: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A run."""

    id: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Runs as a table.

    Args:
        experiments: all there are, to choose from.
        wrong: why the filter cannot be read.
        before, after: the pages beside this one.
        csv, arrow: all of them as a file.
    """

    experiment: str
    filter: str
    order: str
    experiments: tuple[str, ...]
    headings: tuple[Heading, ...] = ()
    rows: tuple[Row, ...] = ()
    count: int = 0
    first: int = 0
    last: int = 0
    before: str | None = None
    after: str | None = None
    csv: str = ""
    arrow: str = ""
    parallel: Parallel | None = None
    wrong: str | None = None


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """One page of runs."""
    known, given = stack.experiments.experiments(), asked.get("experiment_id", "")
    experiment = asked.get("experiment", "") or next((one.name for one in known if str(one.id) == given), given)
    wanted, order, number = asked.get("filter", ""), asked.get("order", ""), _number(asked.get("page"))
    names = tuple(sorted(one.name for one in known))
    try:
        by = orders(order or _NEWEST)
        offset = (number - 1) * _AT_ONCE
        name = experiment or None
        found = stack.experiments.search(name, where=wanted, order_by=by, limit=_AT_ONCE, offset=offset)
        count = stack.experiments.count(name, where=wanted)
    except (BadInput, NotFound) as error:
        wrong = RunsPage(experiment, wanted, order, names, wrong=error.sentence())
        return Page("runs.html", "Runs", wrong)
    around = {"experiment": experiment, "filter": wanted}
    parameters, metrics = _columns(found)
    page = RunsPage(
        experiment=experiment,
        filter=wanted,
        order=order,
        experiments=names,
        headings=_headings(links, around, by[0], parameters, metrics),
        rows=tuple(Row(run.id, _cells(run, links, parameters, metrics, alone=bool(name))) for run in found),
        count=count,
        first=offset + 1,
        last=offset + len(found),
        before=links.runs(**around, order=order, page=str(number - 1)) if number > 1 else None,
        after=links.runs(**around, order=order, page=str(number + 1)) if offset + len(found) < count else None,
        csv=links.run_table(format="csv", **_table(around, order)),
        arrow=links.run_table(format="arrow", **_table(around, order)),
        parallel=across(found, links, aims=[*_asked(by[0]), *aims_of(stack)]),
    )
    return Page("runs.html", "Runs", page)


def _asked(by: Order) -> list[Aim]:
    """Who orders by a metric says which end of it is looked for."""
    return [Aim(by.key, by.largest_first)] if by.kind == "metric" else []


def _table(around: Mapping[str, str], order: str) -> dict[str, str]:
    return {"experiment": around["experiment"], "where": around["filter"], "order_by": order}


def _columns(runs: list[RunInfo]) -> tuple[list[str], list[str]]:
    """The parameters that vary and the metrics, those that most runs have first, then by name."""
    parameters: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for run in runs:
        for name, value in run.parameters.items():
            parameters.setdefault(name, set()).add(value)
        for name in run.metrics:
            if not name.startswith(SYSTEM):
                counts[name] = counts.get(name, 0) + 1
    varying = sorted(name for name, values in parameters.items() if len(values) > 1 or len(runs) == 1)
    metrics = sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_METRICS]
    return varying[:_MOST_PARAMETERS], sorted(metrics)


def _headings(
    links: Links, around: Mapping[str, str], by: Order, parameters: list[str], metrics: list[str]
) -> tuple[Heading, ...]:
    def heading(text: str, kind: str, key: str, *, number: bool = False) -> Heading:
        here = (by.kind, by.key) == (kind, key)
        # The first look is at the largest number, or the beginning of the alphabet; the next one turns it around.
        largest = not by.largest_first if here else number or key == "started"
        name = key if kind == "attribute" else f"{kind}s.`{key}`"
        state = ("descending" if by.largest_first else "ascending") if here else None
        return Heading(text, links.runs(**around, order=f"{name} {'desc' if largest else 'asc'}"), number, state)

    return (
        heading("run", "attribute", "name"),
        *(() if around["experiment"] else (Heading("experiment"),)),
        heading("state", "attribute", "status"),
        heading("started", "attribute", "started"),
        Heading("took", number=True),
        *(heading(name, "parameter", name) for name in parameters),
        *(heading(name, "metric", name, number=True) for name in metrics),
        Heading("code"),
    )


def _cells(run: RunInfo, links: Links, parameters: list[str], metrics: list[str], *, alone: bool) -> tuple[Cell, ...]:
    return (
        Cell(run.name, links.ref(run.ref), whole=len(run.name) <= _SHORT),
        *(() if alone else (Cell(run.experiment, links.runs(experiment=run.experiment)),)),
        Cell("incomplete", tone="warn") if run.missing else show.state(run.status),
        show.when(run.started),
        show.took(run.duration_s),
        *(_parameter(run.parameters.get(name)) for name in parameters),
        *(show.text(run.metrics[name].value if name in run.metrics else None) for name in metrics),
        show.code(run.code),
    )


def _parameter(value: str | None) -> Cell:
    """A parameter; a number that was computed is shown without the dust of its last digits."""
    if value is not None and len(value) > _SHORT // 3:
        with suppress(ValueError):
            return Cell(f"{float(value):.6g}")
    return show.text(value, longest=30)


def _number(text: str | None) -> int:
    if not text:
        return 1
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise BadInput(f"{text[:40]!r} is not the number of a page", expected="a whole number from 1")
    return int(text)

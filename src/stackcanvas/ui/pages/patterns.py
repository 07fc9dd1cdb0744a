"""Every part of the pages on one page, with made-up content; for whoever changes the style."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from stackcanvas.stack import Stack
from stackcanvas.ui.charts import over_steps, over_time
from stackcanvas.ui.context import BlockView, Cell, Decision, FactView, PatternsPage, QuestionView, Table, Tree, Twig
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page

_FACTS = (
    FactView("plain", "4 data sets"),
    FactView("good", "0.748", tone="good"),
    FactView("warn", "9 runs, 1 failed", tone="warn"),
    FactView("bad", "3 of 14 columns drifted", tone="bad"),
)
_LONG = "an answer that goes on for longer than a cell is wide, as real answers do, and then goes on some more"
_WORD = "https://example.org/" + "an-address-without-a-blank" * 4


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """Blocks, questions, facts, warnings, charts and tables."""
    del stack, asked
    full = _block(links, "deployment", 8, "model", answers=("canary", _LONG, _WORD), facts=_FACTS)
    empty = _block(links, "registry", 7, "model", answers=(None, None, None), facts=())
    others = [
        _block(links, name, number, area, answers=("mandatory", "yes", None), facts=_FACTS[:2])
        for name, number, area in (("data", 2, "data"), ("metadata", 11, "metadata"), ("value", 1, "value"))
    ]
    charts = tuple(
        chart
        for chart in (
            over_steps("auc", [(step, 0.75 - 0.2 / (1 + step)) for step in range(40)]),
            over_time("auc by version", {"delay@1": _days(40, 0.74), "delay@2": _days(20, 0.77)}),
        )
        if chart
    )
    page = PatternsPage(
        blocks=(full, empty, *others),
        tables=(_table(), _wide(), Table("Empty", (), ())),
        charts=charts,
        trees=(_tree(),),
        facts=_FACTS,
    )
    return Page("patterns.html", "Patterns", page)


def _block(
    links: Links,
    name: str,
    number: int,
    area: str,
    *,
    answers: tuple[str | None, ...],
    facts: tuple[FactView, ...],
) -> BlockView:
    questions = tuple(
        QuestionView(
            id=f"{name}.pattern_{place}",
            label=("Strategy", "Policy", "Target")[place],
            title=("How does a version reach its users?", "Who decides that it does?", "Where does it run?")[place],
            help="What is asked, in two or three sentences. Why it matters to the stack.",
            href=links.block(name),
            short=answer,
            answer={"kind": answer, "steps": ["10%", "100%"], "analysis": {"at_least": 100}} if place == 0 else answer,
            decision=Decision("decided", "it shows faults while they are small", "Ada", "2026-11-20")
            if answer
            else None,
            configures="The releases of an endpoint.",
        )
        for place, answer in enumerate(answers)
    )
    return BlockView(
        id=name,
        number=number,
        title=name.capitalize(),
        area=area,
        hint="What the block is about, in one sentence.",
        href=links.block(name),
        questions=questions,
        facts=facts,
        warnings=("Drift in temp and wind since 2013-06-24; run `stackcanvas monitoring drift`",)
        if facts == _FACTS
        else (),
    )


def _days(count: int, level: float) -> list[tuple[datetime, float]]:
    last = datetime(2013, 7, 31, tzinfo=UTC)
    return [(last - timedelta(days=day), level + 0.01 * (day % 3)) for day in reversed(range(count))]


def _tree() -> Tree:
    data = Twig("data:flights@12", "#", role="source")
    work = Twig("features.training_set", "#", note="3 times, last 2013-07-19 00:00", is_work=True, twigs=(data,))
    return Tree("Where it comes from", (Twig("data:training@2", "#", twigs=(work,)),), "")


def _table() -> Table:
    rows = tuple(
        (
            Cell(f"model:delay@{number}", "#"),
            Cell(state, tone=tone),
            Cell(f"{share} %"),
            Cell("9a0f3c55d1e2b7a4", tone="soft", mono=True),
        )
        for number, state, tone, share in ((3, "live", "good", 90), (2, "failed", "bad", 10), (1, "retired", "soft", 0))
    )
    return Table("A table", ("version", "state", "#weight", "digest"), rows)


def _wide() -> Table:
    columns = tuple(f"#column {number}" for number in range(36))
    return Table("A table wider than the page", columns, (tuple(Cell("1,234,567") for _ in columns),))

"""The first page: the canvas in its own layout."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.canvas.show.words import statement
from stackcanvas.plain import plain
from stackcanvas.stack import Stack, evidence
from stackcanvas.stack.running import NAMES, processes
from stackcanvas.ui.context import BlockView, CanvasPage, FactView
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.sheet import block_views


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """The project's header and its blocks."""
    del asked
    project = stack.canvas.project
    blocks = block_views(stack.canvas, evidence.collect(stack), links)
    page = CanvasPage(
        project=project.name,
        date=plain(project.date),
        team=project.team,
        positioning=_positioning(blocks),
        blocks=blocks,
        processes=_processes(stack),
    )
    return Page("canvas.html", project.name, page)


def _positioning(blocks: tuple[BlockView, ...]) -> str | None:
    questions = (question for block in blocks if block.id == "value" for question in block.questions)
    answer = next((question.answer for question in questions if question.id == "value.positioning"), None)
    return statement(answer) if isinstance(answer, Mapping) else None


def _processes(stack: Stack) -> tuple[FactView, ...]:
    here = {one.name: one for one in processes(stack.folder)}
    beats = stack.spine.heartbeats.ls()
    heard = {beat.kind for beat in beats}
    views = [
        FactView(name, (here[name].url or "runs").removeprefix("http://"), tone="good")
        for name in NAMES
        if name in here
    ]
    views += [FactView(name, "off", tone="soft") for name in NAMES if name not in here and name not in heard]
    for beat in beats:
        failing = beat.facts.get("failing")
        if beat.overdue:
            views.append(FactView(beat.kind, f"on {beat.host} not heard of since {beat.heard:%H:%M:%S}", tone="bad"))
        elif isinstance(failing, dict) and failing:
            views.append(FactView(beat.kind, f"fails at {', '.join(sorted(failing))}", tone="bad"))
        elif beat.kind not in here or str(here[beat.kind].pid) != beat.process.rsplit("/", 2)[1]:
            views.append(FactView(beat.kind, f"on {beat.host}", tone="good"))
    return tuple(views)

"""How mature the stack is by its answers, what to do first, what can wait."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.canvas.assess import LEVELS, Ground, Judged, TestScore, assess, rubric
from stackcanvas.canvas.questions import BLOCKS
from stackcanvas.errors import NotFound
from stackcanvas.stack import Stack
from stackcanvas.ui.forms import (
    AssessPage,
    BlockLevel,
    LuxuryView,
    PlaceView,
    PointView,
    SectionView,
    StepView,
)
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.sheet import AREAS
from stackcanvas.ui.written import written


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """The assessment, for the wanted level or one that the address names."""
    wanted = asked.get("wanted")
    if wanted is not None and wanted not in LEVELS:
        raise NotFound("level", wanted, known=LEVELS)
    found = assess(written(stack), wanted=wanted)
    meaning = found.meaning
    page = AssessPage(
        level=found.level or "nothing answered yet",
        wanted=found.wanted,
        means=meaning.means if meaning else "",
        google=meaning.google if meaning else "",
        microsoft=meaning.microsoft if meaning else "",
        held_back_by=tuple(BLOCKS[block].title for block in found.held_back_by),
        blocks=tuple(
            BlockLevel(
                BLOCKS[one.block].title,
                links.block(one.block),
                AREAS[BLOCKS[one.block].area],
                "set aside" if one.aside else one.level or "not answered",
                tuple(_step(step, links) for step in (*one.done, *one.missing)),
            )
            for one in found.blocks
        ),
        score=found.score.total,
        band=found.score.band,
        sections=_sections(found.score),
        roadmap=tuple(_step(step, links) for step in found.roadmap),
        unneeded=tuple(
            LuxuryView(one.what, one.says, tuple(_place(ground, links) for ground in one.grounds))
            for one in found.unneeded
        ),
        later=len(found.later),
        levels=tuple((level, links.assess(wanted=level)) for level in LEVELS),
    )
    return Page("assess.html", "Maturity", page)


def _sections(score: TestScore) -> tuple[SectionView, ...]:
    return tuple(
        SectionView(
            section,
            points,
            tuple(PointView(one.id, one.test, one.points, one.told) for one in score.points if one.section == section),
        )
        for section, points in score.sections.items()
    )


def _step(one: Judged, links: Links) -> StepView:
    step = one.step
    titles = rubric().steps
    return StepView(
        todo=step.todo,
        title=step.title,
        block=BLOCKS[step.block].title,
        level=step.level,
        done=bool(one.done),
        benefit=step.benefit,
        effort=step.effort,
        places=tuple(_place(ground, links) for ground in one.grounds),
        needs=tuple(titles[need].todo for need in step.needs),
    )


def _place(ground: Ground, links: Links) -> PlaceView:
    path = ground.path
    question = path if path.startswith("project.") else ".".join(path.split(".")[:2])
    return PlaceView(path, ground.answer, ground.where or "", links.ask(question))

"""The canvas as pages show it: blocks with their questions, answers, decisions and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackcanvas.canvas import Canvas
from stackcanvas.canvas.questions import BLOCKS, QUESTIONS, Block, Question
from stackcanvas.canvas.show.words import label, short
from stackcanvas.plain import plain
from stackcanvas.stack.evidence import BlockEvidence
from stackcanvas.ui.context import BlockView, Decision, FactView, QuestionView, RoomLink
from stackcanvas.ui.links import Links

AREAS = {
    "value proposition": "value",
    "data and code management": "data",
    "model management": "model",
    "metadata management": "metadata",
    "dilemmas": "dilemma",
}
"""The areas of the canvas, as styles call them."""


def rooms(links: Links) -> tuple[RoomLink, ...]:
    """The blocks as links, in the canvas's order."""
    return tuple(
        RoomLink(block.id, block.number, block.title, links.block(block.id), AREAS[block.area])
        for block in BLOCKS.values()
    )


def block_views(canvas: Canvas, evidence: Mapping[str, BlockEvidence], links: Links) -> tuple[BlockView, ...]:
    """Every block, in the canvas's order."""
    # What was written, not what is taken where nothing was written; addresses come with their passwords masked.
    answers = canvas.answers.model_dump(mode="json", exclude_none=True, exclude_unset=True, by_alias=True)
    return tuple(
        _block(block, canvas, answers.get(block.key, {}), evidence.get(block.id), links) for block in BLOCKS.values()
    )


def _block(
    block: Block, canvas: Canvas, answers: Mapping[str, Any], evidence: BlockEvidence | None, links: Links
) -> BlockView:
    questions = tuple(
        _question(question, canvas, answers.get(question.key), links)
        for question in QUESTIONS.values()
        if question.block == block.id
    )
    return BlockView(
        id=block.id,
        number=block.number,
        title=block.title,
        area=AREAS[block.area],
        hint=block.hint,
        href=links.block(block.id),
        questions=questions,
        facts=tuple(
            FactView(fact.label, fact.value, links.ref(fact.ref) if fact.ref else None, fact.tone)
            for fact in (evidence.facts if evidence else ())
        ),
        warnings=evidence.warnings if evidence else (),
    )


def _question(question: Question, canvas: Canvas, answer: object, links: Links) -> QuestionView:
    decision = canvas.decisions.get(question.id)
    return QuestionView(
        id=question.id,
        label=label(question.key),
        title=question.title,
        help=question.help,
        href=links.block(question.block, question=question.id),
        short=None if answer is None else short(answer) or "empty",
        answer=answer,
        decision=None
        if decision is None
        else Decision(
            status=decision.status,
            why=decision.why,
            owner=decision.owner,
            decided=plain(decision.decided),
        ),
        configures=question.configures,
    )

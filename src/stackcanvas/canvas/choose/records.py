"""Decision records: a Markdown document for each block, made from the choice and the answers behind it."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.blocks import place_of
from stackcanvas.canvas.choose.choose import Choice, Stack
from stackcanvas.canvas.questions import BLOCKS, CREDIT, QUESTIONS
from stackcanvas.canvas.show.markdown import escaped
from stackcanvas.canvas.show.words import label, short


def decision_records(canvas: Canvas, stack: Stack) -> dict[str, str]:
    """The records by file name: title, context, decision, consequences, alternatives.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> from stackcanvas.canvas.choose import choose
        >>> canvas = loads("{stackcanvas: 1, project: {name: demo}}")
        >>> records = decision_records(canvas, choose(canvas))
        >>> list(records)[0], records["02-data.md"].splitlines()[0]
        ('02-data.md', '# 2. Data sources and data versioning: stackcanvas')
    """
    return {f"{BLOCKS[one.block].number:02}-{one.block}.md": _record(canvas, one, stack) for one in stack.choices}


def _record(canvas: Canvas, choice: Choice, stack: Stack) -> str:
    block = BLOCKS[choice.block]
    title = choice.tool or {"not needed": "no tool yet", "none fits": "no tool fits"}[choice.state]
    dated = f" Date: {canvas.project.date}." if canvas.project.date else ""
    parts = [
        f"# {block.number}. {block.title}: {escaped(title)}",
        f"Status: {_status(choice)}. Project: {escaped(canvas.project.name)}.{dated}",
        "## Context",
        "\n".join(_context(canvas, choice.block)) or f"{block.hint} Nothing is answered yet.",
        "## Decision",
        " ".join(
            [f"We take {escaped(choice.tool)}." if choice.tool else "We take no tool.", *map(escaped, choice.why)]
        ),
        "## Consequences",
        "\n".join(_consequences(canvas, choice)) or "None that the canvas tells of.",
        "## Alternatives",
        "\n".join(_alternatives(choice)) or "None was weighed.",
        f"*Made from the canvas and a catalogue of tools of {stack.compiled}. {escaped(CREDIT)}*",
    ]
    return "\n\n".join(parts) + "\n"


def _status(choice: Choice) -> str:
    return {"decided": "decided in the canvas", "chosen": "proposed"}.get(choice.state, choice.state)


def _context(canvas: Canvas, block: str) -> Iterator[str]:
    answers = canvas.answers.model_dump(mode="json", exclude_none=True, exclude_unset=True, by_alias=True)
    for question in QUESTIONS.values():
        key, field = place_of(question.id)
        if question.block == block and field in answers.get(key, {}):
            why = canvas.decisions[question.id].why if question.id in canvas.decisions else None
            said = f"- {label(question.key)}: {escaped(short(answers[key][field]))}"
            yield f"{said}{f' (because {escaped(why)})' if why else ''}"


def _consequences(canvas: Canvas, choice: Choice) -> Iterator[str]:
    weighed = next((one for one in canvas.get("dilemma.tooling") or () if one.block == choice.block), None)
    if weighed is not None:
        told = (("Risks", weighed.risks), ("Trade-offs", weighed.trade_offs), ("Impact", weighed.impact))
        yield from (f"- {name}: {escaped(text)}" for name, text in told if text)
    tool = choice.details
    if tool is not None:
        needs = [" or ".join(need) for need in tool.needs if need]
        if needs:
            yield f"- To run beside it: {escaped(', '.join(needs))}."
        if tool.notes:
            yield f"- Known of it: {escaped(tool.notes)}"
    yield from (f"- Look out: {escaped(warning)}" for warning in choice.warnings)


def _alternatives(choice: Choice) -> Iterator[str]:
    if choice.runner_up is not None and choice.margin is None:
        yield f"- By the rules alone: {escaped(choice.runner_up)}."
    elif choice.runner_up is not None:
        points = ", ".join(f"{name} {value:+g}" for name, value in choice.against.items())
        told = f" ({points})" if points else ""
        yield f"- Next best: {escaped(choice.runner_up)}, {choice.margin:g} points worse{told}."
    yield from (f"- It would be {escaped(change)}" for change in choice.changes)
    for one in choice.excluded:
        yield f"- Left out: {escaped(one.tool)}: {escaped('; '.join(reason.said for reason in one.reasons))}"

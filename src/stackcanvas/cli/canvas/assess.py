"""`canvas assess`: how mature the stack is by its answers, what to do next, what can wait."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.canvas.reading import read_canvas
from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_text, output_options, wants_json

if TYPE_CHECKING:
    from stackcanvas.canvas.assess import Assessment, BlockMaturity, Ground, Judged

_MARKS = {True: "✓", False: "·", None: "?"}


@click.command(
    "assess",
    cls=Command,
    example=("stackcanvas canvas assess", "stackcanvas canvas assess --wanted transformational --all"),
)
@click.option(
    "--wanted",
    type=click.Choice(["tactical", "strategic", "transformational"]),
    help="The level to reach; that of the canvas unless given.",
)
@click.option("--all", "every", is_flag=True, help="Every step of every block and every test, done or not.")
@click.option("--model", metavar="NAME", help="Judge what holds for this model.")
@click.option("--env", "environment", metavar="NAME", help="Judge what holds in this environment.")
@output_options
def assess(wanted: str | None, every: bool, model: str | None, environment: str | None) -> None:
    """Tell how mature the stack is by its answers, what to do first, and what the team does not need yet.

    The whole is as mature as its least mature block. An open question counts as not done. The roadmap never puts
    anything above an open gap in the foundations.
    """
    canvas = read_canvas()
    found: Assessment = load("stackcanvas.canvas.assess:assess")(
        canvas, wanted=wanted, model=model, environment=environment
    )
    data = found.to_dict()
    emit_text("" if wants_json() else "\n".join(_lines(found, every=every)), data=data)


def _lines(found: Assessment, *, every: bool) -> Iterable[str]:
    yield from _header(found)
    yield ""
    titles = {block.id: block.title for block in load("stackcanvas.canvas:BLOCKS").values()}
    for one in found.blocks:
        yield from _block(one, titles[one.block], every=every)
    yield ""
    score = found.score
    sums = ", ".join(f"{section} {points:g}" for section, points in score.sections.items())
    yield f"{_bold('ML test score')} {score.total:g} of 7: {score.band}"
    yield _dim(f"  the lowest of {sums}")
    if every:
        for point in score.points:
            told = "" if point.told else _dim("  a canvas cannot tell")
            yield f"  {point.points:>4g}  {point.id}  {point.test}{told}"
    yield ""
    yield from _roadmap(found)
    if found.unneeded:
        yield ""
        yield _bold("Not needed yet")
        for luxury in found.unneeded:
            grounds = "; ".join(_said(ground) for ground in luxury.grounds)
            yield f"  {luxury.what}: {luxury.says}"
            yield _dim(f"      {grounds}")
    if found.later:
        yield ""
        yield _dim(f"{len(found.later)} open questions matter only above {found.wanted}.")


def _header(found: Assessment) -> Iterable[str]:
    if found.level is None or found.meaning is None:
        yield "Nothing is answered yet, so nothing can be told. Begin with `stackcanvas canvas ask`."
    else:
        yield f"{_bold(found.level.capitalize())}, wanted {found.wanted}"
        yield f"  {found.meaning.means}"
        yield _dim(f"  Google: {found.meaning.google}. Microsoft: {found.meaning.microsoft}.")
        if found.held_back_by:
            yield _dim(f"  Held back by {', '.join(found.held_back_by)}.")


def _block(one: BlockMaturity, title: str, *, every: bool) -> Iterable[str]:
    level = "set aside" if one.aside else one.level or "not answered"
    steps = len(one.done) + len(one.missing)
    yield f"{title:<42}  {level:<17}  {len(one.done)} of {steps} steps"
    if every:
        for step in (*one.done, *one.missing):
            grounds = "; ".join(_said(ground) for ground in step.grounds)
            yield f"  {_MARKS[step.done]} {step.step.title} {_dim(f'({step.step.level}; {grounds})')}"


def _roadmap(found: Assessment) -> Iterable[str]:
    if not found.roadmap:
        yield f"Nothing is missing for {found.wanted}."
        return
    yield _bold(f"What to do to be {found.wanted}, first things first")
    for number, one in enumerate(found.roadmap, start=1):
        yield f"{number:>3}. {one.step.todo} {_dim(f'[{one.step.block}]')}"
        yield _dim(f"      {_because(one)}")


def _because(one: Judged) -> str:
    grounds = "; ".join(_said(ground) for ground in one.grounds)
    needs = f"; after {', '.join(one.step.needs)}" if one.step.needs else ""
    return f"benefit {one.step.benefit}, effort {one.step.effort}: {grounds}{needs}"


def _said(ground: Ground) -> str:
    return f"{ground.path} is {ground.answer} ({ground.where})" if ground.answer else f"{ground.path} has no answer"


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _dim(text: str) -> str:
    return click.style(text, dim=True)

"""The dilemmas: licences, upkeep, setting up and leaving tools; hiring and training."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from stackcanvas.canvas.blocks.dilemma import Skills, Tooling
from stackcanvas.canvas.cost.asking import Asking, given
from stackcanvas.canvas.cost.figures import Driver, Row

_TOOLING, _SKILLS = "dilemma.tooling", "dilemma.skills"
_NAMES = {"build": "own code", "embedded": "stackcanvas", "buy": "a product", "open source": "an open source tool"}


def rows(ask: Asking) -> Iterator[Row]:
    """What tools and skills cost."""
    if not ask.set_aside(_TOOLING):
        for place, tool in enumerate(ask.get(_TOOLING) or ()):
            yield from _tool(ask, tool, path=f"{_TOOLING}.{place}")
    skills = ask.get(_SKILLS)
    if isinstance(skills, Skills) and not ask.set_aside(_SKILLS):
        yield from _skills(ask, skills)


def _tool(ask: Asking, tool: Tooling, *, path: str) -> Iterator[Row]:
    """A tool's rows stand under the block that it serves."""
    name = tool.tool or _NAMES[tool.choice]
    if tool.licences:
        one = given("subscription", 1, unit="subscription")
        price = ask.own_price(f"{path}.licences", tool.licences, unit="month of licences")
        yield ask.row(f"{tool.block}.licences", f"licences of {name}", "licences", _TOOLING, (one,), price)
    hours = ask.driver("hours a month", f"{path}.upkeep", tool.upkeep, unit="hours")
    yield ask.row(f"{tool.block}.upkeep", f"upkeep of {name}", "people", _TOOLING, (hours,), ask.hour())
    yield ask.row(
        f"{tool.block}.setup",
        f"setting up {name}",
        "people",
        _TOOLING,
        (_effort(ask, "setup", tool),),
        ask.hour(),
        once=True,
    )
    yield ask.row(
        f"{tool.block}.exit",
        f"leaving {name} one day",
        "exit",
        _TOOLING,
        (_effort(ask, "exit", tool),),
        ask.hour(),
        once=True,
    )


def _effort(ask: Asking, what: str, tool: Tooling) -> Driver:
    effort = ask.book.effort(f"{what}.{tool.choice}")
    # A tool that serves several blocks is set up once and left once.
    blocks = sum(1 for one in ask.get(_TOOLING) if one.tool is not None and one.tool == tool.tool) or 1
    why = f"{effort.source}, {effort.date}{f'; shared by {blocks} blocks' if blocks > 1 else ''}"
    return Driver(
        f"hours of {what}, {tool.choice}",
        effort.id if blocks == 1 else f"{effort.id}/{tool.tool}",
        effort.amount.scaled(Decimal(1) / blocks),
        "hours",
        why,
        assumed=True,
    )


def _skills(ask: Asking, skills: Skills) -> Iterator[Row]:
    if skills.hires:
        hires = ask.driver("people to hire", f"{_SKILLS}.hires", skills.hires, unit="people")
        yield ask.row("dilemma.hires", "new people", "people", _SKILLS, (hires,), ask.person_month())
    if skills.training_days:
        days = ask.driver("days of training", f"{_SKILLS}.training_days", skills.training_days, unit="days")
        price = ask.own_price(f"{_SKILLS}.price_per_day", skills.price_per_day, unit="day of training")
        yield ask.row("dilemma.training", "training", "people", _SKILLS, (days,), price, once=True)

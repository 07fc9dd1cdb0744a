"""All rules, a file for each group of questions that they are about."""

from types import ModuleType

from stackcanvas.canvas.check.rule import Rule
from stackcanvas.canvas.check.rules import (
    data,
    experiments,
    features,
    foundations,
    monitoring,
    numbers,
    pipelines,
    records,
    releases,
    serving,
    team,
)


def _of(module: ModuleType) -> tuple[Rule, ...]:
    return tuple(one for one in vars(module).values() if isinstance(one, Rule))


RULES: tuple[Rule, ...] = (
    *_of(team),
    *_of(data),
    *_of(experiments),
    *_of(features),
    *_of(foundations),
    *_of(pipelines),
    *_of(releases),
    *_of(serving),
    *_of(numbers),
    *_of(monitoring),
    *_of(records),
)
"""Every contradiction that can be told, in the canvas's order."""

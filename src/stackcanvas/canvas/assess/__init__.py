"""How mature a stack is by its answers, what to do next, and what the team does not need yet."""

from stackcanvas.canvas.assess.assessing import (
    Assessment,
    BlockMaturity,
    Ground,
    Judged,
    Unneeded,
    assess,
)
from stackcanvas.canvas.assess.rubric import LEVELS, Level, Meaning, Source, Step, rubric, score_rules
from stackcanvas.canvas.assess.score import TestPoint, TestScore, score

__all__ = [
    "LEVELS",
    "Assessment",
    "BlockMaturity",
    "Ground",
    "Judged",
    "Level",
    "Meaning",
    "Source",
    "Step",
    "TestPoint",
    "TestScore",
    "Unneeded",
    "assess",
    "rubric",
    "score",
    "score_rules",
]

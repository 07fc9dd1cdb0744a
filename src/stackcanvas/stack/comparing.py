"""Two canvases side by side: decisions that changed, and what that changes in cost, maturity, checks and the stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stackcanvas.canvas import Canvas, load, loads
from stackcanvas.canvas.assess import assess
from stackcanvas.canvas.check import check
from stackcanvas.canvas.compare import Change, compare
from stackcanvas.canvas.cost import Difference, difference
from stackcanvas.errors import NotFound
from stackcanvas.foundations import Git
from stackcanvas.stack.costing import cost
from stackcanvas.stack.planning import Step, plan
from stackcanvas.stack.root import CANVAS


@dataclass(frozen=True, slots=True)
class MaturityChange:
    """How mature a block is before and after.

    Attributes:
        block: its id, or `overall`.
        before: a level, or None.
        after: a level, or None.
    """

    block: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What lies between two canvases.

    Attributes:
        before: what the older one is called.
        after: what the newer one is called.
        decisions: that changed.
        cost: the difference in money; None where the two reckon in different currencies.
        maturity: of blocks and overall, where it differs.
        new_problems: contradictions that appear.
        solved_problems: contradictions that are gone.
        stack: what a running stack would have to do.
    """

    before: str
    after: str
    decisions: tuple[Change, ...]
    cost: Difference | None
    maturity: tuple[MaturityChange, ...]
    new_problems: tuple[str, ...]
    solved_problems: tuple[str, ...]
    stack: tuple[Step, ...]


def compared(before: Canvas, after: Canvas, *, root: Path, names: tuple[str, str] = ("before", "after")) -> Comparison:
    """Compare two canvases in everything that follows from them.

    Args:
        before: the older one.
        after: the newer one.
        root: the folder whose own prices are taken.
        names: what the two are called.
    """
    same_money = before.project.currency == after.project.currency
    old, new = ({(one.rule, one.model, one.environment): one for one in check(canvas)} for canvas in (before, after))
    return Comparison(
        *names,
        decisions=compare(before, after),
        cost=difference(cost(before, root=root), cost(after, root=root)) if same_money else None,
        maturity=_maturity(before, after),
        new_problems=tuple(found.line() for key, found in new.items() if key not in old),
        solved_problems=tuple(found.line() for key, found in old.items() if key not in new),
        stack=tuple(step for step in plan(before, after) if step.effect),
    )


def canvas_at(named: str, *, root: Path, files: bool = True) -> Canvas:
    """A canvas by its file, its folder, or the git revision of the project's canvas.

    Args:
        named: which one.
        root: the project's folder.
        files: look for files, too; a server reads none that a stranger names.

    Raises:
        NotFound: it is none of these.
        BadInputs: it has errors.
    """
    file = Path(named)
    if files and file.is_dir():
        file /= CANVAS
    if files and file.is_file():
        return load(file)
    text = Git(root).content(named, CANVAS)
    if text is None:
        raise NotFound(
            "file or git revision with a canvas", named, fix="Give a canvas.yaml, or a revision such as HEAD~1"
        )
    return loads(text, label=f"{named}:{CANVAS}")


def _maturity(before: Canvas, after: Canvas) -> tuple[MaturityChange, ...]:
    old, new = assess(before), assess(after)
    levels = {one.block: one.level for one in old.blocks}
    found = [MaturityChange("overall", old.level, new.level)]
    found += [MaturityChange(one.block, levels.get(one.block), one.level) for one in new.blocks]
    return tuple(one for one in found if one.before != one.after)

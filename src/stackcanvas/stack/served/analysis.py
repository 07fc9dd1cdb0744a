"""Analysis of a served stack: rows are asked and computed with here; reports are made where they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcanvas.data.analysis import Analysis
from stackcanvas.stack.served.parts import refused

if TYPE_CHECKING:
    from stackcanvas.stack.served.stack import ServedStack


class ServedAnalysis(Analysis):
    """As `Analysis`, without what keeps reports."""

    def profile(self, *_: Any, **__: Any) -> Any:
        """Not from here: the report is kept in the stack's own store."""
        raise refused("a report on data", vars(self)["_link"])

    def compare(self, *_: Any, **__: Any) -> Any:
        """Not from here: the report is kept in the stack's own store."""
        raise refused("a report on two versions", vars(self)["_link"])


def build(stack: ServedStack) -> ServedAnalysis:
    """Queries over the data of a served stack."""
    made = ServedAnalysis(stack.data, stack.spine, stack.objects)
    vars(made)["_link"] = stack.link
    return made

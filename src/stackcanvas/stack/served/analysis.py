"""Analysis of a served stack: rows are asked with here; reports are made where they are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from stackcanvas.data.analysis import Analysis, CompareReport, ProfileReport
from stackcanvas.data.analysis.page import draw
from stackcanvas.metadata import Ref
from stackcanvas.stack.served.parts import asked

if TYPE_CHECKING:
    from stackcanvas.stack.served.link import Link
    from stackcanvas.stack.served.stack import ServedStack


class ServedAnalysis(Analysis):
    """As `Analysis`; the server makes the reports, within its limits of time and memory."""

    _link: Link
    report = asked("analysis", "report")

    def profile(self, ref: Ref | str, *, progress: Callable[[int], None] | None = None) -> ProfileReport:  # noqa: ARG002 - nothing tells how far the server is
        """What the values of a version are like."""
        report: ProfileReport = self._link.call("apart", "profile", str(ref))
        return replace(report, draw=draw)

    def compare(
        self,
        before: Ref | str,
        after: Ref | str,
        *,
        progress: Callable[[int], None] | None = None,  # noqa: ARG002 - likewise
    ) -> CompareReport:
        """How the values of one version differ from those of another."""
        report: CompareReport = self._link.call("apart", "compare", str(before), str(after))
        return replace(report, draw=draw)


def build(stack: ServedStack) -> ServedAnalysis:
    """Queries and reports over the data of a served stack."""
    made = ServedAnalysis(stack.data, stack.spine, stack.objects)
    made._link = stack.link  # noqa: SLF001 - of the class above
    return made

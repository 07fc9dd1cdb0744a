"""What contradicts itself in the canvas, each answer leading to its form."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.canvas.check import RULES, Finding, check
from stackcanvas.errors import BadInputs
from stackcanvas.stack import Stack
from stackcanvas.ui.forms import CheckPage, FindingView, PlaceView
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.written import written


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """Every finding, errors first."""
    del asked
    try:
        canvas = written(stack)
    except BadInputs as unreadable:
        said = tuple(error.sentence() for error in unreadable.errors)
        return Page("check.html", "Check", CheckPage(0, 0, len(RULES), (), unreadable=said))
    findings = sorted(check(canvas), key=lambda finding: finding.severity != "error")
    page = CheckPage(
        answered=len(canvas.answered),
        open=len(canvas.unanswered),
        rules=len(RULES),
        findings=tuple(_view(finding, links) for finding in findings),
    )
    return Page("check.html", "Check", page)


def _view(finding: Finding, links: Links) -> FindingView:
    about = [f"for the model {finding.model}"] if finding.model else []
    about += [f"in {finding.environment}"] if finding.environment else []
    places = tuple(PlaceView(one.path, one.answer, one.where, links.ask(_question(one.path))) for one in finding.places)
    return FindingView(finding.rule, finding.severity, ", ".join(about), finding.why, finding.mend, places)


def _question(path: str) -> str:
    return path if path.startswith("project.") else ".".join(path.split(".")[:2])

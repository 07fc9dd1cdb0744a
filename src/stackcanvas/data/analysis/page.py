"""Reports as pages: one file with its own styles and drawings, without scripts and without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stackcanvas.data.analysis import views
from stackcanvas.data.analysis.reports import CompareReport, ProfileReport
from stackcanvas.data.analysis.shapes import figure
from stackcanvas.plain import bytes_text, cell

POLICY = "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
"""What a report may load: nothing but its own styles, known by their digest."""


def draw(report: Any, whole: bool) -> str:
    """A report as HTML.

    Args:
        whole: a document of its own; else a part of another page, such as a notebook.
    """
    template = "profile.html" if isinstance(report, ProfileReport) else "compare.html"
    view = views.of_profile(report) if isinstance(report, ProfileReport) else _compared(report)
    body = Markup(_environment().get_template(template).render(report=report, view=view))  # noqa: S704 - escaped there
    styles = _styles()
    if not whole:
        return f"<style>{styles}</style>\n{body}"
    return (
        _environment()
        .get_template("document.html")
        .render(
            title=view.title,
            styles=Markup(styles),  # noqa: S704 - a file of ours
            body=body,
            policy=policy(),
        )
    )


@cache
def policy() -> str:
    """The content security policy under which a report shows itself whole."""
    digest = base64.b64encode(hashlib.sha256(_styles().encode()).digest()).decode()
    return POLICY.format(digest=digest)


def _compared(report: Any) -> Any:
    assert isinstance(report, CompareReport)
    return views.of_compare(report)


@cache
def _styles() -> str:
    return files("stackcanvas.data.analysis").joinpath("templates", "report.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("stackcanvas.data.analysis"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(cell=cell, size=bytes_text, figure=figure, share=_share, kind=views.type_text)
    return made


def _share(value: float) -> str:
    """A part of one as people read it: never 0 % for what is there, never 100 % for what is not all."""
    if value in {0, 1}:
        return f"{value:.0%}"
    return "under 0.1%" if value < 0.001 else "over 99.9%" if value > 0.999 else f"{value:.1%}"

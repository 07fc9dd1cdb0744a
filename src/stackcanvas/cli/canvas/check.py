"""`canvas check`: what is wrong with the canvas, in form and in what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.canvas.reading import read_canvas
from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import answer_no, emit_rows, emit_text, output_options, say, wants_json
from stackcanvas.cli.project import canvas_file
from stackcanvas.errors import BadInputs

if TYPE_CHECKING:
    from stackcanvas.canvas import Canvas
    from stackcanvas.canvas.check import Finding

_TONES = {"error": "red", "warning": "yellow"}


@click.command(
    "check",
    cls=Command,
    example=(
        "stackcanvas canvas check",
        "stackcanvas canvas check --strict",
        "stackcanvas canvas check --sarif > canvas.sarif",
    ),
)
@click.option("--strict", is_flag=True, help="Warnings count as errors; for CI.")
@click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0, which code hosts and editors show beside the line.")
@click.option("--rules", is_flag=True, help="List the rules instead: what each reads, and when it speaks.")
@output_options
def check(strict: bool, sarif: bool, rules: bool) -> None:
    """Check canvas.yaml: mistakes of form, and answers that contradict each other.

    Everything is told at once, each with its line and column, what clashes, why, and what mends it; models and
    environments are checked on the answers that hold for them. Open questions are no error.

    Exit code 0: nothing is wrong, warnings aside. 1: there are errors, or with --strict warnings. 3: the file cannot
    be read as a canvas.
    """
    if rules:
        _list_rules()
        return
    try:
        canvas = read_canvas()
    except BadInputs as unreadable:
        if sarif:
            click.echo(_sarif((), unreadable))
        raise
    findings: tuple[Finding, ...] = load("stackcanvas.canvas.check:check")(canvas)
    errors = sum(finding.severity == "error" for finding in findings)
    if sarif:
        click.echo(_sarif(findings, None))
    else:
        _tell(canvas, findings, errors)
    if errors or (strict and findings):
        answer_no()


def _tell(canvas: Canvas, findings: Sequence[Finding], errors: int) -> None:
    counts = {
        "file": canvas.label,
        "answered": len(canvas.answered),
        "open": len(canvas.unanswered),
        "not_applicable": len(canvas.not_applicable),
        "digest": canvas.digest,
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": [finding.to_dict() for finding in findings],
    }
    lines = [] if wants_json() else [_painted(finding) for finding in findings]
    emit_text("\n".join([*lines, _summary(canvas, counts)]), data=counts)


def _summary(canvas: Canvas, counts: dict[str, object]) -> str:
    answered = f"{counts['answered']} questions answered, {counts['open']} open"
    aside = f", {counts['not_applicable']} set aside" if counts["not_applicable"] else ""
    if not counts["findings"]:
        return f"{canvas.label} holds: {answered}{aside}"
    found = [_count(counts["errors"], "error"), _count(counts["warnings"], "warning")]
    return f"{canvas.label}: {' and '.join(one for one in found if one)}; {answered}{aside}"


def _count(number: object, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""


def _painted(finding: Finding) -> str:
    where = click.style(finding.where, bold=True)
    severity = click.style(f"{finding.severity}:", fg=_TONES[finding.severity])
    return f"{where}: {severity} {finding.sentence} {click.style(f'[{finding.rule}]', dim=True)}"


def _sarif(findings: Sequence[Finding], unreadable: BadInputs | None) -> str:
    text: str = load("stackcanvas.canvas.check.sarif:to_sarif")(
        findings,
        uri=canvas_file().name,
        version=load("importlib.metadata:version")("stackcanvas"),
        errors=unreadable.errors if unreadable is not None else (),
    )
    return text


def _list_rules() -> None:
    every = load("stackcanvas.canvas.check:RULES")
    rows = [
        {
            "rule": one.id,
            "severity": one.severity,
            "speaks_when": one.title,
            "reads": list(one.reads),
            "also": list(one.also),
        }
        for one in every
    ]
    emit_rows(rows, columns=("rule", "severity", "speaks_when"))
    say(f"{len(rows)} rules")

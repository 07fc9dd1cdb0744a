"""Findings as SARIF 2.1.0, the form in which code hosts and editors take the results of checks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from stackcanvas.canvas.check.finding import Finding
from stackcanvas.canvas.check.rules import RULES
from stackcanvas.errors import BadInput

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_UNREADABLE = "canvas-cannot-be-read"


def to_sarif(findings: Iterable[Finding], *, uri: str, version: str, errors: Sequence[BadInput] = ()) -> str:
    """A SARIF log as text.

    Args:
        findings: of one canvas.
        uri: its path, relative to the repository.
        version: of stackcanvas.
        errors: what kept the canvas from being read; then there are no findings.
    """
    results = [_error(error, uri) for error in errors] + [_result(finding, uri) for finding in findings]
    used = {result["ruleId"] for result in results}
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "defaultConfiguration": {"level": rule.severity},
            "properties": {"questions": sorted(rule.every)},
        }
        for rule in RULES
        if rule.id in used
    ]
    if _UNREADABLE in used:
        rules.append({"id": _UNREADABLE, "shortDescription": {"text": "The canvas is not written as canvases are."}})
    driver = {
        "name": "stackcanvas canvas check",
        "version": version,
        "informationUri": "https://ml-ops.org/content/mlops-stack-canvas",
        "rules": rules,
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _result(finding: Finding, uri: str) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "level": finding.severity,
        "message": {"text": finding.sentence},
        "locations": [_location(finding.where, uri)],
        "relatedLocations": [
            {**_location(place.where, uri), "message": {"text": f"{place.path}: {place.answer}"}}
            for place in finding.places[1:]
        ],
    }


def _error(error: BadInput, uri: str) -> dict[str, Any]:
    said = " ".join(
        part for part in (f"{error.what}.", _tail("Expected: ", error.expected), _tail("", error.fix)) if part
    )
    return {
        "ruleId": _UNREADABLE,
        "level": "error",
        "message": {"text": said},
        "locations": [_location(error.where or "", uri)],
    }


def _tail(lead: str, text: str | None) -> str:
    return f"{lead}{text}." if text else ""


def _location(where: str, uri: str) -> dict[str, Any]:
    numbers = [int(part) for part in where.split(":")[-2:] if part.isdecimal()]
    line, column = (numbers[0], numbers[1]) if len(numbers) == 2 else (1, 1)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": line, "startColumn": column},
        }
    }

"""Every rule: it speaks where it should, is silenced by what it says, and never speaks of what nobody answered."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import QUESTION_IDS, Canvas, edit, loads
from stackcanvas.canvas.check import RULES, Finding, check
from stackcanvas.errors import BadInputs

CASES: dict[str, tuple[str, str, str]] = run_path(str(Path(__file__).with_name("cases.py")))["CASES"]
BY_ID = {rule.id: rule for rule in RULES}
SHIPPED = ("canvases/bakery", "canvases/windfarm", "canvases/payments", "flights/canvas", "minimal/canvas")


def canvas_of(body: str) -> Canvas:
    """A canvas of what a case answers."""
    project = "" if "project:" in body else "project: {name: x}, "
    return loads(f"{{stackcanvas: 1, {project}{body}}}")


def spoken(canvas: Canvas, rule: str) -> list[Finding]:
    """What one rule found."""
    return [finding for finding in check(canvas) if finding.rule == rule]


def test_every_rule_is_tried() -> None:
    """Each has a case here, a title that is a sentence, and a name of its own."""
    assert set(CASES) == set(BY_ID)
    assert len(BY_ID) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[A-Z][^\n]*\.", rule.title), rule.id
        assert {path for path in rule.every if not path.startswith("project.")} <= set(QUESTION_IDS)


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_speaks_and_is_silenced(rule: str) -> None:
    """With both answers, why, what mends it, and the place of an answer that it names."""
    body, old, new = CASES[rule]
    (found, *_) = spoken(canvas_of(body), rule)

    assert old in body
    assert found.severity == BY_ID[rule].severity
    assert found.why in found.sentence
    assert found.mend in found.sentence
    assert all(place.path in found.sentence and place.answer in found.sentence for place in found.places)
    line, column = map(int, found.where.split(":")[1:])
    assert line == 1
    assert column > 1
    assert spoken(canvas_of(body.replace(old, new, 1)), rule) == []


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_is_silent_about_what_nobody_answered(rule: str) -> None:
    """Take away any one answer that it reads, and it has nothing to say."""
    body, _, _ = CASES[rule]
    project = "" if "project:" in body else "project: {name: x}, "
    text = f"{{stackcanvas: 1, {project}{body}}}"
    for path in BY_ID[rule].reads:
        gone = edit.Change(tuple(path.split(".")), gone=True) if path.startswith("project.") else edit.unanswer(path)
        try:
            canvas = loads(edit.apply(text, [gone]))
        except BadInputs:
            continue  # what is left points to what is gone, which is an error of form
        assert spoken(canvas, rule) == [], path


def test_an_empty_canvas_contradicts_nothing() -> None:
    """Neither does one that sets everything aside."""
    assert check(canvas_of("value: {}")) == ()
    aside = ", ".join(f"{question}: {{status: not applicable}}" for question in QUESTION_IDS)
    assert check(canvas_of(f"decisions: {{{aside}}}")) == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_contradicts_nothing(name: str) -> None:
    """Neither an error nor a warning, for any model and environment."""
    text = (files("stackcanvas.examples") / f"{name}.yaml").read_text(encoding="utf-8")

    assert [finding.line() for finding in check(loads(text))] == []


def test_what_a_model_or_environment_contradicts_is_told_there() -> None:
    """At the line of its own answer, and what holds for all is told once."""
    text = """\
stackcanvas: 1
project: {name: x}
registry: {needed: mandatory}
serving: {mode: {mode: online}}
deployment: {strategy: {kind: canary, steps: [100%]}}
models:
  nightly: {serving.mode: {mode: batch}}
environments:
  production: {deployment.strategy: {kind: shadow, sample: 0%}}
"""
    found = {(one.rule, one.model, one.environment, one.where) for one in check(loads(text))}

    assert found == {
        ("canary-in-one-step", None, None, "canvas.yaml:5:46"),
        ("traffic-moved-where-none-is", "nightly", None, "canvas.yaml:5:31"),
        ("shadow-that-sees-nothing", None, "production", "canvas.yaml:9:60"),
        ("traffic-moved-where-none-is", "nightly", "production", "canvas.yaml:9:44"),
    }


@st.composite
def canvases(draw: st.DrawFn, answering: Any) -> str:
    """A canvas with random answers to some questions."""
    chosen = draw(st.lists(st.sampled_from(QUESTION_IDS), unique=True, max_size=30))
    changes = [edit.answer(question, draw(answering(question))) for question in chosen]
    changes += [edit.describe("regulated", draw(st.booleans()))]
    return edit.apply("stackcanvas: 1\nproject: {name: x}\n", changes)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_canvas_is_too_absurd(data: st.DataObject, answering: Any) -> None:
    """Whatever is answered, findings come as sentences that name only what is answered or decided."""
    text = data.draw(canvases(answering))
    try:
        canvas = loads(text)
    except BadInputs:
        return  # two definitions of retraining are an error of form
    for finding in check(canvas):
        assert finding.places
        assert set(finding.questions) & {*canvas.answered, *canvas.decisions} or "project" in finding.sentence
        assert "None" not in finding.sentence

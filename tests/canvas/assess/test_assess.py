"""Maturity, the test score, the roadmap and what can wait, told from answers alone."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import BLOCKS, QUESTION_IDS, Canvas, edit, loads
from stackcanvas.canvas.assess import LEVELS, assess, rubric, score_rules
from stackcanvas.errors import BadInputs


def shipped(name: str) -> Canvas:
    """An example canvas."""
    return loads((files("stackcanvas.examples.canvases") / f"{name}.yaml").read_text(encoding="utf-8"))


def canvas_of(body: str) -> Canvas:
    """A canvas of a few answers."""
    return loads(f"{{stackcanvas: 1, project: {{name: x}}, {body}}}")


def test_the_rubric_is_whole() -> None:
    """Known blocks and steps, no circle, all 28 tests, a source with a day for everything."""
    rules = rubric()
    for step in rules.steps.values():
        assert step.block in BLOCKS
        assert step.level in LEVELS
        assert set(step.needs) <= set(rules.steps)
        # A step never needs one of a higher level: a level could not be reached without leaving it.
        assert all(LEVELS.index(rules.steps[need].level) <= LEVELS.index(step.level) for need in step.needs), step.id
    assert {luxury.step for luxury in rules.unneeded} - {None} <= set(rules.steps)
    assert len(score_rules().tests) == 28
    assert all(source.url.startswith("https://") and source.read for source in (*rules.sources, score_rules().source))


@pytest.mark.parametrize(
    ("name", "level"), [("bakery", "tactical"), ("windfarm", "strategic"), ("payments", "transformational")]
)
def test_the_examples_are_of_their_level(name: str, level: str) -> None:
    """As their canvas claims, every question is dealt with, and nothing is missing for where they stand."""
    canvas = shipped(name)
    found = assess(canvas)

    assert found.level == level == canvas.project.maturity.now
    assert canvas.unanswered == ()
    assert assess(canvas, wanted=found.level).roadmap == ()


def test_nothing_answered_tells_nothing() -> None:
    """No level, a score of nothing, and a roadmap that begins with the foundations."""
    found = assess(loads("{stackcanvas: 1, project: {name: x}}"))

    assert (found.level, found.wanted, found.score.total) == (None, "tactical", 0)
    assert found.roadmap[0].step.id == "version-control"
    assert found.unneeded == ()


def test_the_whole_is_as_mature_as_its_least_block() -> None:
    """An excellent registry lifts nothing; the blocks that hold it back are named."""
    found = assess(canvas_of("registry: {needed: mandatory, versioning: semantic}"))

    assert {one.block: one.level for one in found.blocks}["registry"] == "transformational"
    assert found.level == "tactical"
    assert "foundations" in found.held_back_by
    assert "registry" not in found.held_back_by


def test_a_level_takes_all_steps_below_it() -> None:
    """A step of the highest level alone lifts a block nowhere."""
    found = assess(canvas_of("foundations: {delivery_metrics: true, trunk_based: true}"))
    assert {one.block: one.level for one in found.blocks}["foundations"] == "tactical"


def test_what_can_wait_names_the_answer_that_decided_it() -> None:
    """With its place; what the team has chosen, or needs on its way, is not among it."""
    found = assess(
        canvas_of("serving: {volume: {peak_per_second: 5}}, features: {needed: optional}"), wanted="strategic"
    )
    said = {one.what: [(ground.path, ground.answer) for ground in one.grounds] for one in found.unneeded}

    assert said["A cluster"] == [("serving.volume.peak_per_second", "5")]
    assert said["A feature store"] == [("features.needed", "optional")]
    higher = assess(canvas_of("features: {needed: optional}"), wanted="transformational")
    assert "A feature store" not in {one.what for one in higher.unneeded}
    chosen = assess(canvas_of("serving: {volume: {peak_per_second: 5}}, deployment: {target: {where: kubernetes}}"))
    assert "A cluster" not in {one.what for one in chosen.unneeded}


def test_a_test_is_worth_half_by_hand_and_one_when_automated() -> None:
    """The score is the lowest section, and what a canvas cannot tell is said so."""

    def points(body: str) -> dict[str, float]:
        return {one.id: one.points for one in assess(canvas_of(body)).score.points}

    assert points("registry: {needed: mandatory}")["I7"] == 0.5
    assert points("registry: {needed: mandatory}, deployment: {strategy: {kind: recreate}}")["I7"] == 1
    found = assess(shipped("payments")).score
    assert found.total == min(found.sections.values())
    assert {one.id for one in found.points if not one.told} == {"D2"}


def test_an_answer_of_one_model_counts_for_it() -> None:
    """The rest of the stack is judged without it."""
    canvas = canvas_of("registry: {needed: mandatory}, models: {a: {registry.versioning: semantic}}")

    assert {one.block: one.level for one in assess(canvas).blocks}["registry"] == "strategic"
    assert {one.block: one.level for one in assess(canvas, model="a").blocks}["registry"] == "transformational"


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_foundations_come_first_whatever_is_answered(data: st.DataObject, answering: Any) -> None:
    """Nothing stands above an open gap in them, and nothing before what it needs."""
    chosen = data.draw(st.lists(st.sampled_from(QUESTION_IDS), unique=True, max_size=30))
    changes = [edit.answer(question, data.draw(answering(question))) for question in chosen]
    try:
        canvas = loads(edit.apply("stackcanvas: 1\nproject: {name: x}\n", changes))
    except BadInputs:
        return  # two definitions of retraining are an error of form
    found = assess(canvas, wanted=data.draw(st.sampled_from(LEVELS)))
    order = [one.step.id for one in found.roadmap]
    blocks = [one.step.block for one in found.roadmap]

    assert blocks == sorted(blocks, key=lambda block: block != "foundations")
    for one in found.roadmap:
        assert all(order.index(need) < order.index(one.step.id) for need in one.step.needs if need in order)
    assert found.to_dict()["level"] in {None, *LEVELS}

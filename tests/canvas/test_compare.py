"""Canvases side by side: there and back, through JSON, whatever is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import QUESTION_IDS, Canvas, loads
from stackcanvas.canvas.compare import compare
from stackcanvas.canvas.render import inline
from stackcanvas.errors import BadInput
from stackcanvas.stack.planning import plan


def canvas(rest: str = "") -> Canvas:
    """A small canvas."""
    return loads(f"stackcanvas: 1\nproject: {{name: demo}}\n{rest}\n")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_answer_can_come_and_go(data: st.DataObject, answering: Callable[[str], st.SearchStrategy[Any]]) -> None:
    """Whatever is answered, the plan there and back is told; a canvas that is kept on one line is the same canvas."""
    question = data.draw(st.sampled_from(QUESTION_IDS))
    block, _, key = question.partition(".")
    answers = {"dilemmas" if block == "dilemma" else block: {key: data.draw(answering(question))}}
    try:
        full = canvas("\n".join(f"{name}: {inline(answer)}" for name, answer in answers.items()))
    except BadInput:
        return

    assert plan(full, full) == ()
    assert [change.path for change in compare(canvas(), full)] == [question]
    assert [change.kind for change in compare(full, canvas())] == ["removed"]
    assert {step.path.split(".")[0] for step in plan(canvas(), full)} <= {block}
    assert {step.path.split(".")[0] for step in plan(full, canvas())} <= {block}
    kept = loads(inline(full.to_dict()))
    assert plan(full, kept) == ()

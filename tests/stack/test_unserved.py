"""What is answered and not done is said."""

from __future__ import annotations

from stackcanvas.canvas import loads
from stackcanvas.stack.unserved import unserved


def test_an_answer_that_the_stack_does_nothing_about_is_named() -> None:
    """By its question, in the order of the canvas."""
    canvas = loads(
        """
stackcanvas: 1
project: {name: demo}
serving: {mode: {mode: batch, pattern: precompute}}
deployment: {target: {where: edge}, format: onnx}
""",
    )

    assert [one.question for one in unserved(canvas)] == ["deployment.target", "serving.mode"]


def test_an_empty_canvas_promises_nothing() -> None:
    """Only answers are spoken of."""
    assert unserved(loads("{stackcanvas: 1, project: {name: demo}}")) == []

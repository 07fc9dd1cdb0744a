"""What an answer looks like, read off its type."""

from __future__ import annotations

from stackcanvas.canvas import QUESTION_IDS, paths
from stackcanvas.canvas.shape import Shape, at


def every(shape: Shape) -> list[Shape]:
    """A shape and all within it."""
    found = [shape]
    for inner in (shape.items, *shape.variants.values(), *(field.shape for field in shape.fields)):
        if inner is not None:
            found += every(inner)
    return found


def test_every_shape_says_what_to_write() -> None:
    """In words and by example, for forms, errors and the reference."""
    for question in QUESTION_IDS:
        for shape in every(paths.shape_of_question(question)):
            assert shape.expected
            assert shape.example
            assert "Annotated" not in shape.expected


def test_every_field_has_help() -> None:
    """One sentence each."""
    for question in QUESTION_IDS:
        for shape in every(paths.shape_of_question(question)):
            assert all(field.help.endswith(".") for field in shape.fields)


def test_a_location_leads_through_lists_and_variants() -> None:
    """As errors name them."""
    strategy = paths.shape_of_question("deployment.strategy")
    steps = at(strategy, ("canary", "steps", 1))

    assert strategy.tag == "kind"
    assert list(strategy.variants) == ["recreate", "blue-green", "canary", "shadow"]
    assert steps is not None
    assert steps.kind == "percentage"
    assert at(strategy, ("canary", "nothing")) is None


def test_defaults_are_as_yaml_holds_them() -> None:
    """Lengths of time and addresses as text, parts as mappings."""
    canary = paths.shape_of_question("deployment.strategy").variants["canary"]
    defaults = {field.name: field.default for field in canary.fields}

    assert defaults == {
        "kind": None,
        "steps": ["10%", "50%", "100%"],
        "every": "30m",
        "analysis": {"min_predictions": 100, "max_error_rate": "1%"},
    }

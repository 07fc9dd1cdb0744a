from __future__ import annotations

from typing import Any

import pytest

from stackcanvas.errors import BadInput, Usage
from stackcanvas.pipelines import dataset, map, pipeline, step, when  # noqa: A004 - as sc.map
from stackcanvas.pipelines.handles import Handle
from stackcanvas.pipelines.trace import Call, Choice, Graph


@step
def load(day: str = "monday") -> Any:
    """Something."""
    return day


@step
def fit(frame: Any, depth: int = 6) -> Any:
    """Something of it."""
    return frame, depth


def traced(body: Any, **parameters: object) -> Graph:
    """The graph of a function."""
    return pipeline(body).trace(parameters)


def test_steps_give_handles_and_nodes_in_order() -> None:
    """The second use of a step has its own name; defaults stand among the arguments."""

    def body(depth: int) -> Any:
        first = load()
        return fit(fit(first, depth=depth))

    graph = traced(body, depth=3)

    assert list(graph.nodes) == ["load", "fit", "fit#2"]
    node = graph.nodes["fit"]
    assert isinstance(node, Call)
    assert node.arguments["depth"] == 3
    assert isinstance(graph.result, Handle)
    assert graph.result.node == "fit#2"


def test_plain_parameters_decide_the_graph() -> None:
    """They are values when the body is called."""

    def body(twice: bool) -> Any:
        return fit(fit(load())) if twice else fit(load())

    assert len(traced(body, twice=True).nodes) == 3
    assert len(traced(body, twice=False).nodes) == 2


def test_another_pipeline_in_the_body_becomes_part_of_it() -> None:
    """Its steps stand in the same graph."""

    @pipeline
    def inner() -> Any:
        return fit(load())

    def body() -> Any:
        return fit(inner())

    assert list(traced(body).nodes) == ["load", "fit", "fit#2"]


def test_both_branches_of_when_are_traced_under_their_condition() -> None:
    """Nested conditions add up, outer ones first."""

    def body() -> Any:
        first = load()
        return when(first, lambda: when(first["deep"], lambda: fit(1)), lambda: fit(2))

    nodes = traced(body).nodes
    deep, shallow = nodes["fit"], nodes["fit#2"]

    assert [(str(guard.condition), guard.wanted) for guard in deep.guards] == [("load", True), ("load['deep']", True)]
    assert [(str(guard.condition), guard.wanted) for guard in shallow.guards] == [("load", False)]
    assert isinstance(nodes["when#2"], Choice)


def test_map_takes_the_first_parameter_that_is_free() -> None:
    """A handle or a plain list."""

    def body() -> Any:
        return map(fit, load(), depth=2), map(fit, [1, 2], frame=0)

    nodes = traced(body).nodes

    assert [node.over for node in nodes.values() if isinstance(node, Call)] == [None, "frame", "depth"]


def test_inputs_are_gathered_once() -> None:
    """By what was written."""

    def body() -> Any:
        return fit(dataset("flights")), fit([dataset("flights"), dataset("planes@2")])

    assert [str(declared.ref) for declared in traced(body).inputs()] == ["data:flights", "data:planes@2"]


def test_a_handle_of_another_call_of_the_body_is_refused() -> None:
    """Kept in a global, it would name a node that is not there."""
    kept: list[Any] = []

    def body() -> Any:
        kept.append(load())
        return fit(kept[0])

    traced(body)
    with pytest.raises(Usage, match="another run"):
        traced(body)


def test_wrong_arguments_are_refused_as_a_call_would_be() -> None:
    """While tracing, not in the middle of a run."""

    def body() -> Any:
        return fit(load(), depht=3)

    with pytest.raises(BadInput, match="depht"):
        traced(body)


def test_after_a_failed_trace_steps_are_plain_functions_again() -> None:
    """The trace ends with the body."""

    def body() -> Any:
        raise RuntimeError("no")

    with pytest.raises(BadInput):
        traced(body)
    assert load() == "monday"

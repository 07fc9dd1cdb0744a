from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.pipelines import pipeline, step
from stackcanvas.pipelines.dag import dependents, edges, levels, needs
from stackcanvas.pipelines.trace import Graph


@step
def join(*inputs: Any) -> Any:
    """Anything of anything."""
    return inputs


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Traced pipelines of any shape: each step takes some of those before it."""
    wanted = draw(st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=25))

    def body() -> Any:
        made: list[Any] = []
        for takes in wanted:
            made.append(join(*[made[number] for number in takes if number < len(made)]))
        return made

    return pipeline(body).trace({})


@given(graphs())
def test_every_node_stands_after_what_it_needs(graph: Graph) -> None:
    """The order of the graph is an order of execution."""
    seen: set[str] = set()
    for name, node in graph.nodes.items():
        assert needs(node) <= seen
        seen.add(name)


@given(graphs())
def test_dependents_are_needs_turned_around(graph: Graph) -> None:
    """Both tell the same edges."""
    forward = {(needed, name) for name, found in edges(graph).items() for needed in found}
    backward = {(needed, name) for needed, found in dependents(graph).items() for name in found}

    assert forward == backward


@given(graphs())
def test_levels_hold_every_node_once_and_below_its_needs(graph: Graph) -> None:
    """Each as high as that allows."""
    rows = levels(graph)
    depth = {name: row for row, names in enumerate(rows) for name in names}

    assert sorted(depth) == sorted(graph.nodes)
    assert all(
        depth[name] == max((depth[needed] + 1 for needed in found), default=0) for name, found in edges(graph).items()
    )

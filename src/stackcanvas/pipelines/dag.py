"""The order of a graph: what a node waits for, and which nodes stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.pipelines.handles import Handle, leaves
from stackcanvas.pipelines.trace import Call, Graph, Node


def needs(node: Node) -> set[str]:
    """The ids of the nodes that must have ended before this one can start."""
    given = dict(node.arguments) if isinstance(node, Call) else [node.condition, node.then, node.otherwise]
    found = {leaf.node for leaf in leaves(given) if isinstance(leaf, Handle)}
    return found | {guard.condition.node for guard in node.guards}


def dependents(graph: Graph) -> dict[str, list[str]]:
    """For each node those that wait for it, in the order of the graph."""
    waiting: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for name, node in graph.nodes.items():
        for needed in needs(node):
            waiting[needed].append(name)
    return waiting


def levels(graph: Graph) -> list[list[str]]:
    """The nodes in rows: each stands below everything that it needs, and as high as that allows.

    Example:
        >>> levels(Graph("empty", {}, None))
        []
    """
    depth: dict[str, int] = {}
    for name, node in graph.nodes.items():
        depth[name] = 1 + max((depth[needed] for needed in needs(node)), default=-1)
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name, row in depth.items():
        rows[row].append(name)
    return rows


def edges(graph: Graph) -> Mapping[str, list[str]]:
    """For each node those that it needs, sorted."""
    return {name: sorted(needs(node)) for name, node in graph.nodes.items()}

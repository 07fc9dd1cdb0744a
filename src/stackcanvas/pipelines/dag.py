"""The order of a graph: what a node waits for, and which nodes stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stackcanvas.pipelines.handles import Handle, Input, leaves
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


@dataclass(frozen=True, slots=True)
class StepDescription:
    """A step as it stands in a graph.

    Args:
        node: its place in the graph.
        needs: the nodes before it.
        inputs: the data sets that it reads.
        mapped: whether it runs once for each item of a list.
        conditional: whether a condition decides if it runs.
    """

    node: str
    step: str
    needs: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    mapped: bool = False
    conditional: bool = False
    cache: bool = True
    retries: int = 0
    timeout_s: float | None = None
    resources: Mapping[str, float] = field(default_factory=dict)


def describe(graph: Graph) -> list[StepDescription]:
    """The nodes of a graph for people and programs, in order."""
    return [_described(node) for node in graph.nodes.values()]


def _described(node: Node) -> StepDescription:
    before, conditional = tuple(sorted(needs(node))), bool(node.guards)
    if not isinstance(node, Call):
        return StepDescription(node.id, "when", before, conditional=conditional)
    given = [leaf for leaf in leaves(dict(node.arguments)) if isinstance(leaf, Input)]
    definition = node.definition
    return StepDescription(
        node=node.id,
        step=definition.name,
        needs=before,
        inputs=tuple(str(declared.ref) for declared in given),
        mapped=node.over is not None,
        conditional=conditional,
        cache=definition.cache,
        retries=definition.retries,
        timeout_s=definition.timeout_s,
        resources=dict(definition.resources),
    )

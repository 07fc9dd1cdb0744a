"""A lineage graph as a tree: each thing under the work that leads to it, work of the same kind told once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from stackcanvas.metadata import Edge, Execution, Graph, Ref

_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Branch:
    """A thing and what leads on from it.

    Args:
        role: as what the work before it knew it.
        told: it stands higher up in the tree already, with all that follows.
        cut: more follows, deeper than a tree is readable; ask for its lineage.
    """

    ref: Ref
    role: str = ""
    works: tuple[Work, ...] = ()
    told: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """Executions of one kind that lead from a thing to the same things.

    Args:
        executions: the newest first.
    """

    executions: tuple[Execution, ...]
    branches: tuple[Branch, ...]

    @property
    def newest(self) -> Execution:
        """The one that was done last."""
        return self.executions[0]


def grow(graph: Graph, *, down: bool = False) -> Branch:
    """The tree of a graph, from its root.

    Args:
        down: the graph was walked downstream.
    """
    return _Growth(graph, down=down).branch(str(graph.root), role="", depth=0)


class _Growth:
    """What is needed while a tree grows: links by their ends, and what has been told."""

    def __init__(self, graph: Graph, *, down: bool) -> None:
        self._executions = {execution.id: execution for execution in graph.executions}
        self._arriving: dict[str, dict[str, None]] = defaultdict(dict)
        self._leaving: dict[str, list[Edge]] = defaultdict(list)
        self._told: set[str] = set()
        arrive = "used" if down else "made"
        for edge in graph.edges:
            if edge.direction == arrive:
                self._arriving[str(edge.ref)][edge.execution] = None
            else:
                self._leaving[edge.execution].append(edge)

    def branch(self, ref: str, *, role: str, depth: int) -> Branch:
        """A thing with what follows, if that is told here for the first time."""
        groups = self._groups(ref)
        if ref in self._told or not groups:
            return Branch(Ref.parse(ref), role, told=ref in self._told and bool(groups))
        if depth >= _DEEPEST:
            return Branch(Ref.parse(ref), role, cut=True)
        self._told.add(ref)
        works = tuple(
            Work(
                tuple(sorted(alike, key=lambda execution: execution.started, reverse=True)),
                tuple(self.branch(to, role=as_what, depth=depth + 1) for to, as_what in ends),
            )
            for (*_, ends), alike in groups.items()
        )
        return Branch(Ref.parse(ref), role, works)

    def _groups(self, ref: str) -> dict[tuple[str, str, tuple[tuple[str, str], ...]], list[Execution]]:
        groups: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[Execution]] = defaultdict(list)
        for execution_id in self._arriving.get(ref, ()):
            execution = self._executions[execution_id]
            ends = tuple(dict.fromkeys((str(edge.ref), edge.role) for edge in self._leaving[execution_id]))
            groups[execution.kind, execution.state, ends].append(execution)
        return groups

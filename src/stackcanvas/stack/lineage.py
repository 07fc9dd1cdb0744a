"""Lineage from anything that a person can name: an alias, the latest version, a single prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcanvas.errors import NotFound
from stackcanvas.metadata import Graph, Ref

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


@dataclass(frozen=True, slots=True)
class Trail:
    """The way from a thing to what it came from, or to what came of it.

    Args:
        ref: what was asked for.
        via: how the asked ref leads to where the graph begins: a prediction to its deployment and model.
        graph: the recorded links from there.
    """

    ref: Ref
    via: tuple[Ref, ...]
    graph: Graph


def trail(stack: Stack, ref: Ref, *, downstream: bool = False) -> Trail:
    """Walk the lineage of a ref.

    Args:
        ref: of any kind; a name without a number means the latest version, an alias the version that it names.
        downstream: walk to what was made from it instead of what it was made from.

    Raises:
        NotFound: there is no such thing.
    """
    via, start = _pinned(stack, ref)
    walk = stack.spine.lineage.downstream if downstream else stack.spine.lineage.upstream
    graph = walk(start)
    if not graph.edges and stack.spine.artifacts.get(start) is None and not _is_recorded(stack, start):
        raise NotFound(
            start.kind, str(start).partition(":")[2], fix="`stackcanvas metadata search` lists what is recorded"
        )
    return Trail(ref, via, graph)


def _pinned(stack: Stack, ref: Ref) -> tuple[tuple[Ref, ...], Ref]:
    if ref.kind == "prediction":
        logged = stack.serving.log.get(ref.name)
        model = Ref.parse(logged.model)
        return (ref, Ref("deployment", logged.endpoint), model), model
    if ref.kind == "data" and ref.number is None:
        return (ref,), stack.data.get(ref).ref
    if ref.kind == "model" and ref.number is None:
        return (ref,), stack.registry.get(ref).ref
    return (ref,), ref


def _is_recorded(stack: Stack, ref: Ref) -> bool:
    return bool(stack.spine.executions.search(subject=ref, limit=1))

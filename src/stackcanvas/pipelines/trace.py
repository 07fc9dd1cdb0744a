"""Tracing: a pipeline's body is called once to learn the graph of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from stackcanvas.errors import Usage
from stackcanvas.pipelines.definition import Definition
from stackcanvas.pipelines.frames import caller
from stackcanvas.pipelines.handles import Handle, Input, Lazy, leaves


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition under which a node runs at all."""

    condition: Handle
    wanted: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A node of the graph: one step with its arguments.

    Args:
        id: the step's name, with `#2` for its second use.
        arguments: by parameter; handles and inputs stand where values will be.
        over: the parameter that takes one item at a time, where the step is mapped.
        guards: the conditions of the branches in which it stands.
    """

    id: str
    definition: Definition
    arguments: Mapping[str, object]
    over: str | None = None
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A node of the graph that passes on the result of one of two branches."""

    id: str
    condition: Handle
    then: object
    otherwise: object
    guards: tuple[Guard, ...] = ()


Node = Call | Choice


@dataclass(frozen=True, slots=True)
class Graph:
    """A traced pipeline.

    Args:
        nodes: by id, each after those that it needs.
        result: what the body returned; handles stand where values will be.
    """

    pipeline: str
    nodes: Mapping[str, Node]
    result: object

    def inputs(self) -> list[Input]:
        """Every declared input, once, in the order of the nodes."""
        arguments = [node.arguments for node in self.nodes.values() if isinstance(node, Call)]
        found = [leaf for given in (*arguments, self.result) for leaf in leaves(given) if isinstance(leaf, Input)]
        return list({str(declared.ref): declared for declared in found}.values())


class Trace:
    """Gathers the nodes while the body is called."""

    def __init__(self, pipeline: str) -> None:
        self.pipeline = pipeline
        self.nodes: dict[str, Node] = {}
        self._guards: tuple[Guard, ...] = ()

    def call(self, definition: Definition, arguments: Mapping[str, object], *, over: str | None = None) -> Handle:
        """Add a step; gives the handle of its result."""
        for leaf in leaves(dict(arguments)):
            self._check(leaf)
        node = Call(self._name(definition.name), definition, dict(arguments), over, self._guards)
        self.nodes[node.id] = node
        return Handle(node.id, trace=self)

    def choose(self, condition: Handle, then: Callable[[], object], otherwise: Callable[[], object] | None) -> Handle:
        """Trace both branches, each under its condition; gives the handle of the one that will be taken."""
        self._check(condition)
        chosen = self._branch(Guard(condition, wanted=True), then)
        other = self._branch(Guard(condition, wanted=False), otherwise) if otherwise else None
        node = Choice(self._name("when"), condition, chosen, other, self._guards)
        self.nodes[node.id] = node
        return Handle(node.id, trace=self)

    def _branch(self, guard: Guard, body: Callable[[], object]) -> object:
        before = self._guards
        self._guards = (*before, guard)
        try:
            return body()
        finally:
            self._guards = before

    def _check(self, leaf: Lazy) -> None:
        if isinstance(leaf, Handle) and leaf.trace is not self:
            raise Usage(
                f"{leaf.describe()} comes from another run of a pipeline's body",
                where=caller(),
                fix="Call the step inside this pipeline and pass on what it gives",
            )

    def _name(self, name: str) -> str:
        if name not in self.nodes:
            return name
        number = 2
        while f"{name}#{number}" in self.nodes:
            number += 1
        return f"{name}#{number}"


_active: ContextVar[Trace | None] = ContextVar("stackcanvas_trace", default=None)


def active() -> Trace | None:
    """The trace that is going on in this context."""
    return _active.get()


@contextmanager
def tracing(pipeline: str) -> Iterator[Trace]:
    """Trace the calls of steps in a block of code."""
    trace = Trace(pipeline)
    token = _active.set(trace)
    try:
        yield trace
    finally:
        _active.reset(token)

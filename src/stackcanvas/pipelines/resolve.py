"""From the handles of a graph to the values behind them, as far as the run has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stackcanvas.errors import BadInput
from stackcanvas.metadata import Ref
from stackcanvas.pipelines.bench import Bench
from stackcanvas.pipelines.cache import Keys
from stackcanvas.pipelines.encoding import encode
from stackcanvas.pipelines.frames import said
from stackcanvas.pipelines.handles import Handle, Input, Lazy, leaves, replace
from stackcanvas.pipelines.inputs import Pin
from stackcanvas.pipelines.perform import Kept, Read, rows_of
from stackcanvas.pipelines.trace import Call, Guard
from stackcanvas.pipelines.values import Stored, Values


class Results:
    """What the nodes of a run have given so far.

    Args:
        pins: the version of each input.
    """

    def __init__(self, values: Values, keys: Keys, pins: Mapping[str, Pin]) -> None:
        self.executions: dict[str, Sequence[str]] = {}
        self._values = values
        self._keys = keys
        self._pins = pins
        self._stored: dict[str, Stored] = {}

    def put(self, node: str, stored: Stored, executions: Sequence[str]) -> None:
        """A node has given a value, made by executions of this run or earlier ones."""
        self._stored[node] = stored
        self.executions[node] = executions

    def stored(self, handle: Handle) -> Stored:
        """The value behind a handle.

        Raises:
            BadInput: the result has no such part.
        """
        found = self._stored[handle.node]
        for key in handle.path:
            try:
                found = self._values.part(found, key)
            except BadInput as error:
                raise BadInput(f"{handle.describe()} cannot be taken: {error.what}") from None
        return found

    def settled(self, arguments: Mapping[str, object]) -> dict[str, object]:
        """Arguments with what is to be read in place of handles and inputs."""

        def settle(leaf: Lazy) -> object:
            if isinstance(leaf, Handle):
                return Kept(self.stored(leaf))
            return self._read(leaf) if isinstance(leaf, Input) else leaf

        return {name: replace(given, settle) for name, given in arguments.items()}

    def key(self, node: Call, arguments: Mapping[str, object]) -> str:
        """The cache key of a step with settled arguments."""
        return self._keys.of(node.definition, arguments, self._digest)

    def used(self, arguments: Mapping[str, object]) -> list[tuple[Ref, str]]:
        """What a step uses by what parameter: data versions, and the executions that made its other inputs."""
        found: list[tuple[Ref, str]] = []
        for name, given in arguments.items():
            for leaf in leaves(given):
                if isinstance(leaf, Input):
                    found.append((self._pins[str(leaf.ref)].ref, name))
                elif isinstance(leaf, Handle):
                    found += [(Ref("execution", made), name) for made in self.executions[leaf.node]]
        return found

    def holds(self, guard: Guard) -> bool:
        """Whether the condition of a branch is as the branch wants it.

        Raises:
            BadInput: the value can be neither true nor false.
        """
        return self.decides(guard.condition) is guard.wanted

    def decides(self, condition: Handle) -> bool:
        """A condition as true or false.

        Raises:
            BadInput: the value can be neither.
        """
        value = self._values.load(self.stored(condition))
        try:
            return bool(value)
        except Exception as error:
            raise BadInput(f"{condition.describe()} cannot decide sc.when: {said(error)}") from error

    def items(self, given: object) -> list[object]:
        """The items of a mapped argument, each as an argument of its own.

        Raises:
            BadInput: it is no list or tuple.
        """
        if isinstance(given, Handle):
            return [Kept(stored) for stored in self._values.items(self.stored(given))]
        if isinstance(given, Input):
            raise BadInput(f"sc.map was given {given.describe()}", expected="a list, or the handle of one")
        return list(given)  # type: ignore[call-overload, no-any-return]

    def value(self, structure: object, bench: Bench) -> list[Stored]:
        """A structure of handles and plain values as one kept value; it comes first, with its parts after it."""
        if isinstance(structure, Handle):
            return [self.stored(structure)]

        def load(leaf: Lazy) -> object:
            if isinstance(leaf, Handle):
                return self._values.load(self.stored(leaf))
            return rows_of(bench, self._read(leaf)) if isinstance(leaf, Input) else leaf

        return self._values.keep(encode(replace(structure, load)))

    def _read(self, declared: Input) -> Read:
        pinned = self._pins[str(declared.ref)]
        return Read(pinned.ref, declared.columns, self._values.find(pinned.digest) if pinned.kept else None)

    def _digest(self, leaf: Lazy) -> str:
        if isinstance(leaf, Kept):
            return leaf.stored.digest
        if isinstance(leaf, Read):
            return f"{self._pinned(leaf.ref)}:{','.join(leaf.columns) if leaf.columns is not None else '*'}"
        raise BadInput(f"{leaf.describe()} has no digest")

    def _pinned(self, ref: Ref) -> str:
        return next(pin.digest for pin in self._pins.values() if pin.ref == ref)

"""What a pipeline's body holds in place of values: results and data that do not exist until the run.

The body is called once, before anything runs, to learn which step needs what. Whatever would look into a value at that
moment is refused with the way out, because every silent answer would be a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from stackcanvas.errors import Usage
from stackcanvas.metadata import Ref
from stackcanvas.pipelines.frames import caller

_BRANCH = "Use sc.when(handle, then=..., otherwise=...), or decide inside a step"
_ITERATE = "Index it (result[0], result['name']), or use sc.map(step, handle) for a list whose length is not known yet"
_COMPUTE = "Put the computation into a step"
_HIDDEN = "{} can be passed on as an argument, or inside a list, a tuple or a dictionary only"
_COMPARE = "Compare inside a step, and branch with sc.when(handle, then=..., otherwise=...)"


class Lazy:
    """A value that is there only when the pipeline runs; looking into it earlier is an error with the way out."""

    __slots__ = ()

    def describe(self) -> str:
        """What it stands for, as a message names it."""
        raise NotImplementedError

    def __bool__(self) -> NoReturn:  # noqa: PLE0304 - it never returns
        self._refuse("is not known yet and cannot decide an if, while, and, or", _BRANCH)

    def __iter__(self) -> NoReturn:
        self._refuse("is not known yet and cannot be iterated or unpacked", _ITERATE)

    def __len__(self) -> NoReturn:  # noqa: PLE0303 - it never returns
        self._refuse("is not known yet and has no length", _COMPUTE)

    def __contains__(self, item: object) -> NoReturn:
        self._refuse("is not known yet and cannot be searched", _COMPUTE)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse(f"is not known yet, so .{name} cannot be read", _COMPUTE)

    def __call__(self, *_arguments: object, **_options: object) -> NoReturn:
        """Nothing can be called before it is there."""
        self._refuse("is not known yet and cannot be called", _COMPUTE)

    def _refuse(self, what: str, way_out: str) -> NoReturn:
        raise Usage(f"{self.describe()} {what}", where=caller(), fix=way_out)


def _operator(symbol: str, way_out: str) -> Callable[..., NoReturn]:
    def refuse(self: Lazy, *_others: object) -> NoReturn:
        self._refuse(f"is not known yet, so {symbol} cannot be computed with it", way_out)

    return refuse


# Equality as well: two handles that quietly compare as different would take the wrong branch.
_BINARY = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@",
    "and": "&", "or": "|", "xor": "^",
}  # fmt: skip
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_OTHERS = {
    "neg": "-", "pos": "+", "invert": "~", "abs": "abs()", "float": "float()", "int": "int()", "round": "round()",
    "index": "an index",
}  # fmt: skip
_OPERATORS = _COMPARISONS | _BINARY | _OTHERS | {f"r{name}": symbol for name, symbol in _BINARY.items()}
for _name, _symbol in _OPERATORS.items():
    setattr(Lazy, f"__{_name}__", _operator(_symbol, _COMPARE if _name in _COMPARISONS else _COMPUTE))
Lazy.__hash__ = object.__hash__  # type: ignore[method-assign]


class Handle(Lazy):
    """The coming result of a step, or a part of it.

    Args:
        node: the id of the node in the graph.
        path: the keys by which the part is reached.
        trace: marks the trace that it belongs to.
    """

    __slots__ = ("node", "path", "trace")

    def __init__(self, node: str, path: tuple[int | str, ...] = (), *, trace: object = None) -> None:
        self.node = node
        self.path = path
        self.trace = trace

    def describe(self) -> str:
        """The step whose result it is."""
        return f"the result of {self}"

    def __getitem__(self, key: int | str) -> Handle:
        if isinstance(key, bool) or not isinstance(key, int | str):
            self._refuse(f"cannot be indexed by {key!r} yet", "Index it by a number or a name, or use a step")
        return Handle(self.node, (*self.path, key), trace=self.trace)

    def __reduce__(self) -> NoReturn:
        """Where handles are looked for they are found; elsewhere one would be kept in place of its value."""
        raise TypeError(_HIDDEN.format(self.describe()))

    def __str__(self) -> str:
        return self.node + "".join(f"[{key!r}]" for key in self.path)

    def __repr__(self) -> str:
        return f"<result of {self}>"


@dataclass(frozen=True, slots=True, eq=False)
class Input(Lazy):
    """Data that a step needs, read before the step starts.

    Args:
        ref: the data set; without a selector its newest version when the run starts.
        columns: only these, in this order; all when None.
    """

    ref: Ref
    columns: tuple[str, ...] | None = None

    def describe(self) -> str:
        """The ref as the user wrote it."""
        return f"the data of {self.ref}"

    def __getitem__(self, key: object) -> NoReturn:
        self._refuse(
            f"are not read yet, so [{key!r}] cannot be taken", "Name the columns: sc.dataset(..., columns=[...])"
        )

    def __reduce__(self) -> NoReturn:
        """Where inputs are looked for they are found; elsewhere one would be kept in place of its rows."""
        raise TypeError(_HIDDEN.format(self.describe()))

    def __repr__(self) -> str:
        return f"<{self.ref}>"


def leaves(structure: object) -> Iterator[Lazy]:
    """Every handle and input inside nested lists, tuples and dictionaries.

    Example:
        >>> [str(leaf) for leaf in leaves({"a": [Handle("fit"), 3]})]
        ['fit']
    """
    if isinstance(structure, Lazy):
        yield structure
    elif type(structure) in (list, tuple):
        for item in structure:  # type: ignore[attr-defined]
            yield from leaves(item)
    elif type(structure) is dict:
        for item in structure.values():
            yield from leaves(item)


def replace(structure: object, resolve: Callable[[Lazy], object]) -> object:
    """The structure with every handle and input replaced.

    Example:
        >>> replace([Handle("fit"), 3], lambda leaf: "model")
        ['model', 3]
    """
    if isinstance(structure, Lazy):
        return resolve(structure)
    if type(structure) is list:
        return [replace(item, resolve) for item in structure]
    if type(structure) is tuple:
        return tuple(replace(item, resolve) for item in structure)
    if type(structure) is dict:
        return {key: replace(item, resolve) for key, item in structure.items()}
    return structure

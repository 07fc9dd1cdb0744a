"""The decorator that makes a function a pipeline: its parameters, and the graph of its steps."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, ParamSpec, TypeVar, overload

from stackcanvas.errors import BadInput, StackCanvasError, Usage, nearest
from stackcanvas.pipelines.frames import place, said
from stackcanvas.pipelines.trace import Graph, tracing

P = ParamSpec("P")
R = TypeVar("R")

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Pipeline(Generic[P, R]):
    """A pipeline: a function whose body calls steps.

    Called directly it runs its steps as plain functions; `stack.pipelines.run` runs it with state, cache and lineage.
    Called in the body of another pipeline its steps become part of that one.

    Args:
        function: the body.
        name: how it is called in the canvas, in records and on the command line.
    """

    def __init__(self, function: Callable[P, R], *, name: str | None = None) -> None:
        self.function = function
        self.name = name or function.__name__
        self.signature = inspect.signature(function)
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the body."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"

    @property
    def where(self) -> str:
        """`file:line` of the body."""
        code = self.function.__code__
        return f"{code.co_filename}:{code.co_firstlineno}"

    def described(self) -> dict[str, object]:
        """Name, place, parameters with their defaults, and the first line of what is said about it."""
        required = inspect.Parameter.empty
        defaults = {name: "required" if value is required else value for name, value in self.parameters().items()}
        summary = (inspect.getdoc(self.function) or "").partition("\n")[0]
        return {"name": self.name, "where": self.where, "parameters": defaults, "summary": summary}

    def parameters(self) -> dict[str, object]:
        """The defaults by parameter; `inspect.Parameter.empty` for one that must be given."""
        return {name: given.default for name, given in self.signature.parameters.items()}

    def bind(self, given: Mapping[str, object]) -> dict[str, object]:
        """The parameters of a run, defaults filled in.

        Raises:
            BadInput: one is unknown, missing, or cannot be kept as JSON.
        """
        known = self.parameters()
        for name in given:
            if name not in known:
                raise self._unknown(name)
        full = {name: given.get(name, default) for name, default in known.items()}
        missing = [name for name, value in full.items() if value is inspect.Parameter.empty]
        if missing:
            fix = f"Give it: stackcanvas run {self.name} -p {missing[0]}=VALUE"
            raise BadInput(f"the pipeline {self.name} needs the parameter {missing[0]!r}", where=self.where, fix=fix)
        for name, value in full.items():
            self._check_json(name, value)
        return full

    def parse(self, words: Iterable[str]) -> dict[str, object]:
        """Parameters from `name=value` words, read by the type of the annotation or of the default.

        Raises:
            Usage: a word without `=`.
            BadInput: the name is unknown or the value is of another type.
        """
        known = self.parameters()
        parsed: dict[str, object] = {}
        for word in words:
            name, equals, text = word.partition("=")
            if not equals:
                raise Usage(f"the parameter {word!r} has no value", expected="name=value")
            if name not in known:
                raise self._unknown(name)
            parsed[name] = self._read(name, text)
        return parsed

    def trace(self, parameters: Mapping[str, object]) -> Graph:
        """Call the body with plain parameters and handles to learn its graph.

        Raises:
            BadInput: the body raised something; it is named with the user's line.
        """
        try:
            with tracing(self.name) as trace:
                result = self.function(**parameters)  # type: ignore[call-arg, arg-type]
        except StackCanvasError:
            raise
        except Exception as error:
            raise BadInput(
                f"the body of the pipeline {self.name} failed: {said(error)}", where=place(error) or self.where
            ) from error
        return Graph(self.name, trace.nodes, result)

    def _unknown(self, name: str) -> BadInput:
        near = nearest(name, self.parameters())
        known = ", ".join(self.parameters()) or "none"
        return BadInput(
            f"the pipeline {self.name} has no parameter {name!r}",
            where=self.where,
            expected=f"one of: {known}",
            fix=f"Did you mean {near!r}?" if near else None,
        )

    def _check_json(self, name: str, value: object) -> None:
        try:
            kept = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            kept = ...
        if kept != value:
            raise BadInput(
                f"the parameter {name!r} of the pipeline {self.name} is a {type(value).__name__}",
                expected="text, a number, true or false, or lists and dictionaries of them",
                fix="Data come to a step as sc.dataset(...)",
            )

    def _read(self, name: str, text: str) -> object:
        parameter = self.signature.parameters[name]
        wanted = _wanted(parameter)
        try:
            if wanted == "bool":
                return _WORDS[text.lower()]
            if wanted in {"int", "float"}:
                return int(text) if wanted == "int" else float(text)
            if wanted == "str" or (parameter.default is None and not text.startswith(("{", "["))):
                return text
            return json.loads(text)
        except (KeyError, ValueError):
            raise BadInput(f"the parameter {name}={text} is no {wanted}", where=self.where, expected=wanted) from None


def _wanted(parameter: inspect.Parameter) -> str:
    """The plain type that a parameter takes, by its annotation or its default; `JSON` for others."""
    annotation = parameter.annotation
    named = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    if annotation is inspect.Parameter.empty:
        named = type(parameter.default).__name__ if parameter.default is not inspect.Parameter.empty else "str"
    named = named.replace(" ", "").removesuffix("|None")
    return named if named in {"bool", "int", "float", "str"} else "JSON"


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...


@overload
def pipeline(*, name: str | None = None) -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...


def pipeline(
    function: Callable[P, R] | None = None, /, *, name: str | None = None
) -> Pipeline[P, R] | Callable[[Callable[P, R]], Pipeline[P, R]]:
    """Make a function a pipeline; what starts it stands in the canvas.

    Args:
        function: the body; it calls steps and may decide by its own parameters.
        name: how it is called; the function's name unless given.

    Example:
        >>> from stackcanvas.pipelines.step import step
        >>> @step
        ... def double(number: int) -> int:
        ...     return 2 * number
        >>> @pipeline
        ... def quadruple(number: int = 1) -> int:
        ...     return double(double(number))
        >>> list(quadruple.trace({"number": 3}).nodes)
        ['double', 'double#2']
    """

    def decorate(target: Callable[P, R]) -> Pipeline[P, R]:
        return Pipeline(target, name=name)

    return decorate if function is None else decorate(function)

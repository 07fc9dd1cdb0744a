"""What a step is: a plain function and what was said about running it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackcanvas.errors import Usage
from stackcanvas.pipelines.context import Context

_RESOURCES = ("cpu", "memory_gb", "gpu")


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A step as it was defined.

    Args:
        name: how the step is called in graphs and records.
        function: the user's function.
        retries: how often it is tried again after an error.
        timeout_s: after so many seconds it has failed; None lets it run.
        cache: whether a result may be taken from an earlier run.
        resources: what it needs: `cpu`, `memory_gb`, `gpu`.
        signature: of the function.
        context: the parameter that receives the `Context`, where there is one.
    """

    name: str
    function: Callable[..., Any]
    retries: int
    timeout_s: float | None
    cache: bool
    resources: Mapping[str, float]
    signature: inspect.Signature = field(repr=False)
    context: str | None = None

    def bind(self, arguments: tuple[object, ...], options: Mapping[str, object]) -> dict[str, object]:
        """The arguments of a call by parameter, defaults filled in, without the context.

        Raises:
            TypeError: as the function itself would.
        """
        bound = self._without_context().bind(*arguments, **options)
        bound.apply_defaults()
        return dict(bound.arguments)

    def call(self, arguments: Mapping[str, object], context: Context | None) -> Any:
        """Call the function with bound arguments."""
        given = {**arguments, self.context: context} if self.context else dict(arguments)
        ordered = {name: given[name] for name in self.signature.parameters if name in given}
        bound = inspect.BoundArguments(self.signature, ordered)
        return self.function(*bound.args, **bound.kwargs)

    def first_parameter(self, taken: Mapping[str, object]) -> str:
        """The first parameter that is neither the context nor given already.

        Raises:
            Usage: there is none.
        """
        for name in self._without_context().parameters:
            if name not in taken:
                return name
        raise Usage(f"the step {self.name} has no parameter left for the items of sc.map")

    def _without_context(self) -> inspect.Signature:
        if self.context is None:
            return self.signature
        kept = [given for name, given in self.signature.parameters.items() if name != self.context]
        return self.signature.replace(parameters=kept)


def define(
    function: Callable[..., Any],
    *,
    name: str | None,
    retries: int,
    timeout_s: float | None,
    cache: bool | None,
    resources: Mapping[str, float] | None,
) -> Definition:
    """Check what was said about a step and put it together.

    Raises:
        Usage: the function is no plain function, or an option cannot be used.
    """
    shown = name or str(getattr(function, "__name__", ""))
    where = _where(function)
    if not inspect.isfunction(function):
        raise Usage(f"{function!r} cannot be a step", expected="a plain function")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise Usage(f"the step {shown} is a coroutine or a generator", where=where, expected="a function that returns")
    if not shown.replace("-", "_").isidentifier():
        raise Usage(f"the step name {shown!r} cannot be used", where=where, expected="letters, digits, - and _")
    if retries < 0 or (timeout_s is not None and timeout_s <= 0):
        raise Usage(f"the step {shown} has a negative retries or timeout_s", where=where)
    unknown = sorted(set(resources or {}) - set(_RESOURCES))
    if unknown:
        raise Usage(f"the step {shown} names the resource {unknown[0]!r}", where=where, expected=", ".join(_RESOURCES))
    signature = inspect.signature(function)
    context = _context_parameter(function, signature)
    return Definition(
        name=shown,
        function=function,
        retries=retries,
        timeout_s=timeout_s,
        cache=context is None if cache is None else cache,
        resources=dict(resources or {}),
        signature=signature,
        context=context,
    )


def _context_parameter(function: Callable[..., Any], signature: inspect.Signature) -> str | None:
    for name, parameter in signature.parameters.items():
        annotation = parameter.annotation
        if isinstance(annotation, str) and annotation.endswith("Context"):
            annotation = _named(annotation, getattr(function, "__globals__", {}))
        if annotation is Context:
            return name
    return None


def _named(dotted: str, known: Mapping[str, Any]) -> object:
    """What a dotted annotation in text names; None when it is something else than names and dots."""
    first, *rest = dotted.strip("'\"").split(".")
    found = known.get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found


def _where(function: Callable[..., Any]) -> str | None:
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else None

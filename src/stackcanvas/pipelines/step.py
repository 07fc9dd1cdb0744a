"""The decorator that makes a plain function a step, and the two ways to use steps that are decided while they run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from stackcanvas.errors import Usage
from stackcanvas.pipelines.definition import Definition, define
from stackcanvas.pipelines.frames import caller
from stackcanvas.pipelines.handles import Handle, Lazy, leaves
from stackcanvas.pipelines.trace import active

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Step(Generic[P, R]):
    """A step: inside a pipeline's body a call gives a handle, anywhere else it is the plain function.

    Args:
        definition: the function and its options.
    """

    __name__: str

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        functools.update_wrapper(self, definition.function)

    @property
    def name(self) -> str:
        """How it is called in graphs and records."""
        return self.definition.name

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        """Call the function, or add it to the graph that is being traced.

        Arguments are bound when it is called, not typed: inside a pipeline they may be handles, and the context is
        given by the run.
        """
        trace = active()
        if trace is None:
            _refuse_lazy(self.name, (args, kwargs))
            return cast("R", self.definition.function(*args, **kwargs))
        return cast("R", trace.call(self.definition, self.definition.bind(args, kwargs)))

    def __repr__(self) -> str:
        return f"<step {self.name}>"

    def __reduce__(self) -> str:
        """A step travels by its name, as a function does."""
        return self.definition.function.__qualname__


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...


@overload
def step(
    *,
    name: str | None = None,
    retries: int = 0,
    timeout_s: float | None = None,
    cache: bool | None = None,
    resources: Mapping[str, float] | None = None,
) -> Callable[[Callable[P, R]], Step[P, R]]: ...


def step(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    retries: int = 0,
    timeout_s: float | None = None,
    cache: bool | None = None,
    resources: Mapping[str, float] | None = None,
) -> Step[P, R] | Callable[[Callable[P, R]], Step[P, R]]:
    """Make a plain function a step of pipelines.

    Args:
        function: what to run; its parameters are the step's inputs.
        name: how it is called in graphs and records; the function's name unless given.
        retries: how often it is tried again after an error, waiting 1, 2, 4, ... seconds, at most 60.
        timeout_s: after so many seconds it has failed.
        cache: whether a result of an earlier run with the same code, inputs, parameters and packages is taken instead;
            by default yes, and no for a step that asks for a `Context`.
        resources: what it needs: `cpu`, `memory_gb`, `gpu`.

    Raises:
        Usage: the function or an option cannot be used.

    Example:
        >>> @step
        ... def double(number: int) -> int:
        ...     return 2 * number
        >>> double(21)
        42
    """

    def decorate(target: Callable[P, R]) -> Step[P, R]:
        return Step(define(target, name=name, retries=retries, timeout_s=timeout_s, cache=cache, resources=resources))

    return decorate if function is None else decorate(function)


def map(step: Step[..., R], items: Iterable[Any] | Any, /, **arguments: Any) -> list[R]:  # noqa: A001 - reads as sc.map
    """Run a step once for each item, where the items may be known only when the pipeline runs.

    Args:
        step: takes an item in its first parameter that is not given here.
        items: a list or tuple, or the handle of one.
        arguments: the same for every item.

    Returns:
        The handle of the list of results, in the order of the items.

    Example:
        >>> @step
        ... def double(number: int) -> int:
        ...     return 2 * number
        >>> map(double, [1, 2])
        [2, 4]
    """
    definition = _definition(step, "sc.map")
    over = definition.first_parameter(arguments)
    trace = active()
    if trace is None:
        _refuse_lazy(step.name, (items, arguments))
        return [step(**{over: item}, **arguments) for item in items]
    given = items if isinstance(items, Lazy) else list(items)
    bound = definition.bind((), {over: given, **arguments})
    return cast("list[R]", trace.call(definition, bound, over=over))


def when(condition: Any, then: Callable[[], T], otherwise: Callable[[], T] | None = None) -> T | None:
    """Take one of two branches, where the condition may be known only when the pipeline runs.

    Args:
        condition: a handle, or a plain value.
        then: called to trace the branch for a true condition.
        otherwise: the same for a false one; without it the result is None.

    Returns:
        The handle of the result of the branch that is taken.

    Example:
        >>> when(3 > 2, lambda: "publish", lambda: "keep")
        'publish'
    """
    trace = active()
    if isinstance(condition, Handle) and trace is not None:
        return cast("T", trace.choose(condition, then, otherwise))
    if isinstance(condition, Lazy):
        bool(condition)  # says why it cannot decide
    if condition:
        return then()
    return otherwise() if otherwise else None


def _definition(given: object, verb: str) -> Definition:
    if not isinstance(given, Step):
        shown = getattr(given, "__name__", repr(given))
        raise Usage(f"{verb} takes a step, and {shown} is none", where=caller(), fix=f"Put @sc.step above {shown}")
    return given.definition


def _refuse_lazy(name: str, arguments: object) -> None:
    for leaf in leaves(arguments):
        raise Usage(
            f"{name} was called outside a pipeline with {leaf.describe()}, which is there only in a run",
            where=caller(),
            fix="Pass the value itself, or call the step inside a function with @sc.pipeline",
        )

"""A call from afar, carried out here: found on the list, its arguments held against their types, its answer packed."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import lru_cache, reduce
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from stackcanvas.errors import BadInput, StackCanvasError
from stackcanvas.metadata import CodeState
from stackcanvas.metadata.actors import coding
from stackcanvas.stack.served.allowed import call
from stackcanvas.stack.served.wire import Unknown, adapter, pack, said_of, unpack

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

RELEASE = version("stackcanvas")


def carry_out(stack: Stack, part: str, method: str, body: bytes) -> bytes:
    """Do what a client asks for.

    Args:
        part: of the stack, such as `registry.changes`.
        method: its name; only those on the list.
        body: the arguments as `pack` made them: a map of positional and named ones.

    Raises:
        Unknown: the call, or one of its arguments, is not of this release.
        BadInput: an argument is not what the method takes.
    """
    allowed = call(part, method)
    if allowed is None:
        raise Unknown(
            f"{part}.{method} cannot be asked of a server of release {RELEASE}",
            fix="Run it on the server's own machine, or bring client and server to the same release",
        )
    found: Any = reduce(getattr, part.split("."), stack)
    function: Callable[..., Any] = getattr(found, method)
    given = unpack(body)
    if not isinstance(given, dict) or not isinstance(given.get("args", []), list):
        raise BadInput("a call holds no arguments", expected="a map with args and named")
    named = given.get("named", {})
    if not isinstance(named, dict):
        raise BadInput("the named arguments of a call are no map", expected="a map of names and values")
    bound = _bound(function, f"{part}.{method}", given.get("args", []), named)
    if allowed.person is not None:
        bound.arguments[allowed.person] = stack.annotation.person(bound.arguments.get(allowed.person))
    code = given.get("code")
    with coding(code) if isinstance(code, CodeState) else nullcontext():
        answer = function(*bound.args, **bound.kwargs)
    return pack(list(answer) if isinstance(answer, Iterator) else answer)


def failure(error: StackCanvasError, *, hidden: tuple[str, ...] = ()) -> bytes:
    """An error for the client, which raises the same one.

    Args:
        hidden: folders of this machine, whose names are nobody's business.
    """
    facts = {name: _hiding(fact, hidden) for name, fact in vars(error).items() if _travels(fact)}
    listed = [failure(one, hidden=hidden) for one in getattr(error, "errors", ())]
    said = {"kind": type(error).__name__, "status": error.status, "args": [_hiding(str(error), hidden)]}
    return pack({**said, "facts": facts, "errors": listed})


def _bound(
    function: Callable[..., Any], name: str, args: list[Any], named: Mapping[str, Any]
) -> inspect.BoundArguments:
    """The arguments of a call, each held against the type of its parameter."""
    signature, hints = _signature(getattr(function, "__func__", function))
    for key in named:
        if key not in signature.parameters:
            raise Unknown(
                f"{name} has no option {str(key)[:60]!r} in release {RELEASE}, which this server runs",
                fix="Leave it out, or bring client and server to the same release",
            )
    try:
        bound = signature.bind(*args, **named)
    except TypeError as error:
        raise BadInput(f"{name} cannot be called like this ({error})") from None
    for key, value in bound.arguments.items():
        kind = hints.get(key, Any)
        if signature.parameters[key].kind is inspect.Parameter.VAR_POSITIONAL:
            bound.arguments[key] = tuple(_checked(name, key, one, kind) for one in value)
        else:
            bound.arguments[key] = _checked(name, key, value, kind)
    return bound


def _checked(name: str, key: str, value: Any, kind: Any) -> Any:
    if kind is Any or kind is object:
        return value
    try:
        return adapter(kind).validate_python(value)
    except ValidationError as error:
        raise BadInput(f"{name} cannot use what was given as {key!r}: {said_of(error)}") from None


@lru_cache(maxsize=512)
def _signature(function: Callable[..., Any]) -> tuple[inspect.Signature, dict[str, Any]]:
    """The parameters without `self`, and their types as far as this process knows them."""
    signature = inspect.signature(function)
    kept = [one for one in signature.parameters.values() if one.name != "self"]
    hints: dict[str, Any] = {}
    for one in kept:
        try:
            holder = type("_", (), {"__annotations__": {one.name: one.annotation}, "__module__": function.__module__})
            hints |= typing.get_type_hints(holder)
        except (NameError, TypeError, AttributeError):
            hints[one.name] = Any  # of a library that is loaded when it is used
    return signature.replace(parameters=kept), hints


def _travels(fact: Any) -> bool:
    if isinstance(fact, tuple | list):
        return all(_travels(one) for one in fact)
    return fact is None or isinstance(fact, str | int | float)


def _hiding(fact: Any, hidden: tuple[str, ...]) -> Any:
    if isinstance(fact, tuple | list):
        return type(fact)(_hiding(one, hidden) for one in fact)
    if not isinstance(fact, str):
        return fact
    return reduce(lambda text, folder: text.replace(folder, "(server)"), hidden, fact)

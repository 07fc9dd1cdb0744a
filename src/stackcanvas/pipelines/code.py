"""The digest of a function: its own code and everything of the user's that it refers to.

Comments, blank lines, docstrings, annotations and names of local variables do not count; constants, defaults, closures,
and the functions, classes and module-level values that the code names do, however deep. What comes from an installed
package counts by name: its version is part of the environment's digest, as is Python's. Bytecode is read rather than
source, so that lambdas and functions made by other functions have a digest too.
"""

from __future__ import annotations

import dataclasses
import dis
import functools
import importlib
import importlib.util
import pickle
import sys
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import msgspec
from blake3 import blake3

from stackcanvas.pipelines.definition import Definition
from stackcanvas.pipelines.frames import is_users
from stackcanvas.pipelines.step import Step

_SCALARS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
_CONTAINERS = (list, tuple, set, frozenset, dict)
_FLAGS = 0x3FF  # what the code is; the higher bits say which __future__ imports stood above it
_IGNORED = frozenset({
    "__doc__", "__module__", "__qualname__", "__dict__", "__weakref__", "__annotations__", "__firstlineno__",
    "__static_attributes__", "__abstractmethods__", "__dataclass_fields__", "__match_args__", "_abc_impl",
})  # fmt: skip
_IMPORT = dis.opmap["IMPORT_NAME"]
_encode = msgspec.msgpack.Encoder().encode


class CodeDigests:
    """Digests of functions as they are now; make a new one for each run, since what they refer to may change.

    Example:
        >>> digests = CodeDigests()
        >>> digests.of(lambda number: number + 1) == digests.of(lambda other: other + 1)
        False
    """

    def __init__(self) -> None:
        self._walk = _Walk()
        self._known: dict[int, tuple[object, str]] = {}

    def of(self, function: Callable[..., Any]) -> str:
        """The digest of a function and of what it refers to."""
        found = self._known.get(id(function))
        if found is None:
            found = self._known[id(function)] = function, self._walk.of(function)
        return found[1]


class _Walk:
    """A walk over everything that functions refer to; each thing is digested once."""

    def __init__(self) -> None:
        self._done: dict[int, object] = {}
        self._open: dict[int, int] = {}
        self._alive: list[object] = []  # an id is an identity only while its object lives

    def of(self, function: Callable[..., Any]) -> str:
        described = self._function(function, top=True) if isinstance(function, FunctionType) else self.value(function)
        return blake3(_encode(described)).hexdigest()

    def value(self, value: object) -> object:
        if isinstance(value, _SCALARS):
            return [type(value).__name__, repr(value)]
        if id(value) in self._done:
            return self._done[id(value)]
        if id(value) in self._open:
            return ["cycle", len(self._open) - self._open[id(value)]]
        self._alive.append(value)
        self._open[id(value)] = len(self._open)
        digest = blake3(_encode(self._describe(value))).digest()
        del self._open[id(value)]
        self._done[id(value)] = digest
        return digest

    def _describe(self, value: Any) -> object:  # noqa: PLR0911 - a table of types reads best as one
        if isinstance(value, Step | Definition):
            # Options such as retries do not change the result.
            definition = value.definition if isinstance(value, Step) else value
            return ["step", self.value(definition.function)]
        if isinstance(value, FunctionType):
            return self._function(value)
        if type(value) in _CONTAINERS:
            return self._container(value)
        if isinstance(value, CodeType):
            return self._code(value, None)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, ModuleType | BuiltinFunctionType):
            return ["name", value.__name__]
        return self._object(value)

    def _function(self, function: FunctionType, *, top: bool = False) -> object:
        if not top and not _is_project(function.__module__):
            return ["name", function.__module__, function.__qualname__]
        # The defaults of the step itself are among its arguments.
        defaults = [] if top else [function.__defaults__, function.__kwdefaults__]
        return [
            "function",
            self._code(function.__code__, function.__doc__),
            [self.value(given) for given in defaults],
            [[name, self.value(held)] for name, held in _closure(function)],
            [[name, self.value(read)] for name, read in _reads(function)],
        ]

    def _code(self, code: CodeType, doc: str | None) -> object:
        constants = list(code.co_consts)
        if doc is not None and constants and constants[0] == doc:
            constants[0] = None
        arguments = code.co_argcount + code.co_kwonlyargcount
        return [
            code.co_code,
            [self.value(constant) for constant in constants],
            [*code.co_names, *code.co_varnames[:arguments], *code.co_freevars, *code.co_cellvars],
            [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & _FLAGS],
            getattr(code, "co_exceptiontable", b""),
        ]

    def _container(self, value: Any) -> object:
        kind = type(value).__name__
        if isinstance(value, dict):
            return [kind, [[self.value(key), self.value(item)] for key, item in value.items()]]
        items = [self.value(item) for item in value]
        return [kind, sorted(items, key=_encode) if isinstance(value, set | frozenset) else items]

    def _class(self, value: type) -> object:
        if not _is_project(value.__module__):
            return ["name", value.__module__, value.__qualname__]
        body = [[name, self.value(item)] for name, item in vars(value).items() if name not in _IGNORED]
        return ["class", value.__qualname__, [self.value(base) for base in value.__bases__], body]

    def _object(self, value: Any) -> object:
        if isinstance(value, MethodType):
            return ["method", self.value(value.__func__), self.value(value.__self__)]
        if isinstance(value, staticmethod | classmethod):
            return ["method", self.value(value.__func__)]
        if isinstance(value, property):
            return ["property", self.value(value.fget), self.value(value.fset)]
        if isinstance(value, functools.partial):
            return ["partial", self.value(value.func), self.value(value.args), self.value(value.keywords)]
        return [self.value(type(value)), self.value(getattr(value, "__wrapped__", None)), self._state(value)]

    def _state(self, value: Any) -> object:
        """What an object holds: its fields, else its pickle, else its text unless that names an address."""
        if dataclasses.is_dataclass(value):
            return self._container({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
        if _is_project(type(value).__module__) and hasattr(value, "__dict__"):
            return self._container(dict(vars(value)))
        try:
            return blake3(pickle.dumps(value, protocol=5)).digest()
        except Exception:  # noqa: BLE001 - whatever the object's own code raises: a lock, a connection, a lambda inside
            text = repr(value)
            return None if " at 0x" in text else text


def _is_project(module: str | None) -> bool:
    if module == "__main__":
        return True
    path = getattr(sys.modules.get(module or ""), "__file__", None)
    return path is not None and is_users(path)


def _closure(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # bound later, such as a function's own name
            continue


def _reads(function: FunctionType) -> Iterator[tuple[str, object]]:
    """The module-level values that a function names, and those of the user's modules that it goes through."""
    known = function.__globals__
    codes = list(_codes(function.__code__))
    attributes = {name for code in codes for name in code.co_names}
    for name in sorted(_global_names(codes, known)):
        value = known[name]
        if isinstance(value, ModuleType) and _is_project(value.__name__):
            yield from _module(name, value, attributes)
        else:
            yield name, value
    for module in _imported(codes, known.get("__package__")):
        if _is_project(module.__name__):
            yield from _module(module.__name__, module, attributes)


def _module(
    name: str, module: ModuleType, attributes: set[str], above: tuple[str, ...] = ()
) -> Iterator[tuple[str, object]]:
    for attribute in sorted(attributes & vars(module).keys()):
        found = vars(module)[attribute]
        if not isinstance(found, ModuleType) or not _is_project(found.__name__):
            yield f"{name}.{attribute}", found
        elif found.__name__ not in above:
            yield from _module(f"{name}.{attribute}", found, attributes, (*above, module.__name__))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _global_names(codes: list[CodeType], known: dict[str, object]) -> set[str]:
    """Names that the code reads from its module; an attribute of the same name, as in model.fit, is none of them."""
    found: set[str] = set()
    for code in codes:
        # Reading instructions is slow: most names are attributes or builtins.
        if not known.keys().isdisjoint(code.co_names):
            read = dis.get_instructions(code)
            found.update(step.argval for step in read if step.opname in {"LOAD_GLOBAL", "LOAD_NAME"})
    return found & known.keys()


def _imported(codes: list[CodeType], package: object) -> Iterator[ModuleType]:
    """The user's modules that the code imports when it is called."""
    for code in codes:
        before: list[object] = []
        for instruction in dis.get_instructions(code) if _IMPORT in code.co_code else ():
            if instruction.opname == "IMPORT_NAME":
                level = next((given for given in before[-2:] if type(given) is int), 0)
                module = _users_module("." * level + str(instruction.argval), package)
                if module is not None:
                    yield module
            before.append(instruction.argval)


def _users_module(name: str, package: object) -> ModuleType | None:
    try:
        spec = importlib.util.find_spec(name, str(package) if package else None)
        found = spec is not None and spec.origin is not None and is_users(spec.origin)
        return importlib.import_module(name, str(package) if package else None) if found else None
    except Exception:  # noqa: BLE001 - the step itself will say that the import fails
        return None

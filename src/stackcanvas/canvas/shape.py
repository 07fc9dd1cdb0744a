"""What each answer looks like, read off the types: for errors, the reference, forms and the schema."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stackcanvas.canvas import units, urls
from stackcanvas.canvas.answers import Driver, Kind, PerEnvironment

_WRITERS: Mapping[str, Callable[[Any], Any]] = {
    "length of time": units.format_duration,
    "size": units.format_size,
    "percentage": units.format_share,
    "money": float,
    "address": str,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a value.

    Attributes:
        kind: `mapping`, `variants`, `list`, `choice`, `yes or no`, `names` (a mapping with free keys), `address`,
            or the name of a kind such as `length of time`.
        expected: what to write, in words.
        example: one such value, as YAML.
        fields: of a mapping.
        items: of a list, or of the values of `names`.
        choices: the values that there are.
        tag: of variants, the key that tells which one.
        variants: by the value of the tag.
        role: of an address.
        model: the name of the class that checks a mapping.
    """

    kind: str
    expected: str
    example: str
    fields: tuple[Field, ...] = ()
    items: Shape | None = None
    choices: tuple[Any, ...] = ()
    tag: str | None = None
    variants: Mapping[str, Shape] = field(default_factory=dict)
    role: str | None = None
    model: str | None = None

    def names(self) -> tuple[str, ...]:
        """The keys of a mapping."""
        return tuple(one.name for one in self.fields)

    def field_named(self, name: str) -> Field | None:
        """A field of a mapping."""
        return next((one for one in self.fields if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a mapping.

    Attributes:
        name: as written in YAML.
        shape: of its value.
        required: it must be given.
        default: what is taken where it is left out, as YAML holds it; None for nothing.
        help: one sentence.
        unit: of a cost driver, what the number counts.
        environment: `environments` may change it.
    """

    name: str
    shape: Shape
    required: bool
    default: Any
    help: str
    unit: str | None
    environment: bool


@cache
def shape_of_model(model: type[BaseModel]) -> Shape:
    """The shape of a mapping that pydantic checks."""
    fields = tuple(_field(name, info) for name, info in model.model_fields.items())
    needed = [one for one in fields if one.required] or list(fields[:1])
    example = f"{{{', '.join(f'{one.name}: {one.shape.example}' for one in needed)}}}"
    return Shape("mapping", f"a mapping such as {example}", example, fields=fields, model=model.__name__)


def shape_of(annotation: Any) -> Shape:
    """The shape of a type.

    Example:
        >>> shape_of(Literal["optional", "mandatory"]).expected
        'one of optional, mandatory'
    """
    return _shape(*_unwrapped(annotation))


def _shape(annotation: Any, marks: tuple[Any, ...]) -> Shape:
    marked = next((_marked(mark) for mark in marks if isinstance(mark, Kind | urls.Role)), None)
    if marked is not None:
        return marked
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return shape_of_model(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, types.UnionType}:
        return _union(arguments, marks)
    return _generic(origin, arguments) if origin is not None else _simple(annotation)


def at(shape: Shape, location: Iterable[str | int]) -> Shape | None:
    """The shape of a part; None where the location leaves what is known."""
    here: Shape | None = shape
    for part in location:
        if here is None:
            return None
        if here.kind == "variants":
            # A location names the variant before its keys.
            here = here.variants.get(str(part))
        elif here.kind == "mapping":
            found = here.field_named(str(part))
            here = found.shape if found else None
        elif here.kind in {"list", "names"}:
            here = here.items
        elif here.kind == "value":
            # A location names the type that was tried.
            continue
        else:
            return None
    return here


def listed(choices: Iterable[object]) -> str:
    """Values as YAML writes them, with commas."""
    return ", ".join(str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in choices)


def _field(name: str, info: FieldInfo) -> Field:
    # Pydantic has taken the outermost Annotated apart.
    marks = tuple(info.metadata)
    driver = next((mark for mark in marks if isinstance(mark, Driver)), None)
    shape = _shape(info.annotation, (*marks, info) if info.discriminator else marks)
    return Field(
        name=info.alias or name,
        shape=shape,
        required=info.is_required(),
        default=_default(info, shape),
        help=info.description or "",
        unit=driver.unit if driver else None,
        environment=any(isinstance(mark, PerEnvironment) for mark in marks),
    )


def _default(info: FieldInfo, shape: Shape) -> Any:
    if info.default_factory is not None:
        # An answer of defaults only; making one would build its validator, which nobody needs here.
        return {one.name: one.default for one in shape.fields if one.default is not None}
    return None if info.is_required() else _written(info.default, shape)


def _written(value: Any, shape: Shape) -> Any:
    """A default as YAML holds it."""
    if isinstance(value, tuple):
        return [_written(item, shape.items) if shape.items else item for item in value]
    if value is None or shape.kind not in _WRITERS:
        return value
    return _WRITERS[shape.kind](value)


def _marked(mark: Kind | urls.Role) -> Shape:
    if isinstance(mark, Kind):
        return Shape(mark.name, mark.expected, mark.example)
    return Shape("address", urls.expected(mark.name), urls.EXAMPLES[mark.name], role=mark.name)


def _generic(origin: Any, arguments: tuple[Any, ...]) -> Shape:
    if origin is Literal:
        return Shape("choice", f"one of {listed(arguments)}", str(arguments[0]), choices=arguments)
    if origin is dict:
        return Shape("names", "a mapping of names and values", "{name: value}", items=shape_of(arguments[1]))
    items = shape_of(arguments[0])
    return Shape("list", f"a list such as [{items.example}]", f"[{items.example}]", items=items)


def _unwrapped(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    marks: tuple[Any, ...] = ()
    while hasattr(annotation, "__metadata__"):
        marks = (*annotation.__metadata__, *marks)
        annotation = annotation.__origin__
    return annotation, marks


def _union(members: tuple[Any, ...], marks: tuple[Any, ...]) -> Shape:
    rest = tuple(member for member in members if member is not type(None))
    if len(rest) == 1:
        return shape_of(rest[0])
    tag = next((mark.discriminator for mark in marks if isinstance(mark, FieldInfo) and mark.discriminator), None)
    if isinstance(tag, str):
        shapes = {_tag_value(member, tag): shape_of(member) for member in rest}
        first = next(iter(shapes.values()))
        return Shape("variants", f"a mapping such as {first.example}", first.example, tag=tag, variants=shapes)
    words = [_simple(member).expected for member in rest]
    # An int is a float to a reader.
    words = [word for word in words if not (word == "a whole number" and "a number" in words)]
    return Shape("value", f"{', '.join(words[:-1])} or {words[-1]}", "true")


def _tag_value(member: type[BaseModel], tag: str) -> str:
    return str(get_args(member.model_fields[tag].annotation)[0])


def _simple(annotation: Any) -> Shape:
    known = {
        bool: ("yes or no", "true or false", "true"),
        int: ("whole number", "a whole number", "3"),
        float: ("number", "a number", "0.5"),
        str: ("text", "a text", "text"),
    }
    kind, expected, example = known[annotation]
    return Shape(kind, expected, example)

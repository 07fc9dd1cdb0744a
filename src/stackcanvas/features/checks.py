"""What a definition must satisfy, gathered so that all that is wrong is said at once."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Sequence
from datetime import timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from stackcanvas.canvas.units import parse_duration
from stackcanvas.errors import BadInput
from stackcanvas.metadata import Ref

_OLDEST = timedelta(days=365_000)
_LONGEST_FOLDER = 255


def names_of(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns as a tuple: one text is a sequence of letters, and surely meant as one name."""
    return (columns,) if isinstance(columns, str) else tuple(columns)


def age_of(ttl: timedelta | str | None) -> tuple[timedelta | None, list[str]]:
    """A time to live, and what is wrong with it."""
    if isinstance(ttl, str):
        try:
            ttl = parse_duration(ttl)
        except BadInput as error:
            return None, [f"the ttl {error.what}; expected {error.expected}"]
    if ttl is not None and ttl <= timedelta(0):
        return None, [f"the ttl is {ttl}, which nothing can be younger than; leave it out where any age counts"]
    if ttl is not None and ttl > _OLDEST:
        return None, [f"the ttl is {ttl.days} days; leave it out where any age counts"]
    return ttl, []


def name_problems(name: str, *, source: str | None = None) -> list[str]:
    """What is wrong with the name of a definition and of its data set."""
    problems = []
    for kind, given in (("view", name), ("data", source)):
        try:
            Ref(kind, given or "") if given is not None else None
        except BadInput as error:
            problems.append(error.what)
    if len(quote(name, safe="")) > _LONGEST_FOLDER:
        problems.append(
            f"the name is too long for the folder of pushed rows, which may have {_LONGEST_FOLDER} bytes; letters "
            "other than a to z count three times theirs"
        )
    if ":" in name:
        problems.append("the name holds a colon, which stands between view and feature")
    return problems


def column_problems(kind: str, columns: Sequence[str]) -> list[str]:
    """What is wrong with the columns of one kind."""
    problems = [] if columns else [f"it has no {kind}"]
    problems += [f"a {kind} is {column!r}, which is no name of a column" for column in columns if not _is_name(column)]
    twice = sorted({str(column) for column in columns if list(columns).count(column) > 1})
    return problems + [f"the {kind} {column!r} is named twice" for column in twice]


def zone_problems(timezone: str | None) -> list[str]:
    """What is wrong with the name of a time zone."""
    if timezone is None:
        return []
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError, TypeError):
        return [f"the timezone is {timezone!r}, which is none; expected a name such as Europe/Berlin"]
    return []


def transform_problems(transform: object) -> list[str]:
    """What is wrong with a function."""
    if transform is None or callable(transform):
        return []
    return [f"the transform is {transform!r}, which cannot be called"]


def source_text(transform: Callable[..., object] | None) -> str | None:
    """The text of a function, which tells two of them apart."""
    if transform is None:
        return None
    if isinstance(transform, functools.partial):
        return f"{source_text(transform.func)}{transform.args}{transform.keywords}"
    try:
        return inspect.getsource(transform)
    except (OSError, TypeError):
        return getattr(transform, "__qualname__", repr(type(transform)))


def meaning(text: str | None) -> str | None:
    """The text of a function without what does not matter: layout and comments."""
    try:
        return None if text is None else ast.dump(ast.parse(textwrap.dedent(text)))
    except SyntaxError:  # a lambda within a call, cut out of it, or a partial function
        return text


def _is_name(column: object) -> bool:
    return isinstance(column, str) and bool(column) and not column.startswith("__")

"""Templates filled from page contexts; everything that is not markup of ours is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from stackcanvas.ui.context import Shell
from stackcanvas.ui.links import Links

_MOST_COLUMNS = 8
_CODE = re.compile(r"`([^`\n]+)`")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("stackcanvas.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["prose"] = prose
    made.filters["columns"] = columns
    return made


def columns(items: Sequence[object]) -> tuple[str, ...]:
    """The columns of a table of mappings; none where they are not a few plain values each.

    Example:
        >>> columns([{"name": "a", "size": 1}, {"name": "b", "kind": "x"}]), columns(["a", "b"])
        (('name', 'size', 'kind'), ())
    """
    found: dict[str, None] = {}
    for item in items:
        if not isinstance(item, Mapping) or any(
            isinstance(part, Mapping | list) and _is_deep(part) for part in item.values()
        ):
            return ()
        found.update(dict.fromkeys(str(name) for name in item))
    return tuple(found) if len(found) <= _MOST_COLUMNS else ()


def _is_deep(part: Mapping[str, object] | list[object]) -> bool:
    return isinstance(part, Mapping) or any(isinstance(one, Mapping | list) for one in part)


def prose(text: str) -> Markup:
    """Escape a sentence and set its parts between backticks as code.

    Example:
        >>> prose("Run `stackcanvas up` & wait")
        Markup('Run <code>stackcanvas up</code> &amp; wait')
    """
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def render(template: str, *, page: object, shell: Shell, links: Links) -> str:
    """A page as HTML.

    Args:
        template: a file of `templates/`.
        page: the context of the page.
        shell: what stands around it.
    """
    return draw(template, page=page, shell=shell, links=links)


def draw(template: str, **context: object) -> str:
    """A template filled from its own words, without anything around it."""
    return _environment().get_template(template).render(**context)

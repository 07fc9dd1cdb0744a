"""YAML that somebody else wrote, read so that it cannot end the process.

The parser in C composes by recursion: brackets by the thousand end the process itself, and names that stand for names
unfold without bound when what was read is written out. Both are told from the events before anything is composed.
"""

from __future__ import annotations

from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The faster of the two that make plain values only."""
_DEEPEST = 100
_MOST_VALUES = 200_000


class Excessive(yaml.YAMLError):
    """The text unfolds to more than any file of its kind should hold."""


def load_yaml(content: bytes | str) -> Any:
    r"""The plain values of a text.

    Raises:
        yaml.YAMLError: it is no YAML, nested too deep, refers to itself, or unfolds to too many values.

    Example:
        >>> load_yaml("a: &x [1, 2]\nb: *x")
        {'a': [1, 2], 'b': [1, 2]}
        >>> load_yaml("[" * 200_000)
        Traceback (most recent call last):
            ...
        stackcanvas.yamls.Excessive: it is nested more than 100 deep
    """
    _check(content)
    return yaml.load(content, Loader=LOADER)  # noqa: S506 - it makes plain values only


def _check(content: bytes | str) -> None:
    sizes: dict[str, int] = {}
    inside: list[tuple[str | None, int]] = []
    count = 0
    for event in yaml.parse(content, Loader=LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            name, before = inside.pop()
            if name is not None:
                sizes[name] = count - before
            continue
        if isinstance(event, yaml.AliasEvent):
            if any(name == event.anchor for name, _ in inside):
                raise Excessive(f"*{event.anchor} stands inside what it refers to")
            count += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            inside.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
        if len(inside) > _DEEPEST:
            raise Excessive(f"it is nested more than {_DEEPEST} deep")
        if count > _MOST_VALUES:
            raise Excessive(f"it unfolds to more than {_MOST_VALUES:,} values")

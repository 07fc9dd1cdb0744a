"""Changing one value in the text of a YAML document, all other bytes kept: comments, order, layout, line endings.

A reader that keeps comments and writes the whole document anew still re-wraps, re-spaces and re-quotes what nobody
changed. Here the text around a value is never touched: its place is known from the reading, and only that is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackcanvas.canvas import render
from stackcanvas.canvas.syntax import Entry, Node, read
from stackcanvas.errors import BadInput

Keys = tuple[str | int, ...]
_ROOT_GAP = "\n"


def put(text: str, keys: Keys, value: object, *, order: Mapping[Keys, Sequence[str]] | None = None) -> str:
    r"""The text with a value at a place, which is made where it does not exist yet.

    Args:
        text: a document whose root is a mapping; line endings are `\n`.
        keys: from the root to the value.
        value: plain data.
        order: for a mapping by its own keys, the order in which a new key takes its place.

    Raises:
        BadInput: the text cannot be changed at this place without changing others.

    Example:
        >>> print(put("a: 1  # one\nb: {c: 2}\n", ("b", "c"), 3), end="")
        a: 1  # one
        b: {c: 3}
    """
    before = _read(text)
    changed = _changed(text, keys, value, order=order or {}, root=before)
    return text if changed == text else _checked(changed, _with(before.plain(), keys, _frozen(value)))


def drop(text: str, keys: Keys) -> str:
    r"""The text without a key and its value; text in which the key does not stand is given back as it is.

    Raises:
        BadInput: the text cannot be changed at this place without changing others.

    Example:
        >>> print(drop("a: 1\n# about b\nb: 2  # two\n", ("b",)), end="")
        a: 1
        # about b
    """
    before = _read(text)
    changed = _cut(text, keys, root=before)
    return text if changed == text else _checked(changed, _without_at(before.plain(), keys))


def _changed(
    text: str, keys: Keys, value: object, *, order: Mapping[Keys, Sequence[str]], root: Node | None = None
) -> str:
    root = root or _read(text)
    if _exists(root, keys) and _same(_at(root, keys), _frozen(value), strict=True):
        return text
    return _put(text, root, keys, value, order)


def _cut(text: str, keys: Keys, *, root: Node | None = None) -> str:
    root = root or _read(text)
    if not _exists(root, keys):
        return text
    parents = _walk(root, keys[:-1])
    if any(parent.alias for parent in parents):
        return _changed(text, keys[:-1], _without(_at(root, keys[:-1]), keys[-1]), order={})
    return _dropped(text, parents[-1], str(keys[-1]))


def _put(text: str, root: Node, keys: Keys, value: object, order: Mapping[Keys, Sequence[str]]) -> str:
    for depth in range(len(keys)):
        parent = _walk(root, keys[:depth])[-1]
        fits = isinstance(parent.value, list if isinstance(keys[depth], int) else dict)
        if parent.alias or not fits:
            # What an alias stands for belongs to others too, and a scalar has no keys: the whole of it is replaced.
            whole = _with(parent.plain() if parent.alias else None, keys[depth:], value)
            lines = None if parent.alias else _nested(keys[depth:], value)
            return _replaced(text, root, keys[:depth], whole, lines=lines)
        if isinstance(parent.value, dict) and keys[depth] not in parent.value:
            return _inserted(text, parent, keys[depth:], value, order=order.get(keys[:depth], ()))
    old = _walk(root, keys)[-1]
    if not old.alias and isinstance(old.value, dict) and isinstance(value, Mapping) and old.value.keys() & value.keys():
        return _merged(text, keys, old.value.keys(), value)
    if not old.alias and isinstance(old.value, list) and isinstance(value, list | tuple):
        return _merged_list(text, root, keys, old, value)
    return _replaced(text, root, keys, value)


def _merged(text: str, keys: Keys, old: Any, value: Mapping[str, object]) -> str:
    """A mapping changed key by key, so that comments inside it stay."""
    for key in [key for key in old if key not in value]:
        text = _cut(text, (*keys, key))
    names = list(value)
    for key, item in value.items():
        text = _changed(text, (*keys, key), item, order={keys: names})
    return text


def _merged_list(text: str, root: Node, keys: Keys, old: Node, value: Sequence[object]) -> str:
    same = len(old.value) == len(value)
    if not same or not all(isinstance(item.value, dict) for item in old.value):
        return _replaced(text, root, keys, value)
    for place, item in enumerate(value):
        text = _changed(text, (*keys, place), item, order={})
    return text


def _nested(keys: Keys, value: object) -> list[str]:
    """A value under keys that are all new, each key on a line of its own."""
    lines = render.entry(str(keys[-1]), value)
    for key in reversed(keys[:-1]):
        lines = [f"{render.inline({str(key): None})[1:-5].rstrip()}", *(f"  {line}" if line else "" for line in lines)]
    return lines


def _replaced(text: str, root: Node, keys: Keys, value: object, *, lines: list[str] | None = None) -> str:
    old = _walk(root, keys)[-1]
    in_flow = any(node.flow for node in _walk(root, keys[:-1]))
    if in_flow:
        # Empty values have no width: what stands before them needs a blank.
        gap = " " if old.start == old.end and not text[: old.start].endswith((" ", "[")) else ""
        return text[: old.start] + gap + render.inline(value) + text[old.end :]
    if isinstance(keys[-1], int):
        return _replaced_item(text, old, value)
    parent = _walk(root, keys[:-1])[-1]
    found: Entry = parent.value[keys[-1]]
    colon = text.index(":", found.key.end) + 1
    short = render.fits(value, room=_room(found.key)) if lines is None else None
    keep_flow = old.flow and isinstance(value, Mapping | list | tuple)
    if short is None and keep_flow and len(render.inline(value)) <= _room(found.key):
        short = render.inline(value)
    block_before = isinstance(old.value, dict | list) and not old.flow and not old.alias and old.line > found.key.line
    deeper = old.column > found.key.column or isinstance(value, list | tuple)
    if block_before and deeper and isinstance(value, Mapping | list | tuple) and value:
        # Several lines stay several lines.
        return text[: old.start] + _indented(render.block(value), old.column - 1) + text[old.end :]
    between = text[colon : old.start].rstrip() if block_before else ""
    if short is not None:
        return text[:colon] + " " + short + between + text[old.end :]
    lines = lines or render.block(value)
    indent = found.key.column - 1 + 2
    line_end = _line_end(text, old.end)
    if isinstance(value, str):
        # A text of several lines begins behind its key.
        lines = [lines[0] + text[old.end : line_end], *lines[1:]]
        return text[:colon] + " " + _indented(lines, indent) + text[line_end:]
    remark = between + text[old.end : line_end].rstrip()
    return text[:colon] + remark + "\n" + " " * indent + _indented(lines, indent) + text[line_end:]


def _replaced_item(text: str, old: Node, value: object) -> str:
    short = render.fits(value)
    lines = [short] if short is not None and not isinstance(old.value, dict) else render.block(value)
    if isinstance(value, str):
        lines = [render.inline(value)]
    gap = " " if old.start == old.end and not text[: old.start].endswith(" ") else ""
    return text[: old.start] + gap + _indented(lines, old.column - 1 + len(gap)) + text[old.end :]


def _inserted(text: str, parent: Node, keys: Keys, value: object, *, order: Sequence[str]) -> str:
    entries: dict[str, Entry] = parent.value
    key = str(keys[0])
    before = _neighbour(list(entries), key, order)
    if parent.flow:
        said = render.inline(_with(None, keys, value))[1:-1]
        if not entries:
            return text[: parent.end - 1] + said + text[parent.end - 1 :]
        if before is None:
            first = next(iter(entries.values()))
            return text[: first.key.start] + f"{said}, " + text[first.key.start :]
        end = entries[before].node.end
        return text[:end] + f", {said}" + text[end:]
    first = next(iter(entries.values()))
    indent = first.key.column - 1
    lines = _nested(keys, value)
    if before is None:
        return text[: first.key.start] + _indented(lines, indent) + "\n" + " " * indent + text[first.key.start :]
    end = _line_end(text, entries[before].node.end)
    gap = _ROOT_GAP if indent == 0 and len(lines) > 1 else ""
    return text[:end] + "\n" + gap + " " * indent + _indented(lines, indent) + text[end:]


def _dropped(text: str, parent: Node, key: str) -> str:
    entries: dict[str, Entry] = parent.value
    names = list(entries)
    place = names.index(key)
    gone = entries[key]
    following = entries[names[place + 1]] if place + 1 < len(names) else None
    if parent.flow:
        if following:
            return text[: gone.key.start] + text[following.key.start :]
        start = entries[names[place - 1]].node.end if place else gone.key.start
        return text[:start] + text[gone.node.end :]
    line_start = text.rfind("\n", 0, gone.key.start) + 1
    if text[line_start : gone.key.start].strip():
        # The key shares its line with the dash of a list: the next key moves up.
        return text[: gone.key.start] + (text[following.key.start :] if following else "{}" + text[gone.node.end :])
    if len(names) == 1 and gone.key.column == 1:
        return text[: gone.key.start] + "{}" + text[gone.node.end :]
    end = _line_end(text, gone.node.end)
    return text[:line_start] + text[min(end + 1, len(text)) :]


def _neighbour(present: list[str], key: str, order: Sequence[str]) -> str | None:
    """The key after which a new one is put; None puts it first."""
    if not present:
        return None
    if key not in order:
        return present[-1]
    earlier = set(order[: order.index(key)])
    known = [name for name in present if name in order]
    found = [name for name in known if name in earlier]
    if found:
        return found[-1]
    return None if known else present[-1]


def _room(key: Node) -> int:
    """How many characters fit behind a key."""
    return max(40, 110 - key.column - (key.end - key.start))


def _indented(lines: Sequence[str], indent: int) -> str:
    pad = "\n" + " " * indent
    return "".join(line if place == 0 else (pad + line if line else "\n") for place, line in enumerate(lines))


def _line_end(text: str, offset: int) -> int:
    found = text.find("\n", offset)
    return len(text) if found == -1 else found


def _read(text: str) -> Node:
    problems: list[BadInput] = []
    root = read(text, label="canvas.yaml", problems=problems)
    if problems:
        raise problems[0]
    if root is None or not isinstance(root.value, dict):
        raise BadInput("the canvas is no mapping", expected="at least `stackcanvas: 1` and `project: {name: ...}`")
    return root


def _walk(root: Node, keys: Keys) -> list[Node]:
    """The nodes from the root to a place that exists."""
    nodes = [root]
    for key in keys:
        value = nodes[-1].value
        nodes.append(value[key].node if isinstance(value, dict) else value[key])
    return nodes


def _exists(root: Node, keys: Keys) -> bool:
    here = root
    for key in keys:
        if isinstance(here.value, dict) and key in here.value:
            here = here.value[key].node
        elif isinstance(here.value, list) and isinstance(key, int) and key < len(here.value):
            here = here.value[key]
        else:
            return False
    return True


def _at(root: Node, keys: Keys) -> Any:
    return _walk(root, keys)[-1].plain() if _exists(root, keys) else None


def _frozen(value: object) -> Any:
    """Plain data with tuples for lists, as a document is read."""
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _with(plain: Any, keys: Keys, value: object) -> Any:
    if not keys:
        return value
    head, rest = keys[0], keys[1:]
    if isinstance(head, int):
        return tuple(_with(item, rest, value) if place == head else item for place, item in enumerate(plain))
    base = dict(plain) if isinstance(plain, Mapping) else {}
    base[head] = _with(base.get(head), rest, value)
    return base


def _without(plain: Any, key: str | int) -> Any:
    return {name: item for name, item in plain.items() if name != key}


def _without_at(plain: Any, keys: Keys) -> Any:
    if len(keys) == 1:
        rest = _without(plain, keys[0])
        return rest or None
    head = keys[0]
    if isinstance(head, int):
        return tuple(_without_at(item, keys[1:]) if place == head else item for place, item in enumerate(plain))
    return {name: _without_at(item, keys[1:]) if name == head else item for name, item in plain.items()}


def _checked(text: str, wanted: Any) -> str:
    """The changed text, if it says what was wanted and nothing else changed."""
    try:
        said = _read(text).plain()
    except BadInput:
        said = None
    if not _same(said, wanted):
        raise BadInput(
            "this place of the canvas cannot be changed without changing another",
            fix="Change it by hand; an anchor (&name) or an unusual layout is in the way",
        )
    return text


def _same(one: Any, other: Any, *, strict: bool = False) -> bool:
    """Equality of documents: types count; unless strict, an emptied mapping may be nothing."""
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        first, second = (one, other) if strict else (one or {}, other or {})
        if not isinstance(first, Mapping) or not isinstance(second, Mapping) or first.keys() != second.keys():
            return False
        return all(_same(first[key], second[key], strict=strict) for key in first)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(_same(*pair, strict=strict) for pair in zip(one, other, strict=True))
    return type(one) is type(other) and one == other

"""YAML 1.2, core schema, with the place of everything: the one reader of the canvas.

PyYAML gives the events (its C parser where there is one); the types of plain scalars are decided here, because PyYAML
follows YAML 1.1, where `on` and `yes` are booleans and `012` is octal. What one line of text could do to a reader is
bounded: size, depth, and how much aliases unfold to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from stackcanvas.errors import BadInput

LARGEST_BYTES = 1_000_000
DEEPEST = 50
MOST_VALUES = 50_000

_LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NUMBER = 100
_TAGS = {
    f"tag:yaml.org,2002:{name}": kinds
    for name, kinds in (
        ("str", (str,)),
        ("int", (int,)),
        ("float", (int, float)),
        ("bool", (bool,)),
        ("null", (type(None),)),
        ("map", (dict,)),
        ("seq", (list,)),
    )
}


@dataclass(slots=True)
class Node:
    """A value and where it stands in the text.

    Attributes:
        value: a scalar; or `dict[str, Entry]`; or `list[Node]`.
        start: offset of its first character in the text.
        end: offset after its last character; blank lines and comments that follow do not belong to it.
        line: from 1.
        column: from 1.
        flow: written between brackets.
        alias: stands in the text as `*name`.
        anchor: others may refer to it.
    """

    value: Any
    start: int
    end: int
    line: int
    column: int
    flow: bool = False
    alias: bool = False
    anchor: str | None = None

    def plain(self) -> Any:
        """The value as dict, tuple and scalars."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return tuple(item.plain() for item in self.value)
        return self.value


@dataclass(slots=True)
class Entry:
    """A key of a mapping, with its place, and what it holds."""

    key: Node
    node: Node


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read."""

    node: Node
    key: Node | None = None
    skip: bool = False


@dataclass(slots=True)
class _Reader:
    text: str
    label: str
    problems: list[BadInput]
    anchors: dict[str, Node] = field(default_factory=dict)
    unfinished: set[int] = field(default_factory=set)
    sizes: dict[int, int] = field(default_factory=dict)


def read(text: str, *, label: str, problems: list[BadInput]) -> Node | None:
    """Read one document.

    Args:
        text: without a byte order mark.
        label: names the text in errors.
        problems: receives what is wrong but does not stop the reading, such as a key given twice.

    Returns:
        The root, or None for a text without any content.

    Raises:
        BadInput: the text is not YAML, or is larger or deeper than a canvas may be.
    """
    if len(text) > LARGEST_BYTES:
        raise BadInput(f"the canvas is larger than {LARGEST_BYTES // 1000} KB", where=label)
    reader = _Reader(text, label, problems)
    half = _SURROGATE.search(text)
    if half is not None:
        line, column = place(text, half.start())
        raise BadInput("half a character (a lone surrogate) stands here", where=f"{label}:{line}:{column}")
    try:
        return _compose(reader, yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise _broken(error, text=text, label=label) from None
    except yaml.reader.ReaderError as error:
        raise _unreadable(error, text=text, label=label) from None


def resolve(text: str) -> object:
    """The value of a plain scalar in the core schema of YAML 1.2.

    Example:
        >>> [resolve(text) for text in ("on", "012", "0o12", "1e3", "~", "true", "1_000")]
        ['on', 12, 10, 1000.0, None, True, '1_000']
    """
    if text in _WORDS:
        return _WORDS[text]
    if not text.isascii() or len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _compose(reader: _Reader, events: Iterator[Any]) -> Node | None:
    root: Node | None = None
    stack: list[_Open] = []
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            _check_document(event, number=documents, label=reader.label)
        elif isinstance(event, yaml.ScalarEvent):
            root = _attach(reader, stack, _scalar(reader, event)) or root
        elif isinstance(event, yaml.AliasEvent):
            root = _attach(reader, stack, _alias(reader, event)) or root
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(stack) >= DEEPEST:
                raise _at(reader.label, event, f"the canvas is nested more than {DEEPEST} deep")
            stack.append(_Open(_collection(reader, event)))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            done = stack.pop()
            _finish(reader, done, event)
            root = _attach(reader, stack, done.node) or root
    if root is None or (root.value is None and root.start == root.end):
        return None
    return root


def _check_document(event: Any, *, number: int, label: str) -> None:
    if number > 1:
        raise _at(label, event, "a second document begins", expected="one canvas in a file")
    if event.version not in {None, (1, 2)}:
        raise _at(label, event, "the text declares another version of YAML", expected="YAML 1.2, or no %YAML line")


def _scalar(reader: _Reader, event: Any) -> Node:
    plain = event.style in {None, ""} and event.implicit[0]
    value = resolve(event.value) if plain else event.value
    end = event.end_mark.index
    if event.style in {"|", ">"}:
        # The mark of a block scalar stands behind the blank lines and comments after it.
        end = _end_of_block(reader.text, event.start_mark.index, end, indent=_indent_of(reader.text, event))
    node = Node(value, event.start_mark.index, end, event.start_mark.line + 1, event.start_mark.column + 1)
    _tagged(reader, event, node)
    _anchored(reader, event, node)
    reader.sizes[id(node)] = 1
    return node


def _indent_of(text: str, event: Any) -> int:
    line_start = text.rfind("\n", 0, event.start_mark.index) + 1
    line = text[line_start : event.start_mark.index]
    return len(line) - len(line.lstrip(" "))


def _end_of_block(text: str, start: int, end: int, *, indent: int) -> int:
    lines = text[start:end].splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or _outside(lines[-1], indent=indent)):
        lines.pop()
    return start + len("".join(lines).rstrip("\r\n"))


def _outside(line: str, *, indent: int) -> bool:
    return line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) <= indent


def _alias(reader: _Reader, event: Any) -> Node:
    target = reader.anchors.get(event.anchor)
    if target is None:
        raise _at(reader.label, event, f"*{event.anchor} refers to nothing before it", expected=f"&{event.anchor}")
    if id(target) in reader.unfinished:
        raise _at(reader.label, event, f"*{event.anchor} stands inside what it refers to")
    mark = event.start_mark
    node = replace(
        target,
        start=mark.index,
        end=event.end_mark.index,
        line=mark.line + 1,
        column=mark.column + 1,
        alias=True,
        anchor=None,
    )
    reader.sizes[id(node)] = reader.sizes[id(target)]
    return node


def _collection(reader: _Reader, event: Any) -> Node:
    mapping = isinstance(event, yaml.MappingStartEvent)
    mark = event.start_mark
    node = Node({} if mapping else [], mark.index, mark.index, mark.line + 1, mark.column + 1, flow=event.flow_style)
    _tagged(reader, event, node)
    _anchored(reader, event, node)
    reader.unfinished.add(id(node))
    reader.sizes[id(node)] = 1
    return node


def _finish(reader: _Reader, done: _Open, event: Any) -> None:
    node = done.node
    reader.unfinished.discard(id(node))
    if node.flow:
        node.end = event.end_mark.index
        return
    last = list(node.value.values())[-1].node if isinstance(node.value, dict) and node.value else None
    if isinstance(node.value, list) and node.value:
        last = node.value[-1]
    node.end = max(node.end, last.end if last else node.start)


def _attach(reader: _Reader, stack: list[_Open], node: Node) -> Node | None:
    """Put a value where it belongs; gives it back when it is the root."""
    if not stack:
        return node
    parent = stack[-1]
    size = reader.sizes[id(node)]
    reader.sizes[id(parent.node)] += size
    if reader.sizes[id(parent.node)] > MOST_VALUES:
        raise BadInput(f"the canvas unfolds to more than {MOST_VALUES:,} values", where=_where(reader.label, node))
    parent.node.end = max(parent.node.end, node.end)
    if isinstance(parent.node.value, list):
        parent.node.value.append(node)
    elif parent.key is None:
        parent.key = node
    else:
        _put(reader, parent, parent.key, node)
        parent.key = None
    return None


def _put(reader: _Reader, parent: _Open, key: Node, node: Node) -> None:
    if not isinstance(key.value, str):
        shown = "" if isinstance(key.value, dict | list | None) else f" {key.value}"
        reader.problems.append(
            BadInput(
                f"the key{shown} is not text", where=_where(reader.label, key), expected="a name, or quotes around it"
            )
        )
        return
    first = parent.node.value.get(key.value)
    if first is not None:
        reader.problems.append(
            BadInput(
                f"the key {key.value[:60]!r} stands here a second time",
                where=_where(reader.label, key),
                expected=f"it once; the first is in line {first.key.line}",
            )
        )
        return
    parent.node.value[key.value] = Entry(key, node)


def _tagged(reader: _Reader, event: Any, node: Node) -> None:
    if event.tag in {None, "!"}:
        return
    kinds = _TAGS.get(event.tag)
    scalar = isinstance(event, yaml.ScalarEvent)
    if kinds and scalar and not isinstance(node.value, kinds):
        # A tag may give a plain or quoted scalar its type: !!str 12, !!int "12".
        value = event.value if kinds == (str,) else resolve(event.value)
        if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
            node.value = value
    if kinds is None or not isinstance(node.value, kinds):
        reader.problems.append(
            BadInput(
                f"the tag {str(event.tag)[:60]!r} does not fit here or is unknown",
                where=_where(reader.label, node),
                expected="plain YAML without tags",
            )
        )


def _anchored(reader: _Reader, event: Any, node: Node) -> None:
    if event.anchor:
        node.anchor = event.anchor
        reader.anchors[event.anchor] = node


def _where(label: str, node: Node) -> str:
    return f"{label}:{node.line}:{node.column}"


def _at(label: str, event: Any, what: str, *, expected: str | None = None) -> BadInput:
    mark = event.start_mark
    return BadInput(what, where=f"{label}:{mark.line + 1}:{mark.column + 1}", expected=expected)


def _broken(error: yaml.MarkedYAMLError, *, text: str, label: str) -> BadInput:
    mark = error.problem_mark or error.context_mark
    where = f"{label}:{mark.line + 1}:{mark.column + 1}" if mark else label
    if mark and text[mark.index : mark.index + 1] == "\t":
        return BadInput("a tab stands where YAML allows blanks only", where=where, expected="blanks for indentation")
    what = " ".join(part for part in (error.context, error.problem) if part) or "it cannot be read"
    began = error.context_mark
    if mark and began and began.line < mark.line:
        what += f"; what is not finished here began in line {began.line + 1}"
    expected = None
    if "mapping values are not allowed" in what:
        expected = "one `key: value` in a line; text that holds `: ` goes between quotes"
    return BadInput(f"this is not YAML: {what}", where=where, expected=expected)


def _unreadable(error: Any, *, text: str, label: str) -> BadInput:
    position = error.position if isinstance(error.position, int) else 0
    # The position counts characters in the Python reader and bytes in the C one; the character itself is known.
    found = next((offset for offset, letter in enumerate(text) if ord(letter) == error.character), position)
    line, column = place(text, min(found, len(text)))
    return BadInput(f"the character {chr(error.character)!a} cannot stand in YAML", where=f"{label}:{line}:{column}")

"""From a part of an answer to the line and column where it stands."""

from __future__ import annotations

from stackcanvas.canvas.problems import Location
from stackcanvas.canvas.syntax import Node


def node_at(root: Node, location: Location) -> tuple[Node, bool]:
    """The node of a part, or of the nearest part around it that is written; and whether it is the part itself.

    Names of variants in the location, which stand nowhere in the text, are passed over. Entries of lists are counted
    from 0, as numbers or as their text.
    """
    here, exact = root, True
    for part in location:
        value = here.value
        if isinstance(value, dict) and part in value:
            here = value[part].node
        elif isinstance(value, list) and str(part).isdecimal() and int(part) < len(value):
            here = value[int(part)]
        else:
            exact = False
    return here, exact


def key_at(root: Node, location: Location) -> Node:
    """The key of a part of a mapping; the part around it where the key is not written."""
    around, _ = node_at(root, location[:-1])
    if isinstance(around.value, dict) and location[-1] in around.value:
        key: Node = around.value[location[-1]].key
        return key
    return around


def where(label: str, node: Node) -> str:
    """A place as people and editors read it."""
    return f"{label}:{node.line}:{node.column}"

"""Refs name everything that the stack keeps: `kind:name[@selector]`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from stackcanvas.errors import BadInput, nearest

KINDS = (
    "data",
    "view",
    "model",
    "run",
    "deployment",
    "prediction",
    "pipeline",
    "execution",
    "report",
    "split",
    "annotation",
)
_LONGEST = 500


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """A kind, a name and, where there are several, which one.

    Args:
        kind: one of `KINDS`.
        name: as the user wrote it.
        selector: a number, a semantic version or an alias; None means the latest or the only one.

    Raises:
        BadInput: the kind is unknown or the name cannot be used.

    Example:
        >>> ref = Ref.parse("data:flights@3")
        >>> ref.kind, ref.name, ref.number
        ('data', 'flights', 3)
        >>> str(Ref.parse("delay@champion", kind="model"))
        'model:delay@champion'
    """

    kind: str
    name: str
    selector: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            near = nearest(self.kind, KINDS)
            raise BadInput(
                f"{self.kind!r} is not a kind of ref",
                expected=f"one of {', '.join(KINDS)}",
                fix=f"Did you mean {near!r}?" if near else None,
            )
        check_name(self.name, kind=self.kind)
        if self.selector is not None:
            _check_selector(self.selector, f"{self.kind}:{self.name}")

    @classmethod
    def parse(cls, text: str, *, kind: str | None = None) -> Ref:
        """Read a ref, in its full form or, where `kind` is given, in its short one.

        Raises:
            BadInput: it is not a ref, or it is one of another kind.
        """
        head, colon, rest = text.partition(":")
        if colon and head in KINDS:
            if kind is not None and head != kind:
                raise BadInput(f"{text!r} names a {head}", expected=f"a {kind}, such as {kind}:NAME")
            body, found = rest, head
        elif kind is not None:
            body, found = text, kind
        else:
            raise BadInput(f"{text!r} is not a ref", expected="kind:name[@selector], such as data:flights@3")
        name, at, selector = body.rpartition("@")
        return cls(found, unquote(name if at else body), unquote(selector) if at else None)

    @property
    def number(self) -> int | None:
        """The selector as a version number, where it is one."""
        return int(self.selector) if self.selector and self.selector.isascii() and self.selector.isdigit() else None

    def at(self, selector: str | int) -> Ref:
        """The same name with another selector."""
        return Ref(self.kind, self.name, str(selector))

    def __str__(self) -> str:
        body = f"{self.kind}:{_escape(self.name)}"
        return body if self.selector is None else f"{body}@{_escape(self.selector)}"


def check_name(name: str, *, kind: str) -> None:
    """Refuse a name that no store, address or terminal could carry.

    Raises:
        BadInput: it is empty, too long, padded, or holds a control character.
    """
    problem = None
    if not name or name != name.strip():
        problem = "is empty or begins or ends with a blank"
    elif len(name) > _LONGEST:
        problem = f"has {len(name)} characters"
    elif not name.isprintable():
        problem = "holds a character that cannot be printed"
    elif any(part in {"", ".", ".."} for part in name.split("/")):
        problem = "holds an empty, '.' or '..' part between slashes"
    if problem:
        shown = name if len(name) <= 60 else f"{name[:57]}..."
        raise BadInput(f"the {kind} name {shown!r} {problem}", expected=f"1 to {_LONGEST} printable characters")


def _check_selector(selector: str, thing: str) -> None:
    expected = "a number, a version or an alias"
    if not selector:
        raise BadInput(f"the ref {thing}@ ends in @", expected=expected)
    if selector != selector.strip() or not selector.isprintable() or len(selector) > _LONGEST:
        raise BadInput(f"{selector[:60]!r} cannot tell one {thing} from another", expected=expected)


def _escape(text: str) -> str:
    # Only the two characters that would be read as something else; all others stay readable.
    return "".join(quote(letter, safe="") if letter in "%@" else letter for letter in text)

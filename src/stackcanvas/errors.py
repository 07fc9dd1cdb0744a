"""The errors a user can meet; each builds its own sentence and carries its REST status and exit code.

    StackCanvasError
    ├── BadInput        400, exit 3    what was given cannot be used
    │   └── BadInputs   400, exit 3    several of them, reported at once
    ├── Usage           400, exit 2    the command or call itself is wrong
    ├── Refused         403, exit 1    understood, and the answer is no (a gate, a rule, a role)
    ├── NotFound        404, exit 4    the thing named does not exist
    ├── Conflict        409, exit 5    it clashes with what is there
    ├── Unavailable     503, exit 6    a service, file or address cannot be used now
    │   └── MissingExtra               an optional package is not installed
    └── Corrupt         500, exit 70   stored bytes or records are not what was written

Blocks derive their own errors from these in the room where they arise.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class StackCanvasError(Exception):
    """What is wrong, where, what was expected, and the command that mends it.

    Args:
        what: one clause, without a full stop.
        where: `file:line:column`, a record or a ref; comes first in the sentence.
        expected: what would have been right.
        fix: a command or a step that mends it, as a sentence without a full stop.

    Example:
        >>> str(BadInput("the port is text", where="canvas.yaml:3:7", expected="a number"))
        'canvas.yaml:3:7: the port is text. Expected: a number.'
    """

    status = 500
    exit_code = 70

    def __init__(
        self, what: str, *, where: str | None = None, expected: str | None = None, fix: str | None = None
    ) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.fix = fix
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """The message as plain sentences."""
        parts = [f"{self.where}: {self.what}." if self.where else f"{self.what}."]
        if self.expected:
            parts.append(f"Expected: {self.expected}.")
        if self.fix:
            parts.append(self.fix if self.fix.endswith("?") else f"{self.fix}.")
        return " ".join(parts)

    def to_dict(self) -> dict[str, object]:
        """The error as programs read it (CLI with `--format json`, REST)."""
        facts = {"what": self.what, "where": self.where, "expected": self.expected, "fix": self.fix}
        return {
            "error": self.sentence(),
            "kind": type(self).__name__,
            **{key: value for key, value in facts.items() if value},
        }

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross process boundaries: keep the built sentence and the facts."""
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[StackCanvasError], args: tuple[object, ...], facts: dict[str, object]) -> StackCanvasError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(facts)
    return error


class BadInput(StackCanvasError):
    """What was given cannot be used."""

    status = 400
    exit_code = 3


class BadInputs(BadInput):
    """Several problems, reported at once so that they can be mended in one go."""

    def __init__(self, errors: Sequence[BadInput]) -> None:
        self.errors = tuple(errors)
        super().__init__(f"{len(self.errors)} problems")

    def sentence(self) -> str:
        """One problem a line."""
        return "\n".join(error.sentence() for error in self.errors)

    def to_dict(self) -> dict[str, object]:
        """The sentence and every problem as a record of its own."""
        return {
            "error": self.sentence(),
            "kind": type(self).__name__,
            "errors": [error.to_dict() for error in self.errors],
        }


class Usage(StackCanvasError):
    """The command or call itself is wrong."""

    status = 400
    exit_code = 2


class Refused(StackCanvasError):
    """Understood, and the answer is no."""

    status = 403
    exit_code = 1


class NotFound(StackCanvasError):
    """The thing named does not exist; the nearest known name is offered.

    Args:
        kind: what was looked for, such as `data set`.
        name: the name that was given.
        known: names that do exist.

    Example:
        >>> str(NotFound("data set", "flihgts", known=["flights", "planes"]))
        "There is no data set 'flihgts'. Did you mean 'flights'?"
    """

    status = 404
    exit_code = 4

    def __init__(
        self, kind: str, name: str, *, known: Iterable[str] = (), where: str | None = None, fix: str | None = None
    ) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        self.near = nearest(name, self.known)
        super().__init__(f"There is no {kind} {name!r}", where=where, fix=fix)

    def sentence(self) -> str:
        """The message with the nearest name, or the few names there are."""
        said = super().sentence()
        if self.near:
            return f"{said} Did you mean {self.near!r}?"
        if 0 < len(self.known) <= 8:
            return f"{said} Known: {', '.join(self.known)}."
        return said


class Conflict(StackCanvasError):
    """It clashes with what is there."""

    status = 409
    exit_code = 5


class Unavailable(StackCanvasError):
    """A service, file or address cannot be used now."""

    status = 503
    exit_code = 6


class MissingExtra(Unavailable):
    """An optional package is not installed.

    Example:
        >>> str(MissingExtra("PostgreSQL", "postgres"))
        "PostgreSQL needs a package that is not installed. Run: pip install 'stackcanvas[postgres]'."
    """

    def __init__(self, need: str, extra: str) -> None:
        super().__init__(
            f"{need} needs a package that is not installed", fix=f"Run: pip install 'stackcanvas[{extra}]'"
        )


class Corrupt(StackCanvasError):
    """Stored bytes or records are not what was written."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None when none is near.

    Example:
        >>> nearest("canry", ["canary", "shadow"])
        'canary'
    """
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None

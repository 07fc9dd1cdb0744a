"""Reading every byte that the stack keeps, and naming what is not as it was recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stackcanvas.stack.heads import verify
from stackcanvas.stack.stack import Stack


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was recorded.

    Args:
        ref: what suffers.
        what: what is wrong.
        fix: what can be done.
    """

    ref: str
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was read and what was found.

    Args:
        versions: of data sets.
        models: versions of models.
        entries: of the audit log.
        size_bytes: of data that was read.
    """

    versions: int
    models: int
    entries: int
    size_bytes: int
    damage: tuple[Damage, ...]


def fsck(stack: Stack, *, progress: Callable[[int], None] | None = None) -> Checked:
    """Read every version of data and models and the audit log, and compare them with what was recorded.

    Args:
        progress: told how many bytes of data more were read.
    """
    data = stack.data.verify(progress=progress)
    models = stack.registry.verify()
    altered = verify(stack)
    damage = [
        Damage(
            str(problem.version or "data"),
            problem.what if problem.path is None else f"{problem.path}: {problem.what}",
            "Bring it back from a remote or a backup: stackcanvas data pull, or stackcanvas restore into a new project",
        )
        for problem in data.problems
    ]
    damage += [
        Damage(str(found.ref), said, "Register it anew: run its pipeline again")
        for found in models
        for said in found.problems
    ]
    damage += [
        Damage("audit log", f"entry {problem.sequence} {problem.what}", "Compare it with a backup: stackcanvas backup")
        for problem in altered
    ]
    return Checked(data.versions, len(models), stack.spine.audit.head()[0], data.size_bytes, tuple(damage))

"""Evidence: what the records of the running stack say of each block of the canvas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the records show.

    Args:
        label: what it is, in a few words.
        value: as a person reads it.
        ref: what it is about, for a link.
        tone: `plain`, `good`, `warn` or `bad`.
    """

    label: str
    value: str
    ref: str | None = None
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class BlockEvidence:
    """What the records say of one block.

    Args:
        block: id of the block, such as `data`.
        facts: the most telling first.
        warnings: sentences on what does not fit the answers.
    """

    block: str
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()

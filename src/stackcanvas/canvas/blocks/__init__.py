"""The typed answers of the eleven blocks and the dilemmas; one file a block."""

from stackcanvas.canvas.blocks.tree import (
    BLOCK_ANSWERS,
    DEFAULTS,
    PER_MODEL,
    QUESTION_IDS,
    Answers,
    key_of,
    place_of,
)

__all__ = ["BLOCK_ANSWERS", "DEFAULTS", "PER_MODEL", "QUESTION_IDS", "Answers", "key_of", "place_of"]

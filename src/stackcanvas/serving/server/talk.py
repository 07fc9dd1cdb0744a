"""What the operator reads: one line a matter, on standard error."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Write one line now; a closed standard error is nobody's matter."""
    try:
        sys.stderr.write(f"prediction server: {text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return

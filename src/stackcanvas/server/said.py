"""What fails in a process: said once however many parts of it meet the same fault, and known until it is over."""

from __future__ import annotations

import logging
import threading

from stackcanvas.errors import StackCanvasError


class Said:
    """Keeps what fails and logs what changes.

    A database that goes away is met by every part of a worker, again and again: one line tells it, and one tells that
    it is over.

    Args:
        log: where it is said.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._wrong: dict[str, str] = {}

    def wrong(self, name: str, error: Exception) -> None:
        """A part failed."""
        said = sentence_of(error)
        with self._lock:
            known = said in self._wrong.values()
            self._wrong[name] = said
        if not known:
            expected = isinstance(error, StackCanvasError)
            self._log.error("%s failed: %s", name, said, exc_info=None if expected else error)

    def right(self, name: str) -> None:
        """A part works."""
        with self._lock:
            said = self._wrong.pop(name, None)
            over = said is not None and said not in self._wrong.values()
        if over:
            self._log.info("%s works again", name)

    def forget(self, name: str) -> None:
        """A part is no more."""
        with self._lock:
            self._wrong.pop(name, None)

    def failing(self) -> dict[str, str]:
        """What fails now: the sentence by the name of the part."""
        with self._lock:
            return dict(self._wrong)


def sentence_of(error: Exception) -> str:
    """What an error says, with its kind where it is not one of ours."""
    return error.sentence() if isinstance(error, StackCanvasError) else f"{type(error).__name__}: {error}"

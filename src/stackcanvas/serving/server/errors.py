"""The errors of HTTP itself; all others come from `stackcanvas.errors`, and every answer is `{"error": ...}`."""

from __future__ import annotations

from stackcanvas.errors import BadInput, StackCanvasError


class TooLarge(BadInput):
    """The body is larger than this server takes."""

    status = 413


class WrongMethod(BadInput):
    """The path exists, for another method."""

    status = 405


class ModelFailed(StackCanvasError):
    """The model raised, or gave what cannot be answered with, and no fallback is set."""

    status = 500


class ClientGone(Exception):
    """The client closed the connection before its request was whole; nobody waits for an answer."""

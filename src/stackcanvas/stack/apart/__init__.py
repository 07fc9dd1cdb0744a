"""Heavy work that a request asks a web process for: done in a process of its own, within limits."""

from stackcanvas.stack.apart.apart import Apart, Limits

__all__ = ["Apart", "Limits"]

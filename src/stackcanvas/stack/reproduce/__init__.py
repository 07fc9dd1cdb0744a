"""Running again what a run did, and telling whether the same came of it, and if not why that may be."""

from stackcanvas.stack.reproduce.reproduce import Reproduction, reproduce

__all__ = ["Reproduction", "reproduce"]

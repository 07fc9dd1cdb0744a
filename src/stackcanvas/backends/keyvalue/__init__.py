"""The key-value store behind online features. A file by default, usable from several processes at once."""

from stackcanvas.backends.keyvalue.base import KeyValue
from stackcanvas.backends.keyvalue.open import open_keyvalue

__all__ = ["KeyValue", "open_keyvalue"]

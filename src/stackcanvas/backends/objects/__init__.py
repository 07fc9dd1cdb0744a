"""Objects: bytes under a key. A folder by default."""

from stackcanvas.backends.objects.base import ObjectInfo, Objects, check_key
from stackcanvas.backends.objects.open import open_objects

__all__ = ["ObjectInfo", "Objects", "check_key", "open_objects"]

"""Objects: bytes under a key. A folder by default."""

from stackcanvas.backends.objects.base import ObjectInfo, Objects, check_key
from stackcanvas.backends.objects.open import open_objects
from stackcanvas.backends.objects.transfer import CopiedObjects, copy_objects, fingerprint_of

__all__ = ["CopiedObjects", "ObjectInfo", "Objects", "check_key", "copy_objects", "fingerprint_of", "open_objects"]

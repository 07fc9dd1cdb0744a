"""Block 7: the bytes of registered models."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.blocks.registry import ModelStorage
from stackcanvas.canvas.cost.asking import Asking
from stackcanvas.canvas.cost.figures import Row

_QUESTION = "registry.storage"


def rows(ask: Asking) -> Iterator[Row]:
    """What keeping models costs."""
    if ask.set_aside(_QUESTION):
        return
    answer = ask.of(_QUESTION, ModelStorage)
    versions = ask.driver("versions", f"{_QUESTION}.versions_kept", answer.versions_kept, unit="versions")
    size = ask.size("GB a version", f"{_QUESTION}.version_size", answer.version_size)
    own = answer.url is not None
    book = ask.objects(f"{_QUESTION}.url" if own else "data.storage.objects")
    yield ask.row(
        "registry.storage",
        "storage of models",
        "infrastructure",
        _QUESTION,
        (versions, size),
        book.need("objects_gb_month"),
    )

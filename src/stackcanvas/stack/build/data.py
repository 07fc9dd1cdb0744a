"""Data versions over the spine and the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.data import Data

if TYPE_CHECKING:
    import polars as pl

    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Data:
    """The data sets of a project; the prediction log of an endpoint reads as `predictions/ENDPOINT`."""

    def predictions(name: str) -> pl.LazyFrame:
        return stack.serving.log.scan(name.removeprefix("predictions/"))

    cache = stack.folder / "cache"
    sources = stack.answers().get("data.sources") or ()
    expectations = {source.name: source.expectations for source in sources if source.expectations is not None}
    readers = {"predictions": predictions}
    return Data(
        stack.spine,
        stack.objects,
        stack.root,
        cache,
        readers=readers,
        remote=stack.settings.remote,
        expectations=expectations,
    )

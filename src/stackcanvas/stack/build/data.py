"""Data versions over the spine and the objects."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks import data as answered
from stackcanvas.data import Data, Source

if TYPE_CHECKING:
    import polars as pl

    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Data:
    """The data sets of a project; the prediction log of an endpoint reads as `predictions/ENDPOINT`."""

    def predictions(name: str) -> pl.LazyFrame:
        return stack.serving.log.scan(name.removeprefix("predictions/"))

    cache = stack.folder / "cache"
    sources = stack.answers().get("data.sources") or ()
    origins = {source.name: partial(_origin, source) for source in sources if source.url is not None}
    told = ("licence", "ownership", "personal")
    about = {source.name: {fact: getattr(source, fact) for fact in told} for source in sources}
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
        sources=origins,
        about=about,
    )


def _origin(source: answered.Source) -> Source:
    """Where a source is read from; its secrets are asked of the environment when it is read."""
    assert source.url is not None
    return Source(source.url.resolve(os.environ, where=f"data.sources, {source.name}"), source.query)

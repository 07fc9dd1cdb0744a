"""Data versions over the spine and the objects."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from stackcanvas.canvas.blocks import data as answered
from stackcanvas.data import Data, Source

if TYPE_CHECKING:
    import polars as pl

    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Data:
    """The data sets of a project; the prediction log of an endpoint reads as `predictions/ENDPOINT`."""

    def predictions(name: str) -> pl.LazyFrame:
        return stack.serving.log.scan(name.removeprefix("predictions/"))

    return Data(
        stack.spine,
        stack.objects,
        stack.root,
        stack.folder / "cache",
        readers={"predictions": predictions},
        remote=stack.settings.remote,
        **answered_of(stack),
    )


def answered_of(stack: Stack) -> dict[str, Any]:
    """What the canvas says of data sets: where they come from, whose they are, what they must be like."""
    sources = stack.answers().get("data.sources") or ()
    told = ("licence", "ownership", "personal")
    return {
        "sources": {source.name: partial(_origin, source) for source in sources if source.url is not None},
        "about": {source.name: {fact: getattr(source, fact) for fact in told} for source in sources},
        "expectations": {one.name: one.expectations for one in sources if one.expectations is not None},
    }


def _origin(source: answered.Source) -> Source:
    """Where a source is read from; its secrets are asked of the environment when it is read."""
    assert source.url is not None
    return Source(source.url.resolve(os.environ, where=f"data.sources, {source.name}"), source.query)

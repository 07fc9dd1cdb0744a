"""scikit-learn estimators as skops writes them: a description that is read without running what it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput, MissingExtra
from stackcanvas.registry.formats.base import Exported
from stackcanvas.registry.formats.estimators import estimator

if TYPE_CHECKING:
    import polars as pl

try:
    import skops.io as skops_io
except ModuleNotFoundError as error:
    raise MissingExtra("a model kept as skops", "skops") from error

FILE = "model.skops"


def export(model: object, sample: pl.DataFrame, *, tolerance: float) -> Exported:
    """Keep a fitted estimator as skops writes it.

    Raises:
        BadInput: it is none, or holds what skops cannot write.
        Refused: the kept form gives other answers.
    """
    try:
        content: Any = skops_io.dumps(model)
        trusted = skops_io.get_untrusted_types(data=content)
    except Exception as error:  # whatever the parts of a model raise when they are asked for their state
        raise BadInput(f"skops cannot write {type(model).__name__}: {error}") from error
    return estimator("skops", FILE, bytes(content), model, sample, tolerance=tolerance, trusted=trusted)

"""What a format of models is: a way to keep one as files, and a way to predict with those files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from stackcanvas.registry.signature import Signature

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a model in its kept form agrees with the model that was given.

    Args:
        rows: how many rows were compared.
        worst: the largest difference; for a regressor relative to one plus the prediction.
        tolerance: what was allowed.
    """

    rows: int
    worst: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Exported:
    """A model in the form in which it is kept.

    Args:
        files: name -> bytes.
        agreement: None for a model that was given in this form already.
        runtime: what its loader must know: `file`, and how the answers are meant.
    """

    files: dict[str, bytes]
    signature: Signature
    agreement: Agreement | None
    runtime: Mapping[str, Any] = field(default_factory=dict)


class LoadedModel(Protocol):
    """A registered model that can predict."""

    signature: Signature

    def predict(self, frame: pl.DataFrame, /) -> dict[str, np.ndarray[Any, Any]]:
        """The outputs by name, for the rows of a frame that holds the model's columns.

        Raises:
            BadInput: a column is missing or cannot be read as the model takes it.
        """
        ...


class Exporter(Protocol):
    """Turns a model into files, and refuses when they would answer otherwise than the model."""

    def __call__(self, model: object, sample: pl.DataFrame, *, tolerance: float) -> Exported:
        """The files of a model, its signature, and how well they agree with it on the sample."""
        ...


Loader = Callable[[Mapping[str, bytes], Signature, Mapping[str, Any]], LoadedModel]
"""Takes the files, the signature and the runtime facts of a version."""

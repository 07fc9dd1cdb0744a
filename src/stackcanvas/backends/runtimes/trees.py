"""LightGBM and XGBoost models from their own files, which hold numbers and no code."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from stackcanvas.errors import Corrupt, MissingExtra

Array = npt.NDArray[Any]
Raw = Callable[[Array], Array]
"""Takes a matrix of rows; gives a number a row, or one for each class."""

FILES = {"lightgbm": "model.lgb", "xgboost": "model.ubj"}
"""What the file of each is called when it is written here."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output of a model.

    Args:
        classes: what the columns of probabilities stand for.
    """

    name: str
    dtype: npt.DTypeLike
    sides: tuple[int, ...] = ()
    classes: Sequence[Any] = field(default=())


def raw(format: str, content: bytes, *, where: str, threads: int = 1) -> Raw:  # noqa: A002 - the word of the canvas
    """The model in the bytes of its file.

    Raises:
        MissingExtra: the library is not installed.
        Corrupt: it cannot read the bytes.
    """
    library = installed(format)
    try:
        return _LOADERS[format](library, content, threads)
    except Exception as error:  # each library has an error of its own
        raise Corrupt(f"{format} cannot load the model: {str(error).strip()[:300]}", where=where) from error


def installed(format: str) -> Any:  # noqa: A002 - as above
    """The library of a format.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module(format)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"a model kept as {format}", format) from error


def outputs(given: Array, wanted: Sequence[Wanted], *, answer: str = "") -> list[Array]:
    """The outputs of a model from the numbers that its trees give.

    Args:
        answer: `label` when the output that is named `prediction` is the class, not its probability.
    """
    found = []
    for one in wanted:
        is_label = one.name == "label" or (one.name == "prediction" and answer == "label")
        values = _labels(given, one.classes) if is_label else given
        found.append(np.asarray(values).astype(one.dtype, copy=False).reshape((len(given), *one.sides)))
    return found


def _labels(given: Array, classes: Sequence[Any]) -> Array:
    place = (given > 0.5).astype(np.int64) if given.ndim == 1 else given.argmax(axis=1)
    return np.asarray(classes)[place] if len(classes) else place


def _lightgbm(library: Any, content: bytes, threads: int) -> Raw:
    booster = library.Booster(model_str=content.decode("utf-8"))

    def run(matrix: Array) -> Array:
        values: Array = booster.predict(matrix, num_threads=threads, validate_features=False)
        return values

    return run


def _xgboost(library: Any, content: bytes, threads: int) -> Raw:
    booster = library.Booster(params={"nthread": threads})
    with TemporaryDirectory(prefix="stackcanvas-") as folder:
        # By a file: in memory the library guesses the form from the first bytes, and warns when they are text.
        path = Path(folder) / ("model.json" if content[:1] == b"{" and content[1:2] in b'"\n \t' else "model.ubj")
        path.write_bytes(content)
        booster.load_model(path)
    booster.set_param({"nthread": threads})

    def run(matrix: Array) -> Array:
        values: Array = booster.inplace_predict(matrix, validate_features=False)
        return values

    return run


_LOADERS: dict[str, Callable[[Any, bytes, int], Raw]] = {"lightgbm": _lightgbm, "xgboost": _xgboost}

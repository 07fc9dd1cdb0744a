"""Any Python function that takes a frame and gives an array: kept as its module's source, never pickled."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.registry.formats.base import Agreement, Exported
from stackcanvas.registry.formats.estimators import agreed
from stackcanvas.registry.formats.loaded import ProcessModel
from stackcanvas.registry.signature import Output, Signature, infer_exact

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")


def export(model: object, sample: pl.DataFrame, *, tolerance: float) -> Exported:
    """Keep a function that takes a Polars frame and gives one value a row, or a row of values.

    Raises:
        BadInput: it is no function of a module's own, or what it gives is no array with a value for each row.
        Refused: in a process of its own it gives other answers.
    """
    function, source = _function(model)
    if sample.is_empty():
        raise BadInput("the sample has no rows", expected="some rows as the function takes them")
    expected = np.asarray(function(sample))
    if expected.ndim not in {1, 2} or len(expected) != sample.height:
        shape = list(expected.shape)
        raise BadInput(f"the function gave the shape {shape} for {sample.height} rows", expected="one value a row")
    is_text = expected.dtype.kind in "UO"
    output = Output("prediction", "BYTES" if is_text else "FP64", (-1, *expected.shape[1:]))
    signature = Signature(infer_exact(sample, nullable=True), (output,))
    module = Path(source).stem
    files = {f"code/{module}.py": Path(source).read_bytes()}
    runtime = {"module": module, "function": function.__qualname__}
    kept = ProcessModel(files, signature, runtime, format="python")
    try:
        found = kept.predict(sample)["prediction"]
    finally:
        kept.close()
    if is_text:
        same = bool(np.array_equal(found.astype(str), expected.astype(str)))
        agreement = Agreement(len(found), 0.0 if same else 1.0, tolerance)
    else:
        agreement = agreed(found, expected, tolerance, "python")
    return Exported(files, signature, agreement, runtime)


def _function(model: object) -> tuple[Any, str]:
    if not inspect.isfunction(model) or "<" in model.__qualname__:
        raise BadInput(
            f"a {type(model).__name__} cannot be registered as python",
            expected="a function that is defined at the top of a module",
        )
    source = inspect.getsourcefile(model)
    if source is None or not Path(source).is_file():
        raise BadInput(f"the source of {model.__qualname__} is in no file", fix="Put the function into a module")
    return model, source

"""The signature of a model: which columns go in, what comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.late import late

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")
    pl = late("polars")

_POLARS = {
    "BOOL": "Boolean",
    "INT8": "Int8",
    "INT16": "Int16",
    "INT32": "Int32",
    "INT64": "Int64",
    "UINT8": "UInt8",
    "UINT16": "UInt16",
    "UINT32": "UInt32",
    "UINT64": "UInt64",
    "FP16": "Float32",
    "FP32": "Float32",
    "FP64": "Float64",
    "BYTES": "String",
}


@dataclass(frozen=True, slots=True)
class Input:
    """A column that the model takes.

    Args:
        dtype: such as `FP32`, `INT64`, `BOOL` or `BYTES`, as the Open Inference Protocol names them.
        nullable: whether a value may be missing.
    """

    name: str
    dtype: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """A tensor that the model gives.

    Args:
        shape: of the tensor; -1 stands for the number of rows.
        classes: what the columns of a tensor of probabilities stand for; of two, `probability` is that of the second.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    classes: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """The columns that a model takes, in order, and the tensors that it gives.

    Example:
        >>> signature = Signature((Input("wind", "FP32", nullable=True),), (Output("label", "INT64", (-1,)),))
        >>> Signature.from_json(signature.to_json()) == signature
        True
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """As it is stored and served."""
        return {
            "inputs": [{"name": one.name, "dtype": one.dtype, "nullable": one.nullable} for one in self.inputs],
            "outputs": [
                {"name": one.name, "dtype": one.dtype, "shape": list(one.shape)}
                | ({"classes": list(one.classes)} if one.classes else {})
                for one in self.outputs
            ],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Iterable[Mapping[str, Any]]]) -> Signature:
        """As `to_json` gave it."""
        return cls(
            tuple(Input(one["name"], one["dtype"], one["nullable"]) for one in stored["inputs"]),
            tuple(
                Output(one["name"], one["dtype"], tuple(one["shape"]), tuple(one.get("classes", ())))
                for one in stored["outputs"]
            ),
        )


def infer_inputs(sample: pl.DataFrame) -> tuple[Input, ...]:
    """The inputs of a model that was trained on columns such as these.

    Numbers with a fraction are taken in single precision, which is what the model computes with. Whole numbers of
    which some are missing become numbers with a fraction, since only those can say that they are missing.

    Raises:
        BadInputs: every column that no model can take as it is.

    Example:
        >>> infer_inputs(pl.DataFrame({"carrier": ["AA", "UA"], "wind": [5.5, None], "month": [1, 2]}))
        (Input(name='carrier', dtype='BYTES', nullable=False), Input(name='wind', dtype='FP32', nullable=True), \
Input(name='month', dtype='INT64', nullable=False))
    """
    problems: list[BadInput] = []
    inputs = []
    for column in sample.iter_columns():
        try:
            inputs.append(_input(column))
        except BadInput as error:
            problems.append(error)
    if not inputs and not problems:
        problems.append(BadInput("the sample has no columns", expected="the features that the model was trained on"))
    if problems:
        raise BadInputs(problems)
    return tuple(inputs)


def tensors(frame: pl.DataFrame, inputs: Iterable[Input]) -> dict[str, np.ndarray[Any, Any]]:
    """The columns of a frame as the model takes them, each of shape [rows, 1].

    Raises:
        BadInput: a column is missing, or a value is missing where it may not be.
    """
    return {one.name: _tensor(frame, one) for one in inputs}


def infer_exact(sample: pl.DataFrame, *, nullable: bool) -> tuple[Input, ...]:
    """The inputs of a model that computes in the precision of its columns.

    Args:
        nullable: whether the model takes rows in which a number with a fraction is missing. Whether one happens to be
            missing in the sample says little: the signature would change from training to training.

    Raises:
        BadInputs: every column that no model can take as it is.
    """
    return tuple(
        Input(one.name, "FP64" if sample[one.name].dtype == pl.Float64 else "FP32", nullable)
        if one.dtype == "FP32"
        else one
        for one in infer_inputs(sample)
    )


def numpy_type(dtype: str) -> np.dtype[Any]:
    """What holds the values of a data type of the protocol.

    Example:
        >>> numpy_type("FP32")
        dtype('float32')
    """
    plain = {"BOOL": "bool", "BYTES": "object"}
    return np.dtype(plain.get(dtype) or dtype.lower().replace("fp", "float"))


def _input(column: pl.Series) -> Input:
    where = f"column {column.name!r} of the sample"
    missing = column.null_count()
    if isinstance(column.dtype, pl.String | pl.Categorical | pl.Enum) or column.dtype == pl.Boolean:
        if missing:
            kind = "text" if column.dtype != pl.Boolean else "a truth value"
            raise BadInput(
                f"{missing} of {column.len()} values are missing, and {kind} cannot say so to a model",
                where=where,
                fix="Fill them, for example with fill_null, before training"
                + ("" if column.dtype != pl.Boolean else ", or cast the column to Float32"),
            )
        return Input(column.name, "BOOL" if column.dtype == pl.Boolean else "BYTES")
    if column.dtype.is_float() or (column.dtype.is_integer() and missing):
        return Input(column.name, "FP32", nullable=bool(missing or column.is_nan().any()))
    if column.dtype.is_integer():
        return Input(column.name, "INT64")
    raise BadInput(
        f"it is of type {column.dtype}",
        where=where,
        expected="numbers, text or truth values",
        fix="Turn it into one of these before training",
    )


def _tensor(frame: pl.DataFrame, given: Input) -> np.ndarray[Any, Any]:
    if given.name not in frame.columns:
        raise BadInput(f"the model takes the column {given.name!r}, which is not there")
    column = frame[given.name]
    if not given.dtype.startswith("FP") and column.null_count():
        raise BadInput(f"{column.null_count()} values are missing", where=f"column {given.name!r}")
    try:
        values = column.cast(getattr(pl, _POLARS[given.dtype])).to_numpy()
        if given.dtype == "BYTES":
            values = values.astype(object)
    except pl.exceptions.PolarsError as error:
        raise BadInput(
            f"{column.dtype} cannot be read as {given.dtype} ({str(error).splitlines()[0]})",
            where=f"column {given.name!r}",
        ) from error
    return values.reshape(-1, 1)

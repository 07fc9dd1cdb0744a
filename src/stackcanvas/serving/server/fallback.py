"""What answers when the model cannot: a constant, or another bundle on the same columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stackcanvas.errors import BadInput, Corrupt
from stackcanvas.serving.server.bundle import Bundle
from stackcanvas.serving.server.documents import FallbackSpec
from stackcanvas.serving.server.signature import Array, Output, Rows, Signature
from stackcanvas.serving.server.values import from_list

Fallback = Callable[[Rows, int], list[Array]]
"""Answers so many rows of the first bundle's layout."""


def make_fallback(
    spec: FallbackSpec | None, signature: Signature, load: Callable[[str], Bundle], *, where: str
) -> Fallback | None:
    """The fallback of an endpoint for a bundle of that signature; None when the route names none.

    Raises:
        Corrupt: it cannot stand in for the bundle: an output is missing or another, or it needs other columns.
    """
    if spec is None or (spec.model is None and spec.constant is None):
        return None
    if spec.constant is not None:
        constants = [_constant(output, spec.constant.get(output.name), where) for output in signature.outputs]
        return lambda _, count: [np.repeat(one, count, axis=0) for one in constants]
    assert spec.model is not None
    other = load(spec.model)
    if other.signature.outputs != signature.outputs:
        raise Corrupt("the fallback model has other outputs than the model", where=where)
    for column in other.signature.columns.values():
        mine = signature.columns.get(column.name)
        if mine is None or mine.dtype != column.dtype:
            raise Corrupt(f"the fallback model needs {column.name!r} as {column.dtype}, the model not", where=where)
    if not other.signature.takes_records:
        raise Corrupt("the fallback model takes unnamed values", where=where)
    return lambda rows, count: other.run(_project(rows, count, signature, other.signature))


def _constant(output: Output, value: object, where: str) -> Array:
    if value is None:
        raise Corrupt(f"the constant fallback names no {output.name!r}", where=where)
    values = value if isinstance(value, list) else [value]
    if len(values) != output.width:
        raise Corrupt(
            f"the constant for {output.name!r} has {len(values)} values", where=where, expected=f"{output.width}"
        )
    try:
        return from_list(values, output.dtype).reshape((1, *output.shape[1:]))
    except BadInput as error:
        raise Corrupt(f"the constant for {output.name!r} does not fit: {error}", where=where) from error


def _project(rows: Rows, count: int, given: Signature, wanted: Signature) -> Rows:
    projected = wanted.empty(count)
    for column in wanted.columns.values():
        projected[column.group][:, column.position] = given.column(rows, column.name)
    return projected

"""Rows are looked at before the model sees them, and its answers before the client does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackcanvas.errors import Corrupt
from stackcanvas.serving.server.documents import Action, CheckSpec
from stackcanvas.serving.server.signature import NUMPY_TYPES, Array, Rows, Signature

Mask = npt.NDArray[np.bool_]
_Look = Callable[[Array], Mask]


@dataclass(frozen=True, slots=True)
class Failure:
    """One rule that some rows break."""

    column: str
    what: str
    action: Action
    rows: Mask


class InputChecks:
    """The rules for the rows of one bundle: its own, and those that follow from the signature.

    A value may be missing where the signature says so; elsewhere it is refused, unless a `not_null` rule for that
    column says otherwise. Infinities are refused always.

    Raises:
        Corrupt: a rule names a column that does not exist, or does not fit its data type.
    """

    def __init__(self, signature: Signature, specs: Sequence[CheckSpec], *, where: str) -> None:
        self._signature = signature
        outputs = {output.name for output in signature.outputs}
        mine = [spec for spec in specs if spec.column in signature.columns or spec.column not in outputs]
        for spec in mine:
            if spec.column not in signature.columns:
                raise Corrupt(f"a check names the column {spec.column!r}, which the model does not have", where=where)
        ruled = {spec.column for spec in mine if spec.rule == "not_null"}
        self._strict: list[Mask | None] = []
        for group in signature.groups:
            strict = ~group.nullable
            for column in group.columns:
                strict[column.position] &= column.name not in ruled
            self._strict.append(strict if group.floating else None)
        looks = {id(spec): _look(spec, signature.columns[spec.column].dtype, where) for spec in mine}
        self._not_null = [spec for spec in mine if spec.rule == "not_null"]
        self._allowed = [(spec, looks[id(spec)]) for spec in mine if spec.rule == "allowed"]
        self._ranges = [
            [(spec, looks[id(spec)]) for spec in mine if spec.rule == "range" and _group(signature, spec) == index]
            for index in range(len(signature.groups))
        ]
        self._bounds = [
            _bounds(signature, index, [spec for spec, _ in ranges]) for index, ranges in enumerate(self._ranges)
        ]

    def failures(self, rows: Rows) -> list[Failure]:
        """The rules that some rows break; an empty list for good rows."""
        found: list[Failure] = []
        for index, matrix in enumerate(rows):
            strict = self._strict[index]
            if strict is not None and not np.isfinite(matrix).all():
                found += self._not_finite(index, matrix, strict)
            bounds = self._bounds[index]
            if bounds is not None and ((matrix < bounds[0]) | (matrix > bounds[1])).any():
                found += self._broken(rows, self._ranges[index])
        return found + self._broken(rows, self._allowed) if self._allowed else found

    def _broken(self, rows: Rows, rules: Sequence[tuple[CheckSpec, _Look]]) -> list[Failure]:
        looked = [(spec, look(self._signature.column(rows, spec.column))) for spec, look in rules]
        return [Failure(spec.column, _said(spec), spec.action, broken) for spec, broken in looked if broken.any()]

    def _not_finite(self, index: int, matrix: Array, strict: Mask) -> list[Failure]:
        found: list[Failure] = []
        missing: Mask = np.isnan(matrix)
        infinite: Mask = np.isinf(matrix)
        names = {column.position: column.name for column in self._signature.groups[index].columns}
        for what, mask, at in (
            ("is not a finite number", infinite, infinite.any(axis=0)),
            ("is missing", missing, missing.any(axis=0) & strict),
        ):
            found += [Failure(_name(names, int(one)), what, "reject", mask[:, one]) for one in np.flatnonzero(at)]
        for spec in self._not_null:
            column = self._signature.columns[spec.column]
            if column.group == index and missing[:, column.position].any():
                found.append(Failure(spec.column, "is missing", spec.action, missing[:, column.position]))
        return found


class OutputChecks:
    """The rules for what a model gives: finite numbers always, and the bundle's own rules on outputs."""

    def __init__(self, signature: Signature, specs: Sequence[CheckSpec], *, where: str) -> None:
        by_name = {output.name: at for at, output in enumerate(signature.outputs)}
        self._names = [output.name for output in signature.outputs]
        self._floating = [NUMPY_TYPES[output.dtype].kind == "f" for output in signature.outputs]
        self._rules = [
            (by_name[spec.column], spec, _look(spec, signature.outputs[by_name[spec.column]].dtype, where))
            for spec in specs
            if spec.column in by_name and spec.column not in signature.columns and spec.rule != "not_null"
        ]

    def failures(self, outputs: Sequence[Array]) -> list[Failure]:
        """The rules that some answers break; all of them call for the fallback, except those that only warn."""
        found = []
        for name, floating, values in zip(self._names, self._floating, outputs, strict=True):
            if floating and not np.isfinite(values).all():
                broken = np.asarray((~np.isfinite(values)).reshape((len(values), -1)).any(axis=1))
                found.append(Failure(name, "is not a finite number", "fallback", broken))
        for at, spec, look in self._rules:
            broken = np.asarray(look(outputs[at].reshape((len(outputs[at]), -1))).any(axis=1))
            if broken.any():
                action: Action = "warn" if spec.action == "warn" else "fallback"
                found.append(Failure(spec.column, _said(spec), action, broken))
        return found


def _group(signature: Signature, spec: CheckSpec) -> int:
    return signature.columns[spec.column].group


def _bounds(signature: Signature, index: int, specs: Sequence[CheckSpec]) -> tuple[Array, Array] | None:
    """The tightest bounds of each column, so that good rows are seen to be good with one comparison."""
    if not specs:
        return None
    group = signature.groups[index]
    low, high = np.full(group.width, -np.inf), np.full(group.width, np.inf)
    for spec in specs:
        at = signature.columns[spec.column].position
        lowest, highest = _limits(spec, group.dtype)
        low[at], high[at] = max(low[at], lowest), min(high[at], highest)
    return (low.astype(group.numpy), high.astype(group.numpy)) if group.floating else (low, high)


def _limits(spec: CheckSpec, dtype: str) -> tuple[float, float]:
    low = -np.inf if spec.min is None else spec.min
    high = np.inf if spec.max is None else spec.max
    if NUMPY_TYPES[dtype].kind != "f":
        return low, high
    # A bound is rounded like the values, or a value that lies on it would break it.
    rounded = np.array([low, high]).astype(NUMPY_TYPES[dtype])
    return float(rounded[0]), float(rounded[1])


def _look(spec: CheckSpec, dtype: str, where: str) -> _Look:
    if spec.rule == "allowed":
        allowed = frozenset(spec.values or ())
        return lambda values: np.array([_strange(value, allowed) for value in values.ravel().tolist()]).reshape(
            values.shape
        )
    if spec.rule == "range" and NUMPY_TYPES[dtype].kind not in "fiu":
        raise Corrupt(f"the range of {spec.column!r} does not fit its data type {dtype}", where=where)
    low, high = _limits(spec, dtype)
    return lambda values: (values < low) | (values > high)


def _strange(value: object, allowed: frozenset[object]) -> bool:
    missing = isinstance(value, float) and math.isnan(value)
    return not missing and value not in allowed


def _said(spec: CheckSpec) -> str:
    if spec.rule == "allowed":
        return "is not one of the allowed values"
    low = "" if spec.min is None else f"{spec.min:g}"
    high = "" if spec.max is None else f"{spec.max:g}"
    return f"is outside {low}..{high}"


def _name(names: dict[int, str], position: int) -> str:
    return names.get(position, f"value {position}")

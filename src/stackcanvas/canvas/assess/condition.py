"""What answers must say: conditions as the data files write them, and what they are decided by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stackcanvas.canvas.events import EventPattern
from stackcanvas.canvas.said import Said


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition holds.

    Attributes:
        holds: None where the questions are not answered.
        paths: the answers that decided it; where it is None, those that are missing.
    """

    holds: bool | None
    paths: tuple[str, ...]


def judge(said: Said, condition: Mapping[str, Any]) -> Verdict:
    """Whether answers satisfy a condition.

    Args:
        said: the answers.
        condition: paths and what stands there; all must hold. `any` holds where one of several conditions does.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> from stackcanvas.canvas.said import everything
        >>> said = everything(loads("{stackcanvas: 1, project: {name: x}, data: {version_method: {level: 2}}}"))
        >>> judge(said, {"data.version_method.level": {"min": 1}})
        Verdict(holds=True, paths=('data.version_method.level',))
    """
    verdicts = [
        _one_of(said, given) if path == "any" else Verdict(_answer(said.get(path), given), (path,))
        for path, given in condition.items()
    ]
    broken = [verdict for verdict in verdicts if verdict.holds is False]
    unknown = [verdict for verdict in verdicts if verdict.holds is None]
    deciding = broken or unknown or verdicts
    holds = False if broken else None if unknown else True
    return Verdict(holds, tuple(path for verdict in deciding for path in verdict.paths))


def _one_of(said: Said, conditions: Sequence[Mapping[str, Any]]) -> Verdict:
    verdicts = [judge(said, condition) for condition in conditions]
    for wanted in (True, None, False):
        found = [verdict for verdict in verdicts if verdict.holds is wanted]
        if found:
            return found[0] if wanted else Verdict(wanted, tuple(path for one in found for path in one.paths))
    return Verdict(False, ())


def _answer(value: Any, wanted: object) -> bool | None:
    return None if value is None else _fits(value, wanted)


def _fits(value: Any, wanted: object) -> bool:
    if isinstance(wanted, Mapping):
        return all(_TESTS[name](value, given) for name, given in wanted.items())
    if isinstance(wanted, list | tuple):
        return value in wanted
    return bool(value == wanted)


def _of_item(item: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether an entry of a list fits; what it leaves out is its default."""
    for name, given in wanted.items():
        if name == "any":
            if not any(_of_item(item, one) for one in given):
                return False
            continue
        value = item
        for key in name.split("."):
            value = getattr(value, key, None)
        if not _fits(value, given):
            return False
    return True


def _number(value: Any) -> float:
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return float(value) if isinstance(value, int | float | Decimal) else 0.0


def _is_given(value: Any) -> bool:
    return value is not None and value != () and (not isinstance(value, EventPattern) or bool(value.name))


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "given": lambda value, wanted: _is_given(value) is wanted,
    "min": lambda value, least: _number(value) >= least,
    "under": lambda value, most: _number(value) < most,
    "has": lambda value, words: set(words) <= set(value),
    "only": lambda value, words: bool(value) and set(value) <= set(words),
    "some": lambda value, wanted: any(_of_item(item, wanted) for item in value),
    "every": lambda value, wanted: bool(value) and all(_of_item(item, wanted) for item in value),
    "none": lambda value, wanted: not any(_of_item(item, wanted) for item in value),
}

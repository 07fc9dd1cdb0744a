"""Formulas over columns: written as plain Python once, kept as data, computed by numpy wherever they are needed.

A function that is called with symbols in place of columns gives a tree of what it does to them. The tree is plain data,
so that a training job and a prediction server, which loads no code of the user, compute the very same thing. Every
column is a column of floating point numbers, NaN where a value is missing; booleans are 1 and 0, instants are seconds
since 1970 UTC. Text can be compared with text. What is computed from a missing value is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from stackcanvas.errors import BadInput

Column = npt.NDArray[Any]
Tree = list[Any]

_DAY_S = 86_400.0
_ONE: Mapping[str, Callable[[Column], Column]] = {
    "negative": np.negative,
    "absolute": np.absolute,
    "sqrt": np.sqrt,
    "log": np.log,
    "log1p": np.log1p,
    "exp": np.exp,
    "floor": np.floor,
    "ceil": np.ceil,
    "sin": np.sin,
    "cos": np.cos,
    "arcsin": np.arcsin,
    "hour": lambda seconds: np.floor(seconds / 3600.0) % 24,
    "weekday": lambda seconds: (np.floor(seconds / _DAY_S) + 3) % 7 + 1,
    "invert": lambda values: np.where(np.isnan(values), np.nan, values == 0),
}
_TWO: Mapping[str, Callable[[Column, Column], Column]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "floor_divide": np.floor_divide,
    "remainder": np.remainder,
    "power": np.power,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "arctan2": np.arctan2,
}
_COMPARE: Mapping[str, Callable[[Column, Column], Any]] = {
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "and": lambda left, right: (left != 0) & (right != 0),
    "or": lambda left, right: (left != 0) | (right != 0),
}


def _by(name: str, *, turned: bool = False) -> Callable[[Formula, object], Formula]:
    """The operator of Python that makes this formula of two."""

    def make(self: Formula, other: object) -> Formula:
        pair = [tree_of(other), self.tree] if turned else [self.tree, tree_of(other)]
        return Formula([name, *pair])

    return make


class Formula:
    """A column that is computed from others; made by the operators on symbols.

    Example:
        >>> amount, usual = symbol("amount"), symbol("usual")
        >>> ratio = (amount / usual).fill_missing(1.0)
        >>> evaluate(ratio.tree, {"amount": np.array([6.0, 5.0]), "usual": np.array([2.0, np.nan])}).tolist()
        [3.0, 1.0]
    """

    __slots__ = ("tree",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    __add__, __radd__ = _by("add"), _by("add", turned=True)
    __sub__, __rsub__ = _by("subtract"), _by("subtract", turned=True)
    __mul__, __rmul__ = _by("multiply"), _by("multiply", turned=True)
    __truediv__, __rtruediv__ = _by("divide"), _by("divide", turned=True)
    __floordiv__, __rfloordiv__ = _by("floor_divide"), _by("floor_divide", turned=True)
    __mod__, __rmod__ = _by("remainder"), _by("remainder", turned=True)
    __pow__, __rpow__ = _by("power"), _by("power", turned=True)
    __and__, __rand__ = _by("and"), _by("and", turned=True)
    __or__, __ror__ = _by("or"), _by("or", turned=True)
    __lt__, __le__ = _by("less"), _by("less_equal")
    __gt__, __ge__ = _by("greater"), _by("greater_equal")
    __eq__, __ne__ = _by("equal"), _by("not_equal")  # type: ignore[assignment]

    def __bool__(self) -> NoReturn:
        raise BadInput(
            "a column is asked whether it is true, which differs from row to row",
            expected="where(condition, this, that) in place of if, & and | in place of and and or",
        )

    def __iter__(self) -> NoReturn:
        raise BadInput("a column cannot be walked through", expected="operators on whole columns")

    def __neg__(self) -> Formula:
        return Formula(["negative", self.tree])

    def __abs__(self) -> Formula:
        return Formula(["absolute", self.tree])

    def __invert__(self) -> Formula:
        return Formula(["invert", self.tree])

    def fill_missing(self, other: object) -> Formula:
        """This value, or the other where it is missing."""
        return Formula(["fill", self.tree, tree_of(other)])

    def is_missing(self) -> Formula:
        """1 where there is no value, else 0."""
        return Formula(["missing", self.tree])

    def hour(self) -> Formula:
        """The hour of an instant, 0 to 23, in UTC."""
        return Formula(["hour", self.tree])

    def weekday(self) -> Formula:
        """The day of the week of an instant, 1 for Monday to 7, in UTC."""
        return Formula(["weekday", self.tree])

    def __getattr__(self, name: str) -> Callable[[], Formula]:
        if name in _ONE:
            return lambda: Formula([name, self.tree])
        raise AttributeError(f"a column has no {name!r}")


def symbol(name: str) -> Formula:
    """A column by its name."""
    return Formula(["column", name])


def where(condition: object, this: object, that: object) -> Formula:
    """One value where the condition holds, the other where it does not."""
    return Formula(["where", tree_of(condition), tree_of(this), tree_of(that)])


def least(left: object, right: object) -> Formula:
    """The smaller of two values."""
    return Formula(["minimum", tree_of(left), tree_of(right)])


def greatest(left: object, right: object) -> Formula:
    """The larger of two values."""
    return Formula(["maximum", tree_of(left), tree_of(right)])


def tree_of(value: object) -> Tree:
    """The tree of a formula, or of a plain number or text.

    Raises:
        BadInput: it is something else.
    """
    if isinstance(value, Formula):
        return value.tree
    if isinstance(value, bool | int | float | str):
        return ["value", value]
    raise BadInput(f"{value!r} stands in a formula"[:200], expected="columns, numbers and text")


def columns_of(tree: Tree) -> set[str]:
    """The names of the columns that a formula reads."""
    if tree[0] == "column":
        return {tree[1]}
    return set().union(*(columns_of(part) for part in tree[1:] if isinstance(part, list)))


def evaluate(tree: Tree, columns: Mapping[str, Column]) -> Column:
    """The values of a formula for rows.

    Args:
        tree: of the formula.
        columns: the values of what it reads, as `as_column` gives them.

    Raises:
        BadInput: it names an operation that does not exist, or computes with text.
    """
    with np.errstate(all="ignore"):
        found = np.asarray(_value(tree, columns))
    count = len(next(iter(columns.values()))) if columns else 1
    return np.broadcast_to(found, (count,)).astype(np.float64)


def as_column(values: Sequence[object]) -> Column:
    """Plain values as a formula takes them: numbers with NaN for None, or text."""
    if any(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: object) -> float:
    if value is None:
        return np.nan
    if isinstance(value, bool | int | float):
        return float(value)
    raise BadInput(f"{value!r} cannot be computed with"[:200], expected="numbers, booleans, text or instants")


def _value(tree: Tree, columns: Mapping[str, Column]) -> Any:
    name, *parts = tree
    if name == "column":
        return columns[parts[0]]
    if name == "value":
        return parts[0] if isinstance(parts[0], str) else float(parts[0])
    values = [_value(part, columns) for part in parts]
    special = _SPECIAL.get(name)
    if special is not None:
        return special(*values)
    if name in _COMPARE:
        return _compared(name, *values)
    known: Mapping[str, Any] = {1: _ONE, 2: _TWO}.get(len(values), {})
    if name not in known:
        raise BadInput(f"a formula names the operation {name!r}", expected=", ".join([*_ONE, *_TWO, *_COMPARE]))
    _require_numbers(name, values)
    return known[name](*values)


def _where(condition: Any, this: Any, that: Any) -> Any:
    _require_numbers("where", [condition, this, that])
    return np.where(np.isnan(condition), np.nan, np.where(condition != 0, this, that))


def _require_numbers(name: str, values: Sequence[Any]) -> None:
    if any(_is_text(value) for value in values):
        raise BadInput(f"text is given to {name}", expected="numbers; text can be compared only")


def _compared(name: str, left: Any, right: Any) -> Any:
    if _is_text(left) != _is_text(right) or (_is_text(left) and name not in {"equal", "not_equal"}):
        raise BadInput(
            f"text and numbers are given to {name}", expected="two numbers, or two texts that are equal or not"
        )
    missing = _missing(left) | _missing(right)
    return np.where(missing, np.nan, _COMPARE[name](left, right).astype(np.float64))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype == object)


def _missing(value: Any) -> Any:
    if _is_text(value):
        return np.array([one is None for one in np.atleast_1d(np.asarray(value, dtype=object))])
    return np.isnan(value)


_SPECIAL: Mapping[str, Callable[..., Any]] = {
    "fill": lambda value, other: np.where(_missing(value), other, value),
    "missing": lambda value: _missing(value).astype(np.float64),
    "where": _where,
}

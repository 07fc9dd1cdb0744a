"""Features that are computed when they are asked for: from what the request says and from other features."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcanvas.backends.keyvalue.formulas import Formula, Tree, as_column, columns_of, evaluate, symbol, tree_of
from stackcanvas.clock import to_us
from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.features.checks import column_problems, name_problems, names_of, source_text
from stackcanvas.late import late
from stackcanvas.metadata import Ref

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")
    pl = late("polars")

_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class OnDemandView:
    """Features that a function computes from other features and from the request.

    The function is called once, when it is defined, with a symbol for each column; what it does to them is kept as a
    formula. Training sets, the Python interface and the prediction server all compute that same formula, so there is no
    second path that could differ. Use operators, `sc.where`, `sc.least`, `sc.greatest` and the methods of columns in
    place of `if`. Instants count in seconds, so that their difference is an age.

    Args:
        name: what it is called; its features are read as `name:feature`.
        inputs: other features, as `view:feature`; the function takes each under the name of the feature.
        request: columns that entity rows and requests bring.
        function: takes the columns by name and gives a mapping of features to what they are.
        description, owner, tags: for those who look for features.

    Raises:
        BadInputs: everything that is wrong with the definition, at once.

    Example:
        >>> def share(amount, usual_amount):
        ...     return {"share": amount / usual_amount}
        >>> OnDemandView("spending", inputs=["usage:usual_amount"], request=["amount"], function=share).features
        ('share',)
    """

    name: str
    inputs: tuple[str, ...]
    request: tuple[str, ...]
    formulas: Mapping[str, Tree]
    text: str | None
    description: str
    owner: str
    tags: tuple[str, ...]

    def __init__(
        self,
        name: str,
        *,
        inputs: Sequence[str] = (),
        request: Sequence[str] = (),
        function: Callable[..., Mapping[str, Any]],
        description: str = "",
        owner: str = "",
        tags: Sequence[str] = (),
    ) -> None:
        wanted, brought = names_of(inputs), names_of(request)
        columns = [one.partition(":")[2] for one in wanted] + list(brought)
        problems = name_problems(name) + column_problems("input", columns)
        problems += [f"the input {one!r} is no view:feature" for one in wanted if not all(one.partition(":"))]
        formulas: dict[str, Tree] = {}
        if not problems:
            formulas, problems = _formulas(function, columns)
        if problems:
            raise BadInputs([BadInput(problem, where=f"on-demand view {name!r}") for problem in problems])
        for field, value in (
            ("name", name),
            ("inputs", wanted),
            ("request", brought),
            ("formulas", formulas),
            ("text", source_text(function)),
            ("description", description),
            ("owner", owner),
            ("tags", names_of(tags)),
        ):
            object.__setattr__(self, field, value)

    @property
    def features(self) -> tuple[str, ...]:
        """What it computes."""
        return tuple(self.formulas)

    @property
    def definition(self) -> dict[str, object]:
        """The definition as a record keeps it."""
        facts = {"inputs": list(self.inputs), "request": list(self.request), "formulas": dict(self.formulas)}
        return {**facts, "function": self.text}

    @property
    def digest(self) -> str:
        """Tells two definitions apart; how the function is written does not matter, only what it does."""
        facts = {name: value for name, value in self.definition.items() if name != "function"}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def ref(self) -> Ref:
        """The view as it is defined now."""
        return Ref("view", self.name, self.digest[:12])

    def of_frame(self, frame: pl.DataFrame) -> list[pl.Series]:
        """Its features for the rows of a frame that has the inputs and the request's columns.

        Raises:
            BadInput: a column has a type that cannot be computed with.
        """
        columns = {name: _column(frame[name], where=f"on-demand view {self.name}") for name in self._reads()}
        return [
            pl.Series(name, evaluate(tree, columns) if frame.height else [], dtype=pl.Float64, nan_to_null=True)
            for name, tree in self.formulas.items()
        ]

    def of_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, float | None]]:
        """Its features for rows of plain values."""
        columns = {name: as_column([plain(row[name]) for row in rows]) for name in self._reads()}
        found = {name: evaluate(tree, columns).tolist() for name, tree in self.formulas.items()} if rows else {}
        return [
            {name: None if values[at] != values[at] else values[at] for name, values in found.items()}
            for at in range(len(rows))
        ]

    def _reads(self) -> list[str]:
        return [*(one.partition(":")[2] for one in self.inputs), *self.request]


def plain(value: Any) -> Any:
    """A value as formulas take it: instants become seconds."""
    return to_us(value) / _SECOND_US if hasattr(value, "tzinfo") else value


def _formulas(function: object, columns: Sequence[str]) -> tuple[dict[str, Tree], list[str]]:
    if not callable(function):
        return {}, [f"the function is {function!r}, which cannot be called"]
    takes = [name for name, one in inspect.signature(function).parameters.items() if one.default is one.empty]
    if sorted(takes) != sorted(columns):
        return {}, [f"the function takes {', '.join(takes)}, and its inputs are {', '.join(columns)}"]
    try:
        given = function(**{name: symbol(name) for name in columns})
    except (BadInput, TypeError, AttributeError, ValueError) as error:
        what = error.sentence() if isinstance(error, BadInput) else str(error)
        return {}, [f"the function cannot be written down as a formula: {what.rstrip('.')}"]
    if not isinstance(given, Mapping) or not given:
        return {}, [f"the function gives a {type(given).__name__}; expected a mapping of features to formulas"]
    problems = column_problems("feature", list(given))
    formulas = {}
    for name, value in given.items():
        if not isinstance(value, Formula | bool | int | float):
            problems.append(f"the feature {name!r} is {value!r}, which is no formula")
        else:
            formulas[name] = tree_of(value)
    unknown = sorted(set().union(*map(columns_of, formulas.values())) - set(columns)) if formulas else []
    problems += [f"the formula reads {name!r}, which is no input" for name in unknown]
    problems += [f"{name!r} is an input and a feature" for name in formulas if name in columns]
    return formulas, problems


def _column(series: pl.Series, *, where: str) -> Any:
    dtype = series.dtype
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return np.array(series.cast(pl.String).to_list(), dtype=object)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is None:
            raise BadInput(f"column {series.name!r} says no time zone", where=where)
        return series.dt.cast_time_unit("us").to_physical().cast(pl.Float64).to_numpy() / _SECOND_US
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        return series.cast(pl.Float64).to_numpy()
    raise BadInput(
        f"column {series.name!r} is of type {dtype}", where=where, expected="numbers, booleans, text or instants"
    )

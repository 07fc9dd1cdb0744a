"""Searches as people write them: the language of tracking clients, with the names that runs have here as well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from stackcanvas.errors import BadInput
from stackcanvas.experiments.filters import EQUAL, LISTS, NULLS, NUMERIC, TEXT, Clause, Grammar
from stackcanvas.experiments.search import Condition, Order

_TIMES = ("started", "ended")
# Not one inside a name in backticks.
_COMMA = re.compile(r",(?=(?:[^`]*`[^`]*`)*[^`]*$)")
_GRAMMAR = Grammar(
    operators={
        "metric": NUMERIC,
        "parameter": NUMERIC | TEXT | LISTS | NULLS,
        "tag": NUMERIC | TEXT | LISTS | NULLS,
        "attribute": TEXT,
        "dataset": TEXT | LISTS,
    },
    texts={
        **dict.fromkeys(("id", "name", "actor", "commit", "artifact_location"), TEXT | LISTS),
        "status": EQUAL | LISTS,
        **dict.fromkeys(_TIMES, NUMERIC),
    },
    numbers=frozenset(),
    aliases={
        "run_id": "id",
        "run_name": "name",
        "user_id": "actor",
        "artifact_uri": "artifact_location",
        "start_time": "started",
        "end_time": "ended",
        "created": "started",
    },
    datasets=frozenset({"name", "digest", "context"}),
    bare=True,
)


def conditions(asked: str | Sequence[str | Condition]) -> list[Condition]:
    """The conditions of a filter, or of several that must all hold.

    Raises:
        BadInput: one cannot be read.

    Example:
        >>> conditions("metrics.auc > 0.7 and status = failed")[1]
        Condition(kind='attribute', key='status', operator='=', value='failed')
    """
    given = [asked] if isinstance(asked, str) else asked
    found: list[Condition] = []
    for one in given:
        found += [one] if isinstance(one, Condition) else [_condition(clause) for clause in _GRAMMAR.parse(one)]
    return found


def orders(asked: str | Order | Sequence[str | Order]) -> list[Order]:
    """By what to order: `metrics.auc desc`, several with commas between them.

    Raises:
        BadInput: one cannot be read.

    Example:
        >>> orders("metrics.auc desc, started")[0]
        Order(kind='metric', key='auc', largest_first=True)
    """
    given = [asked] if isinstance(asked, str | Order) else list(asked)
    found: list[Order] = []
    for one in given:
        if isinstance(one, Order):
            found.append(one)
        else:
            found += [_order(part.strip()) for part in _COMMA.split(one) if part.strip()]
    return found


def _condition(clause: Clause) -> Condition:
    value: object = clause.value
    if clause.entity == "attribute" and clause.key == "status" and value is not None:
        value = value.lower() if isinstance(value, str) else [str(one).lower() for one in _listed(value)]
    elif clause.entity == "attribute" and clause.key in _TIMES:
        value = _instant(clause.key, str(value))
    elif isinstance(value, tuple):
        value = list(value)
    return Condition(clause.entity, clause.key, clause.operator, value)


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, tuple) else ()


def _order(text: str) -> Order:
    read = _GRAMMAR.order(text)
    if read.entity == "dataset":
        raise BadInput("runs cannot be ordered by a data set", expected="such as metrics.auc desc, or started")
    return Order(read.entity, read.key, read.largest_first)


def _instant(name: str, text: str) -> datetime:
    """A time as ISO text, or in milliseconds since 1970 as tracking clients give it."""
    try:
        if text.isdigit() and len(text) > 8:
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        expected = "an instant in quotes, such as '2026-11-23' or '2026-11-23T09:00:00Z'"
        raise BadInput(f"{name} is compared with {text!r}", expected=expected) from None

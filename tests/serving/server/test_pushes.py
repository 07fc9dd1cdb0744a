"""Rows as they come in JSON, made what the view's data set has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from stackcanvas.backends.keyvalue.rows import Place
from stackcanvas.errors import BadInput
from stackcanvas.serving.server.features import ViewPlan
from stackcanvas.serving.server.pushes import as_json, available_us, items

KINDS = ("integer", "float", "boolean", "text", "instant", "list of instant", "bytes", "")
NAMES = ("count", "rate", "ok", "name", "seen", "visits", "raw", "unknown")
VIEW = ViewPlan(Place("v", "d", ("id",), NAMES, None, ("number",), KINDS), event_time="at")
ROW: dict[str, Any] = {
    "id": 1,
    "at": 5,
    "count": 3.0,
    "rate": 3,
    "ok": True,
    "name": "a",
    "seen": "2026-01-01T01:00:00+01:00",
    "visits": [0, None],
    "raw": None,
    "unknown": {"any": 1},
}


def values(**changed: Any) -> Any:
    """What is stored of a pushed row."""
    ((_, _, stored),) = items(VIEW, [ROW | changed], now_us=10**7)
    return msgspec.msgpack.decode(stored)[1]


def test_values_get_the_types_of_their_columns() -> None:
    """Whole numbers, fractions and instants are told apart as JSON cannot."""
    found = values()

    seen, visit = datetime(2026, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)
    assert found == [3, 3.0, True, "a", seen, [visit, None], None, {"any": 1}]
    assert [type(one) for one in found[:2]] == [int, float]
    assert values(count=1.5)[0] == 1.5  # the column becomes wider, as in the data set


@pytest.mark.parametrize(
    "changed",
    [
        {"count": "3"},
        {"count": True},
        {"rate": "3.5"},
        {"ok": 1},
        {"name": 5},
        {"seen": "yesterday"},
        {"visits": 0},
        {"visits": ["never"]},
        {"raw": "AAAA"},
        {"id": "1"},
        {"id": True},
        {"unknown": 2**70},
    ],
)
def test_another_kind_of_value_is_refused(changed: dict[str, Any]) -> None:
    """By the name of its column, wherever that can be told."""
    with pytest.raises(BadInput, match=r"row 0|no instant"):
        values(**changed)


def test_rows_that_never_count_are_no_reason_to_wait() -> None:
    """The last instant of those that do."""
    assert available_us(VIEW, [ROW, ROW | {"at": None}, ROW | {"at": 2.5}]) == 5_000_000
    assert available_us(VIEW, []) is None


def test_instants_are_written_as_seconds() -> None:
    """Alone and in lists, as Feast does; what is no instant stays."""
    at = datetime(1970, 1, 1, 0, 0, 7, 900_000, tzinfo=UTC)
    assert as_json([None, at]) == [None, 7]
    assert as_json([[at], None, []]) == [[7], None, []]
    assert as_json(["x", 1.5]) == ["x", 1.5]

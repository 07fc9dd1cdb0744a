"""Feature views and the online store over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.stack import Stack

Ask = Callable[..., httpx.Response]
DEFINED = """
import stackcanvas as sc

usage = sc.FeatureView("usage", entity=["customer"], source="usage", event_time="day", features=["calls"])
"""


@pytest.fixture
def ask(project: Path, asking: Callable[[Stack], Ask]) -> Iterator[Ask]:
    """The routes over a project with one view."""
    (project / "features.py").write_text(DEFINED)
    with sc.open(project) as stack:
        day = datetime.now(UTC) - timedelta(days=1)
        stack.data.commit("usage", pl.DataFrame({"customer": [42], "day": [day], "calls": [7]}))
        yield asking(stack)


def test_from_the_definition_to_a_value(ask: Ask) -> None:
    """Listed, brought online, read."""
    assert [one["view"] for one in ask("GET", "/features").json()["items"]] == ["usage"]
    assert ask("GET", "/features/usage").json()["features"] == ["calls"]

    done = ask("POST", "/features/materialize", json={}).json()["items"]
    keys = [{"customer": 42}, {"customer": 43}]
    found = ask("POST", "/features/online", json={"features": ["usage:*"], "keys": keys}).json()["items"]

    assert [(one["view"], one["rows"]) for one in done] == [("usage", 1)]
    assert found == [{"calls": 7}, {"calls": None}]


def test_what_is_known_of_a_view(ask: Ask) -> None:
    """What its values are like, and which models take them."""
    (found,) = ask("GET", "/features/statistics?view=usage").json()["items"]
    assert (found["feature"], found["rows"], found["mean"]) == ("calls", 1, 7.0)
    assert ask("GET", "/features/models?view=usage").json()["items"] == [{"feature": "calls", "models": []}]
    assert ask("GET", "/features/models?view=usages").status_code == 404


def test_rows_are_pushed(ask: Ask) -> None:
    """As they happen, with times as text or as seconds; an older one changes nothing."""
    ask("POST", "/features/materialize", json={})

    def push(calls: object, day: object) -> httpx.Response:
        row = {"customer": 42, "day": day, "calls": calls}
        return ask("POST", "/features/push", json={"view": "usage", "rows": [row]})

    now = datetime.now(UTC) - timedelta(minutes=1)
    assert push(9, now.isoformat()).json() == {"view": "usage", "rows": 1, "newer": 1}
    assert push(8, now.timestamp() - 5).json()["newer"] == 0
    assert push(8, "soon").status_code == 400
    assert push(8, [1]).status_code == 400
    assert push(8, None).json()["newer"] == 0
    assert ask("POST", "/features/push", json={"view": "usage", "rows": []}).status_code in {200, 400, 404}
    assert ask("POST", "/features/push", json={"view": "usge", "rows": []}).status_code == 404
    found = ask("POST", "/features/online", json={"features": ["usage:*"], "keys": [{"customer": 42}]}).json()["items"]
    assert found == [{"calls": 9}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"features": ["usage:cals"], "keys": [{"customer": 42}]}, 404),
        ({"features": ["other:calls"], "keys": [{"customer": 42}]}, 404),
        ({"features": ["usage:calls"], "keys": [{}]}, 400),
        ({"features": ["usage:calls"], "keys": [{"customer": [1]}]}, 400),
        ({"features": [], "keys": []}, 422),
        ({"features": ["usage:calls"], "keys": "customer"}, 422),
    ],
)
def test_bad_requests_have_a_reason(ask: Ask, body: dict[str, object], status: int) -> None:
    """Never an empty answer that looks like one."""
    answer = ask("POST", "/features/online", json=body)

    assert answer.status_code == status
    assert answer.json()["error"]

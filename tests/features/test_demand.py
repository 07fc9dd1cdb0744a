"""On-demand views, services, and that both paths are equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stackcanvas as sc
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.errors import BadInput, BadInputs, NotFound
from stackcanvas.features import Definition, Features, FeatureService, FeatureView, OnDemandView
from stackcanvas.testing.features import assert_paths_equal

Make = Callable[[Sequence[Definition]], Features]

USAGE = FeatureView(
    "usage",
    entity=["customer"],
    source="usage",
    event_time="day",
    ttl="2d",
    features=["spent", "plan", "day"],
    description="What a customer spends",
    owner="ada",
    tags=["money"],
)


def spending(spent: Any, plan: Any, day: Any, amount: Any, now: Any) -> dict[str, Any]:
    """What a user's function looks like."""
    return {
        "share": amount / spent,
        "capped": sc.least(sc.greatest(amount - spent, 0), 100),
        "gold": plan == "gold",
        "age_h": (now - day) / 3600,
        "hour": now.hour(),
        "some": sc.where((spent > 10) & ~(plan == "basic"), 1, -spent).fill_missing(0.5),
        "unknown": spent.is_missing(),
    }


SPENDING = OnDemandView(
    "spending",
    inputs=["usage:spent", "usage:plan", "usage:day"],
    request=["amount", "now"],
    function=spending,
)
SERVICE = FeatureService("checkout", features=["spending:share", "usage:plan"], owner="bob", description="At the till")


@pytest.fixture
def features(make_features: Make, data: Data, clock: ManualClock) -> Features:
    """Three customers over four days, one of whom is null at the end."""
    rows = [
        (customer, clock.now() - timedelta(days=3 - day), 10.0 * customer + day if day != 2 else None, plan)
        for customer, plan in ((1, "basic"), (2, "gold"), (3, None))
        for day in range(4)
    ]
    data.commit("usage", pl.DataFrame(rows, schema=["customer", "day", "spent", "plan"], orient="row"))
    return make_features([USAGE, SPENDING, SERVICE])


def test_the_same_function_computes_both_paths(features: Features, clock: ManualClock) -> None:
    """At many instants, for keys that are known and one that is not, value for value and type for type."""
    now = clock.now()
    keys = [{"customer": number, "amount": 20.0, "now": now} for number in (1, 2, 3, 4)]
    instants = [now - timedelta(days=3) + timedelta(hours=7 * step) for step in range(16)]

    compared = assert_paths_equal(features, ["usage", "spending", "checkout"][:2], keys=keys, at=instants)

    assert compared == 16 * 4 * 10
    found = features.online(["spending:*"], keys[1:2])[0]
    assert found == {
        "share": 20 / 23,
        "capped": 0.0,
        "gold": 1.0,
        "age_h": 0.0,
        "hour": 9.0,
        "some": 1.0,
        "unknown": 0.0,
    }


def test_a_difference_of_the_paths_is_told(features: Features, clock: ManualClock) -> None:
    """What was pushed and is in no data version is not in a training set."""
    key = {"customer": 1}
    row = {"customer": [1], "day": [clock.now()], "spent": [99.0], "plan": ["gold"]}
    features.push("usage", pl.DataFrame(row))

    with pytest.raises(AssertionError, match=r"usage:spent of .* is 99.0 online and 13.0 in a training set"):
        assert_paths_equal(features, ["usage"], keys=[key], at=[clock.now()], timestep=False)


def test_a_service_is_a_name_for_features(features: Features, data: Data, clock: ManualClock) -> None:
    """Training sets and reads take it, in its order."""
    features.materialize()
    asked = pl.DataFrame({"customer": [2], "amount": [5.0], "now": [clock.now()], "time": [clock.now()]})

    made = features.training_set("training", asked, views=["checkout"], time="time")

    assert data.read(made.ref).columns == ["customer", "amount", "now", "time", "share", "plan"]
    assert features.online(["checkout"], asked.to_dicts()) == [{"share": 5 / 23, "plan": "gold"}]
    full = features.join(asked, ["checkout"], time="time", full_names=True)
    assert full.columns[-2:] == ["spending__share", "usage__plan"]


def test_definitions_are_found_by_words(features: Features) -> None:
    """In any field, all words, narrowed by tag and owner."""

    def names(words: str = "", **narrowed: str) -> list[str]:
        return [one.name for one in features.search(words, **narrowed)]

    assert names() == ["spending", "usage", "checkout"]
    assert names("CUSTOMER spends") == ["usage"]
    assert names("share") == ["spending", "checkout"]
    assert names(tag="money") == names(owner="ada") == ["usage"]
    assert names("nothing like it") == []
    assert [one.services for one in features.status()] == [("checkout",), ("checkout",)]


def test_statistics_of_a_view(features: Features) -> None:
    """Over all rows of the newest version."""
    spent = features.statistics("usage")[0]

    assert (spent.rows, spent.nulls, spent.smallest, spent.largest) == (12, 0.25, 10.0, 33.0)
    assert features.statistics("usage")[1].mean is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"function": lambda spent: {"x": spent if spent > 1 else 0}}, "where\\(condition, this, that\\)"),
        ({"function": lambda spent, more: {"x": spent + more}}, "the function takes spent, more"),
        ({"function": lambda spent: spent}, "gives a Formula"),
        ({"function": lambda spent: {"x": "text", "y": spent}}, "is 'text', which is no formula"),
        ({"function": lambda spent: {"spent": spent}}, "'spent' is an input and a feature"),
        ({"function": lambda spent: {"x": spent.upper()}}, "a column has no 'upper'"),
        ({"function": lambda spent: {"x": spent + None}}, "None stands in a formula"),
        ({"function": 3}, "cannot be called"),
        ({"inputs": ["spent"]}, "no view:feature"),
    ],
)
def test_a_wrong_on_demand_view_is_refused(change: dict[str, Any], said: str) -> None:
    """When it is defined, not when a model asks."""
    good: dict[str, Any] = {"inputs": ["usage:spent"], "function": lambda spent: {"x": spent}}
    with pytest.raises(BadInputs, match=said):
        OnDemandView("wrong", **{**good, **change})


def test_definitions_that_name_nothing_are_refused(make_features: Make) -> None:
    """All of them at once, each with the nearest name."""
    wrong = OnDemandView("wrong", inputs=["usage:spend"], function=lambda spend: {"x": spend})
    again = OnDemandView("again", inputs=["spending:share"], function=lambda share: {"x": share})
    nothing = FeatureService("nothing", features=["use:*"])
    with pytest.raises(BadInputs) as caught:
        make_features([USAGE, SPENDING, wrong, again, nothing]).ls()

    assert "Did you mean 'spent'" in str(caught.value)
    assert "spending:share is computed on demand, too" in str(caught.value)
    assert "There is no feature view 'use'" in str(caught.value)


def test_what_the_request_must_bring(features: Features, clock: ManualClock) -> None:
    """Named, on both paths."""
    with pytest.raises(NotFound, match="'amount'"):
        features.online(["spending:share"], [{"customer": 1, "now": clock.now()}])
    with pytest.raises(NotFound, match="'amount'"):
        features.join(pl.DataFrame({"customer": [1], "time": [clock.now()]}), ["spending:share"], time="time")
    with pytest.raises(BadInput, match="text is given to"):
        features.online(["spending:gold"], [{"customer": 1, "amount": "much", "now": "late"}])


NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False), st.integers(-(2**40), 2**40), st.booleans())


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_frames_and_rows_are_computed_alike(pairs: list[tuple[Any, Any]]) -> None:
    """Whatever numbers come: missing, infinite, whole, boolean."""
    rows = [{"a": a, "b": b} for a, b in pairs]
    view = OnDemandView(
        "both",
        request=["a", "b"],
        function=lambda a, b: {
            "x": a / b,
            "y": a**2 % 7,
            "z": (a <= b) | (b == 0),
            "w": sc.where(a > 1, b.sqrt(), a // 3),
        },
    )
    frame = pl.DataFrame(
        {
            name: pl.Series([None if r[name] is None else float(r[name]) for r in rows], dtype=pl.Float64)
            for name in "ab"
        }
    )

    columns = {one.name: one.to_list() for one in view.of_frame(frame)}

    assert view.of_rows(rows) == [{name: columns[name][at] for name in columns} for at in range(len(rows))]

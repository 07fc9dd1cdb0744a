"""Feature views are checked when they are defined."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.features import Entity, FeatureView

GOOD: dict[str, Any] = {"entity": ["origin"], "source": "weather", "event_time": "hour", "features": ["temp"]}


def test_a_view_is_found_under_the_public_names() -> None:
    """Users write sc.FeatureView."""
    assert sc.FeatureView is FeatureView
    assert sc.Entity is Entity


@pytest.mark.parametrize(("text", "expected"), [("2h", timedelta(hours=2)), ("7d", timedelta(days=7)), (None, None)])
def test_ttl_is_written_as_in_the_canvas(text: str | None, expected: timedelta | None) -> None:
    """Text and a timedelta mean the same."""
    assert FeatureView("weather", **GOOD, ttl=text).ttl == expected
    assert FeatureView("weather", **GOOD, ttl=expected) == FeatureView("weather", **GOOD, ttl=text)


def test_an_entity_or_its_keys() -> None:
    """Both name the key columns; one text is one column."""
    airport = Entity("airport", "origin")

    assert FeatureView("weather", **{**GOOD, "entity": airport}).keys == ("origin",)
    assert FeatureView("weather", **{**GOOD, "entity": "origin"}).keys == ("origin",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ttl": "soon"}, "the ttl 'soon' is not a length of time; expected"),
        ({"ttl": "0h"}, "nothing can be younger"),
        ({"ttl": timedelta(hours=-1)}, "nothing can be younger"),
        ({"features": []}, "it has no feature"),
        ({"features": ["temp", "temp"]}, "the feature 'temp' is named twice"),
        ({"features": ["temp", ""]}, "a feature is '', which is no name of a column"),
        ({"features": ["temp", 3]}, "a feature is 3, which is no name of a column"),
        ({"features": ["__row"]}, "a feature is '__row', which is no name of a column"),
        ({"entity": []}, "it has no key"),
        ({"features": ["origin"]}, "'origin' is a key and a feature"),
        ({"event_time": "origin"}, "'origin' is a key and a time"),
        ({"known_time": "hour"}, "the time 'hour' is named twice"),
        ({"source": ""}, "the data name '' is empty"),
        ({"transform": "temp"}, "which cannot be called"),
    ],
)
def test_a_wrong_definition_is_refused(change: dict[str, Any], said: str) -> None:
    """With a sentence that names the view and what is wrong."""
    with pytest.raises(BadInputs) as caught:
        FeatureView("weather", **{**GOOD, **change})

    assert str(caught.value).startswith("feature view 'weather': ")
    assert said in str(caught.value)


def test_a_name_fits_the_folder_of_its_pushed_rows() -> None:
    """Counted as it is written there."""
    FeatureView("ü" * 42, **GOOD)
    with pytest.raises(BadInputs, match="too long for the folder of pushed rows"):
        FeatureView("ü" * 43, **GOOD)


def test_all_that_is_wrong_is_said_at_once() -> None:
    """So that it can be mended in one go."""
    with pytest.raises(BadInputs) as caught:
        FeatureView("wea:ther", entity=["origin", "origin"], source="weather", event_time="", ttl="1", features=[])

    assert len(caught.value.errors) == 5


def test_an_entity_needs_keys() -> None:
    """An entity without keys, or with one twice, is none."""
    with pytest.raises(BadInput, match="entity 'airport': it has no key"):
        Entity("airport", [])
    with pytest.raises(BadInput, match="the key 'origin' is named twice"):
        Entity("airport", ["origin", "origin"])


def _double(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.with_columns(temp=pl.col("temp") * 2)


def _half(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.with_columns(temp=pl.col("temp") / 2)


def _scaled(rows: pl.LazyFrame, *, by: float) -> pl.LazyFrame:
    return rows.with_columns(temp=pl.col("temp") * by)


def test_a_changed_definition_has_another_ref() -> None:
    """Also where only the text of the transform changed."""
    views = [
        FeatureView("weather", **GOOD),
        FeatureView("weather", **GOOD, ttl="1h"),
        FeatureView("weather", **GOOD, transform=_double),
        FeatureView("weather", **GOOD, transform=_half),
        FeatureView("weather", **GOOD, transform=partial(_scaled, by=3)),
        FeatureView("weather", **GOOD, transform=partial(_scaled, by=4)),
    ]

    assert len({str(view.ref) for view in views}) == 6
    assert FeatureView("weather", **GOOD).ref == views[0].ref


def test_layout_and_comments_do_not_matter() -> None:
    """A formatter does not make another view; another number does."""
    texts = [
        "def twice(rows):\n    return rows.with_columns(temp=pl.col('temp') * 2)\n",
        "def twice( rows ):\n    # as before\n    return rows.with_columns(\n        temp=pl.col('temp')*2,\n    )\n",
        "def twice(rows):\n    return rows.with_columns(temp=pl.col('temp') * 3)\n",
    ]
    views = []
    for text in texts:
        view = FeatureView("weather", **GOOD, transform=_double)
        object.__setattr__(view, "text", text)
        views.append(view)

    assert views[0].ref == views[1].ref != views[2].ref


def test_rows_come_from_the_transform() -> None:
    """A view without one takes the rows of its data set."""
    source = pl.LazyFrame({"temp": [1.0]})

    assert FeatureView("weather", **GOOD).rows(source) is source
    assert FeatureView("weather", **GOOD, transform=_double).rows(source).collect()["temp"].to_list() == [2.0]


def test_a_transform_that_collects_is_refused() -> None:
    """The join decides when rows are read."""
    view = FeatureView("weather", **GOOD, transform=lambda rows: rows.collect())  # type: ignore[arg-type,return-value]

    with pytest.raises(BadInput, match=r"the transform gives a DataFrame\. Expected: a polars LazyFrame"):
        view.rows(pl.LazyFrame({"temp": [1.0]}))


def test_a_transform_that_fails_is_told_with_its_line() -> None:
    """Where it raised, or where it begins when the library finds the fault later."""

    def raises(rows: pl.LazyFrame) -> pl.LazyFrame:
        number = rows.collect_schema()["nothing"]
        return rows.with_columns(number)  # type: ignore[arg-type]

    def names_nothing(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.with_columns(temp=pl.col("nothing"))

    source = pl.LazyFrame({"origin": ["JFK"]})
    for function, line in ((raises, 1), (names_nothing, 0)):
        with pytest.raises(BadInput, match="transform of feature view 'weather' failed") as caught:
            FeatureView("weather", **GOOD, transform=function).rows(source)

        assert caught.value.where == f"test_view.py:{function.__code__.co_firstlineno + line}"

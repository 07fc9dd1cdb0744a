"""Splits of versions: what is made, what is on record, what leaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from stackcanvas.data import Data
from stackcanvas.data.splits import Splits
from stackcanvas.errors import BadInput, NotFound, StackCanvasError
from stackcanvas.metadata import Ref, Spine

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def splits(data: Data, spine: Spine) -> Splits:
    """Splits over a block with 200 rows of 20 users."""
    rng = np.random.default_rng(1)
    rows = {
        "row": range(200),
        "user": [place % 20 for place in range(200)],
        "when": [_WHEN + timedelta(hours=place) for place in range(200)],
        "x": rng.normal(size=200),
        "late": rng.random(200) < 0.3,
    }
    data.commit("rides", pl.DataFrame(rows), key="row")
    return Splits(data, spine)


def test_a_split_is_versions_and_a_record(splits: Splits, data: Data, spine: Spine) -> None:
    """The parts are data sets that lead back to what was split, with method, seed and rows."""
    made = splits.make("rides", method="group", by="user", seed=7)

    assert {str(part.ref): part.rows for part in made.parts} == {"data:rides/train@1": 160, "data:rides/test@1": 40}
    assert (str(made.of), made.method, made.by, made.seed) == ("data:rides@1", "group", ("user",), 7)
    assert str(made["test"]) == "data:rides/test@1"
    assert splits.of("rides/train") == splits.get(made.ref) == splits.ls()[0] == made
    assert splits.of("rides") is None
    assert "data:rides@1" in {str(ref) for ref in spine.lineage.upstream(made["train"]).refs}
    (work,) = spine.executions.search(kind="data.split")
    assert work.parameters["seed"] == 7
    assert data.get("rides/test").message == "test (0.2) of data:rides@1, group by user, seed 7"


@pytest.mark.parametrize("method", ["random", "stratified", "group", "time"])
def test_again_gives_the_same_bytes(splits: Splits, data: Data, method: str) -> None:
    """The digests are equal, and no new version is made; the newest split names the parts all the same."""
    by = {"random": (), "stratified": "late", "group": "user", "time": "when"}[method]
    first = splits.make("rides", method=method, by=by, seed=3)  # type: ignore[arg-type]
    again = splits.make("rides", method=method, by=by, seed=3)  # type: ignore[arg-type]
    elsewhere = splits.make("rides", method=method, by=by, seed=3, name="copy")  # type: ignore[arg-type]

    assert [part.ref for part in again.parts] == [part.ref for part in first.parts]
    assert splits.of("rides/train") == again
    assert data.get(elsewhere["train"]).digest == data.get(first["train"]).digest


def test_another_seed_gives_other_rows(splits: Splits, data: Data) -> None:
    """The seed decides."""
    one, two = splits.make("rides", seed=1), splits.make("rides", seed=2)
    assert data.get(one["test"]).digest != data.get(two["test"]).digest


def test_cut_at_an_instant(splits: Splits, data: Data) -> None:
    """What is at the instant is in the later part."""
    made = splits.make("rides", method="time", by="when", at=["2026-01-03"])

    assert [part.rows for part in made.parts] == [48, 152]
    assert data.read(made["test"])["when"].min() == _WHEN + timedelta(days=2)
    for wrong in ("soon", "2026-13-01"):
        with pytest.raises(BadInput, match="is no point in 'when'"):
            splits.make("rides", method="time", by="when", at=[wrong])


def test_nothing_is_made_of_what_cannot_be_split(splits: Splits, data: Data) -> None:
    """A wrong name, column or share is refused before any version is made."""
    for options in ({"parts": {"a": 0.5, "../b": 0.5}}, {"method": "group", "by": "none"}, {"parts": {"a": 1.0}}):
        with pytest.raises(StackCanvasError):
            splits.make("rides", **options)
    assert [version.name for version in data.ls()] == ["rides"]


def test_a_random_split_of_entities_leaks(splits: Splits) -> None:
    """Users that are in both parts are named; a split by group keeps them apart and knows what to look at."""
    splits.make("rides")
    found = splits.leakage("rides/train", "rides/test", entity="user", time="when")

    assert not found.sound
    kinds = {leak.kind: leak for leak in found.leaks}
    assert kinds.keys() == {"entity", "time"}
    assert kinds["entity"].rows == 40
    splits.make("rides", method="group", by="user")
    by_group = splits.leakage("rides/train", "rides/test")
    assert by_group.sound
    assert by_group.looked.entity == ("user",)


def test_a_split_by_time_is_looked_at_in_time(splits: Splits) -> None:
    """The column of the split is the one to look at; parts the wrong way round leak."""
    splits.make("rides", method="time", by="when")
    assert splits.leakage("rides/train", "rides/test").leaks == ()
    assert [leak.kind for leak in splits.leakage("rides/test", "rides/train").leaks] == ["time"]


def test_the_same_rows(splits: Splits, data: Data) -> None:
    """Whole rows, and rows whose values are there under another key."""
    frame = data.read("rides")
    data.commit("train", frame.head(100), key="row")
    data.commit("test", pl.concat([frame.slice(90, 60), frame.head(5).with_columns(pl.col("row") + 1000)]), key="row")

    found = {leak.kind: leak for leak in splits.leakage("train", "test").leaks}

    assert found["rows"].rows == 10
    assert found["values"].rows == 15
    assert found["entity"].rows == 10  # the key, where nothing else is named


def test_a_column_that_tells_the_answer(splits: Splits, data: Data) -> None:
    """A feature made of the target, and one that is missing only where the target is true."""
    frame = data.read("rides").with_columns(
        copy=pl.when(pl.col("late")).then(pl.lit("yes")).otherwise(pl.lit("no")),
        refund=pl.when(pl.col("late")).then(pl.col("x")),
    )
    data.commit("wide", frame)
    splits.make("wide", method="time", by="when")

    hints = [leak for leak in splits.leakage("wide/train", "wide/test", target="late").leaks if leak.kind == "target"]

    assert {leak.said.split(" all but")[0] for leak in hints} == {"copy", "refund is missing"}
    assert {leak.severity for leak in hints} == {"hint"}


def test_parts_that_do_not_fit(splits: Splits, data: Data) -> None:
    """Other columns are a hint; a column that only one part has cannot be looked at."""
    data.commit("a", pl.DataFrame({"x": [1, None, float("nan")], "y": [1, 2, 3]}, strict=False))
    data.commit("b", pl.DataFrame({"x": ["1", None, "2"], "z": [1, 2, 3]}))

    assert [leak.kind for leak in splits.leakage("a", "b").leaks] == ["columns"]
    with pytest.raises(NotFound, match="no column 'y'"):
        splits.leakage("a", "b", entity="y")
    with pytest.raises(NotFound):
        splits.get(Ref("split", "rides", "none"))


def test_missing_entities_are_nobody(splits: Splits, data: Data) -> None:
    """Rows without an entity do not count as the same one."""
    data.commit("a", pl.DataFrame({"user": [1, None], "x": [1, 2]}))
    data.commit("b", pl.DataFrame({"user": [None, 2], "x": [3, 4]}))
    assert splits.leakage("a", "b", entity="user").leaks == ()

"""The log as a source shows every row once, whatever is going on in its folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stackcanvas.errors import NotFound
from stackcanvas.metadata import Ref
from stackcanvas.serving import Counts, Log

DAY = datetime(2013, 5, 1, tzinfo=UTC)
HOURS = [DAY + timedelta(hours=hour) for hour in range(48)]


def ids(log: Log, endpoint: str = "delay", **span: datetime) -> list[str]:
    """The ids that a scan gives, sorted."""
    rows = log.scan(endpoint, **span)
    return sorted(rows.collect()["prediction_id"]) if rows.collect_schema().names() else []


def test_rows_are_there_before_and_after_compaction(predictions: Path, log_writer: Any) -> None:
    """Sealed, orphaned, compacted or a mixture: the same rows."""
    log = Log(predictions)
    first = log_writer.write(HOURS)
    assert ids(log) == first
    before = log.scan("delay").collect()
    log.compact()
    assert log.scan("delay").sort("prediction_id").collect().equals(before.sort("prediction_id"))

    second = log_writer.write(HOURS)
    log_writer.unseal()
    assert ids(log) == first + second
    log.compact()
    assert ids(log) == first + second


def test_a_stretch_of_time_is_half_open(predictions: Path, log_writer: Any) -> None:
    """From the first instant on, up to and without the last."""
    log = Log(predictions)
    written = log_writer.write(HOURS)
    for _ in range(2):
        assert ids(log, start=HOURS[10], end=HOURS[30]) == written[10:30]
        assert ids(log, start=HOURS[30]) == written[30:]
        assert ids(log, end=HOURS[1]) == written[:1]
        log.compact()


def test_models_with_other_columns_share_an_endpoint(predictions: Path, log_writer: Any) -> None:
    """A new version may know more features; rows of the old one have none of them."""
    log = Log(predictions)
    log_writer.write(HOURS[:2])
    log_writer.write(HOURS[:2], columns=("wind", "rain"), variant="v2")
    for _ in range(2):
        rows = log.scan("delay").sort("prediction_id").collect()
        features = rows["features"].struct.unnest()
        assert features["wind"].to_list() == [0, 1, 0, 2]
        assert features["rain"].to_list() == [None, None, 1, 3]
        log.compact()


def test_a_frame_is_not_touched_by_what_comes_later(predictions: Path, log_writer: Any) -> None:
    """A lazy frame shows the log as it was when it was made."""
    log = Log(predictions)
    first = log_writer.write(HOURS)
    log.compact()
    early = log.scan("delay")
    log_writer.write(HOURS)
    both = log.scan("delay")
    log.compact()

    assert sorted(early.collect()["prediction_id"]) == first
    assert both.select(pl.len()).collect().item() == 96


def test_endpoints_are_apart(predictions: Path, log_writer: Any) -> None:
    """Each endpoint has its own rows, whatever its name."""
    log = Log(predictions)
    names = ["delay", "a/b", "segments", ".hidden", "100 %", "é"]
    written = {name: log_writer.write(HOURS[:3], endpoint=name) for name in names}
    for _ in range(2):
        assert log.endpoints() == sorted(names)
        assert {name: ids(log, name) for name in names} == written
        log.compact()


def test_one_prediction_by_its_id(predictions: Path, log_writer: Any) -> None:
    """Typed, with its features, output and entity; its shadows do not stand in its place."""
    log = Log(predictions)
    shown = log_writer.write(HOURS[:1], statuses=["shadow"], variant="v2")
    log_writer._rows -= 1
    assert log_writer.write(HOURS[:1]) == shown
    for _ in range(2):
        found = log.get(shown[0])
        assert (found.endpoint, found.variant, found.model, found.status) == ("delay", "v1", "model:delay@1", "ok")
        assert found.features == {"wind": 0.0}
        assert found.output == {"probability": 0.0}
        assert found.entity == {"flight": "AA0"}
        assert found.time == DAY
        assert found.ref == Ref("prediction", shown[0])
        log.compact()
    with pytest.raises(NotFound, match="no prediction in the log 'zz'"):
        log.get("zz")


def test_counts_of_a_version(predictions: Path, log_writer: Any) -> None:
    """Errors and fallbacks among all rows, of one version, in one stretch of time."""
    log = Log(predictions)
    log_writer.write(HOURS[:4], statuses=["ok", "error", "fallback", "warned"])
    log_writer.write(HOURS[:2], variant="v2")

    assert log.counts("delay") == Counts(6, 1, 1, 103)
    assert log.counts("delay", model=Ref.parse("model:delay@2")) == Counts(2, 0, 0, 101)
    assert log.counts("delay", start=HOURS[1], end=HOURS[2]) == Counts(2, 1, 0, 101)
    assert log.counts("delay", start=HOURS[40]) == Counts(0, 0, 0, None)
    assert log.counts("nothing") == Counts(0, 0, 0, None)


def test_an_empty_log(predictions: Path) -> None:
    """Before the first row there is nothing, and no error."""
    log = Log(predictions)

    assert log.endpoints() == []
    assert log.scan("delay").collect_schema().names() == []
    assert log.tail("delay") == []
    assert log.compact().rows == 0


def test_the_newest_rows_first(predictions: Path, log_writer: Any) -> None:
    """The tail is what was answered last."""
    log = Log(predictions)
    written = log_writer.write(HOURS)

    assert [one.prediction_id for one in log.tail("delay", limit=2)] == [written[47], written[46]]

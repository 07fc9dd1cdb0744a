"""Labels as files and frames give them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput
from stackcanvas.monitoring.labelling import as_values, read_file
from stackcanvas.testing.monitoring import WatchedEndpoint

NUMBERISH = "013e57800000000000000000000000"


@pytest.mark.parametrize("ending", ["csv", "parquet", "json", "jsonl"])
def test_files_of_every_kind_give_the_same_labels(
    world: WatchedEndpoint, day: Callable[[float], datetime], tmp_path: Path, ending: str
) -> None:
    """Ids that look like numbers stay what they are; the same file again changes nothing."""
    world.log.add("delay", [{"prediction_id": f"{NUMBERISH}{n:02d}", "time": day(0)} for n in range(5)])
    frame = pl.DataFrame(
        {
            "prediction_id": [f"{NUMBERISH}{n:02d}" for n in range(5)],
            "value": [True, False, True, None, True],
            "observed_at": ["2026-11-23T08:00:00Z"] * 5,
        }
    )
    path = tmp_path / f"labels.{ending}"
    writers: dict[str, Callable[[Path], object]] = {
        "csv": frame.write_csv,
        "parquet": frame.write_parquet,
        "json": frame.write_json,
        "jsonl": frame.write_ndjson,
    }
    writers[ending](path)
    labels = world.monitoring().labels

    added = labels.add_file("delay", path)
    assert (added.added, added.matched, added.empty) == (4, 4, 1)
    assert labels.add_file("delay", path).added == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("labels.xlsx", b"", "ends in '.xlsx'"),
        ("missing.csv", None, "no such file"),
        ("labels.parquet", b"no parquet at all", "cannot be read"),
        ("labels.json", b"{", "cannot be read"),
        ("labels.csv", b"", "cannot be read"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    """With the path and one sentence."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        read_file(path)

    assert caught.value.where == str(path)


@given(st.lists(st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_stored_numbers_come_back(values: list[bool | int | float]) -> None:
    """Truth values stay so when they are alone; whole numbers too; all others become numbers."""
    import json

    back = as_values(pl.Series([json.dumps(value) for value in values])).to_list()
    assert back == [float(value) if isinstance(one, float) else value for value, one in zip(values, back, strict=True)]


def test_stored_texts_come_back() -> None:
    """Quotes and letters of any language."""
    assert as_values(pl.Series(['"a\\"b"', '"\\u00e9"'])).to_list() == ['a"b', "é"]

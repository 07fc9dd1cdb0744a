from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.errors import BadInput, Corrupt, NotFound
from stackcanvas.metadata import Spine
from stackcanvas.pipelines.encoding import encode, join
from stackcanvas.pipelines.values import Stored, Values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where large values lie."""
    return tmp_path / "objects"


@pytest.fixture
def values(spine: Spine, folder: Path) -> Values:
    """A store of values."""
    return Values(spine, open_objects(folder))


def kept(values: Values, spine: Spine, value: Any) -> Stored:
    """A value, kept and recorded."""
    rows = values.keep(encode(value))
    with spine.write() as tx:
        values.record(tx, rows)
    return rows[0]


LARGE = os.urandom(100_000)


@pytest.mark.parametrize("value", [3, "text", LARGE, (1, LARGE), {"a": [1, 2]}])
def test_a_value_is_found_by_its_digest(values: Values, spine: Spine, value: object) -> None:
    """Small ones in the database, large ones as objects."""
    stored = kept(values, spine, value)

    assert values.load(values.find(stored.digest)) == value
    assert values.is_there(stored)


def test_small_values_make_no_objects(values: Values, spine: Spine, folder: Path) -> None:
    """A step that gives a number costs no file."""
    kept(values, spine, {"auc": 0.7})
    assert not folder.exists()


def test_the_same_value_is_kept_once(values: Values, spine: Spine, folder: Path) -> None:
    """By content."""
    first, second = kept(values, spine, LARGE), kept(values, spine, LARGE)

    assert first.digest == second.digest
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


def test_a_part_is_read_without_the_others(values: Values, spine: Spine, folder: Path) -> None:
    """Of a tuple of frames; with its own digest."""
    train, test = pl.DataFrame({"a": range(50_000)}), pl.DataFrame({"a": [-1]})
    stored = kept(values, spine, (train, test))
    large = [path for path in folder.rglob("*") if path.is_file()]
    assert len(large) == 1
    large[0].unlink()

    assert values.load(values.part(stored, 1)).equals(test)
    assert values.part(stored, 1).digest == encode(test).digest
    assert not values.is_there(stored)


def test_a_part_of_plain_data_has_the_digest_of_its_value(values: Values, spine: Spine) -> None:
    """As if it had been given itself."""
    stored = kept(values, spine, {"auc": 0.7, "parts": [1, 2]})

    assert values.part(stored, "auc").digest == encode(0.7).digest
    assert values.load(values.part(values.part(stored, "parts"), 1)) == 2


@pytest.mark.parametrize(("value", "key"), [((1, 2), 2), ({"a": 1}, "b"), (3, 0), (pl.DataFrame({"a": [1]}), "b")])
def test_a_part_that_is_not_there_is_refused(values: Values, spine: Spine, value: object, key: int | str) -> None:
    """It says what the result is."""
    with pytest.raises(BadInput, match="has no item"):
        values.part(kept(values, spine, value), key)


def test_items_of_a_list_are_values_of_their_own(values: Values, spine: Spine) -> None:
    """Kept whole, in parts, or put together from values that are there."""
    one, two = kept(values, spine, 1), kept(values, spine, 2)
    joined = values.keep(join([one.digest, two.digest]))[0]

    assert [values.load(item) for item in values.items(kept(values, spine, [1, 2]))] == [1, 2]
    assert [values.load(item) for item in values.items(joined)] == [1, 2]
    assert values.load(joined) == [1, 2]
    with pytest.raises(BadInput, match="a list or a tuple"):
        values.items(kept(values, spine, "text"))
    with pytest.raises(BadInput, match="a list or a tuple"):
        values.items(kept(values, spine, {"a": pl.DataFrame({"b": [1]})}))


def test_a_frame_that_a_step_changes_stays_with_that_step(values: Values, spine: Spine) -> None:
    """The next one reads what was returned."""
    stored = kept(values, spine, pl.DataFrame({"a": [1]}))
    values.load(stored).insert_column(0, pl.Series("b", [2]))

    assert values.load(stored).columns == ["a"]


def test_bytes_that_were_altered_are_never_read(values: Values, spine: Spine, folder: Path) -> None:
    """Least of all unpickled."""
    stored = kept(values, spine, {"model": {1, 2}, "large": LARGE})
    (path,) = [path for path in folder.rglob("*") if path.is_file()]
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(Corrupt, match="--fresh"):
        values.load(stored)


def test_a_digest_that_was_never_recorded_is_not_read(values: Values) -> None:
    """Though the object may be there."""
    values.keep(encode(LARGE))
    with pytest.raises(NotFound):
        values.find(encode(LARGE).digest)

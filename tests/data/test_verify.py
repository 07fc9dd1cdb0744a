"""Verify: whether everything is as it was committed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import update

from stackcanvas.backends.objects import Objects
from stackcanvas.data import Data
from stackcanvas.data.tables import data_version
from stackcanvas.errors import NotFound
from stackcanvas.metadata import Spine


@pytest.fixture
def committed(data: Data, root: Path) -> Data:
    """A large file, a table and a folder, with several versions."""
    draw = random.Random(0)
    (root / "large").write_bytes(draw.randbytes(1_500_000))
    data.commit("large", root / "large")
    data.commit("table", pl.DataFrame({"x": range(1000)}))
    (root / "folder").mkdir()
    for number in range(20):
        (root / "folder" / f"{number}.txt").write_bytes(b"%d " % number * 500)
    data.commit("folder", root / "folder")
    (root / "folder" / "7.txt").write_text("changed")
    data.commit("folder", root / "folder")
    return data


def test_sound(committed: Data) -> None:
    """All is read, and nothing is wrong; one version can be verified alone."""
    told: list[int] = []

    found = committed.verify(progress=told.append)

    assert found.sound
    assert (found.versions, found.files) == (4, 42)
    assert sum(told) == found.size_bytes > 1_500_000
    assert committed.verify("folder@1").files == 20


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_bit_is_named(committed: Data, objects: Objects, seed: int) -> None:
    """One flipped bit in any object is found, and named with version, file, chunk and pack."""
    draw = random.Random(seed)
    key = draw.choice([info.key for info in objects.list("data/") if info.key.endswith(".pack")])
    content = bytearray(objects.get(key))
    place = draw.randrange(len(content))
    content[place] ^= 1 << draw.randrange(8)
    objects.put(key, bytes(content))

    found = committed.verify()

    assert not found.sound
    for problem in found.problems:
        assert problem.pack == key
        assert problem.chunk is not None
        assert problem.offset is not None
        assert problem.offset <= place
    assert committed.verify().problems == found.problems


@pytest.mark.parametrize("folder", ["data/manifests/", "data/profiles/"])
def test_manifests_and_profiles(committed: Data, objects: Objects, folder: str) -> None:
    """A damaged or missing manifest or profile is named with its key."""
    (key, *_) = [info.key for info in objects.list(folder)]
    whole = objects.get(key)

    objects.put(key, whole[:-5])
    assert [problem.pack for problem in committed.verify().problems] == [key]
    objects.delete(key)
    assert ["missing" in problem.what for problem in committed.verify().problems] == [True]
    objects.put(key, whole)
    assert committed.verify().sound


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_beside_the_packs_is_named(committed: Data, objects: Objects, seed: int) -> None:
    """In a manifest, a profile or the index of a pack, also where the workspace needs none of them to read."""
    draw = random.Random(seed)
    key = draw.choice([info.key for info in objects.list("data/") if not info.key.endswith(".pack")])
    content = bytearray(objects.get(key))
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    objects.put(key, bytes(content))

    assert key in {problem.pack for problem in committed.verify().problems}


def test_a_missing_pack_is_named(committed: Data, objects: Objects, make_data: Callable[..., Data]) -> None:
    """The files that are lost with a pack are named, on this machine and on others."""
    (key, *_) = [info.key for info in objects.list("data/packs/") if info.key.endswith(".pack")]
    objects.delete(key)

    found = committed.verify()

    assert not found.sound
    assert {problem.pack for problem in found.problems} == {key}
    assert {problem.pack for problem in make_data("other").verify().problems} == {key}


def test_a_record_that_was_changed(committed: Data, spine: Spine) -> None:
    """A record that does not fit its manifest is noticed."""
    with spine.write() as tx:
        tx.execute(update(data_version).where(data_version.c.name == "table").values(rows=999))

    (problem,) = committed.verify().problems

    assert (str(problem.version), problem.what) == ("data:table@1", "its record differs from its manifest")


def test_what_nobody_needs_does_not_matter(committed: Data, objects: Objects) -> None:
    """Left-overs of killed commits are no problem."""
    objects.put("data/packs/" + "ab" * 32 + ".pack", b"left over")
    objects.put("data/manifests/" + "ab" * 32, b"left over")

    assert committed.verify().sound


def test_a_version_that_is_not(committed: Data) -> None:
    """An unknown version cannot be verified."""
    with pytest.raises(NotFound):
        committed.verify("large@9")

"""Remotes: what is pushed can be pulled elsewhere, whatever happens on the way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.backends.objects.remote import RemoteObjects
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.errors import BadInput, Corrupt, NotFound, Unavailable
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load
from stackcanvas.testing.faulty import Fault, FaultyNetwork
from stackcanvas.testing.s3 import S3Server, s3_server, s3_url, set_credentials

__all__ = ["s3_server", "s3_url"]


class Place(NamedTuple):
    """A workspace with a database and a store of its own."""

    data: Data
    spine: Spine
    root: Path


@pytest.fixture
def make_place(tmp_path: Path, clock: ManualClock) -> Iterator[Callable[[str], Place]]:
    """Makes workspaces that share nothing but the clock."""
    made: list[Place] = []

    def make(name: str) -> Place:
        root = tmp_path / name
        root.mkdir()
        database = open_database(f"sqlite:///{root}/metadata.db")
        prepare(database, load)
        spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor(name), wall=clock)
        data = Data(spine, open_objects(root / "objects"), root, root / "cache", remote=str(tmp_path / "remote"))
        made.append(Place(data, spine, root))
        return made[-1]

    yield make
    for place in made:
        place.data.close()
        place.spine.database.close()


@pytest.fixture
def ada(make_place: Callable[[str], Place]) -> Place:
    """A workspace with three versions of a folder and one table."""
    place = make_place("ada")
    folder = place.root / "images"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.bin").write_bytes(random.Random(number).randbytes(200_000))
        place.data.commit("images", folder, message=f"image {number}", tags=[f"t{number}"])
    place.data.commit("fares", pl.DataFrame({"id": [1, 2], "fare": [7.5, None]}), key=["id"])
    return place


@pytest.fixture
def bob(make_place: Callable[[str], Place]) -> Place:
    """An empty workspace."""
    return make_place("bob")


def _patient_schemes() -> dict[str, Callable[[str], Objects]]:
    """S3 with less patience than people have."""
    return {"s3": lambda url: RemoteObjects(url, patience=timedelta(seconds=0.5))}


def _history(place: Place, name: str) -> list[tuple[int, str, str, str, tuple[str, ...]]]:
    return [(one.number, one.digest, one.origin, one.message, one.tags) for one in place.data.log(name)]


def test_everything_goes_and_comes(ada: Place, bob: Place) -> None:
    """Numbers, contents, messages, tags and profiles are the same on the other side."""
    sent = ada.data.push()
    got = bob.data.pull()

    assert len(sent.versions) == len(got.versions) == 4
    assert (sent.tags, got.tags) == (3, 3)
    assert sent.size_bytes == got.size_bytes > 600_000
    for name in ("images", "fares"):
        assert _history(bob, name) == _history(ada, name)
    assert bob.data.verify().sound
    assert bob.data.read("fares").equals(ada.data.read("fares"))
    assert bob.data.get("fares").profile == ada.data.get("fares").profile
    assert bob.data.get("fares").key == ("id",)
    bob.data.checkout("images@t1", bob.root / "out")
    assert sorted(path.name for path in (bob.root / "out").iterdir()) == ["0.bin", "1.bin"]


def test_what_is_there_is_not_sent_again(ada: Place, bob: Place) -> None:
    """A second push or pull carries nothing; a new version carries only what is new."""
    ada.data.push()
    bob.data.pull()

    assert ada.data.push().versions == ()
    assert (bob.data.pull().packs, bob.data.pull().versions) == (0, ())
    (ada.root / "images" / "3.bin").write_bytes(b"3" * 1000)
    ada.data.commit("images", ada.root / "images")
    assert 0 < ada.data.push().size_bytes < 10_000
    assert 0 < bob.data.pull().size_bytes < 10_000
    assert bob.data.get("images").number == 4


def test_pulling_is_recorded(ada: Place, bob: Place) -> None:
    """A pulled version has lineage, an audit entry and an event that does not start what a commit starts."""
    ada.data.push()
    bob.data.pull("fares")

    (event,) = bob.spine.events.after(0, limit=10)
    assert (event.name, str(event.subject)) == ("data.pulled", "data:fares@1")
    graph = bob.spine.lineage.upstream(bob.data.get("fares").ref)
    assert [execution.kind for execution in graph.executions] == ["data.pull"]
    assert bob.spine.audit.verify() == []


def test_some_versions_keep_their_numbers(ada: Place, bob: Place) -> None:
    """A version keeps its number where it is free, also when the ones before come later."""
    ada.data.push()

    bob.data.pull(["images@2"])
    assert [version.number for version in bob.data.log("images")] == [2]
    bob.data.pull(["images@t2"])
    assert [version.number for version in bob.data.log("images")] == [3, 2]
    bob.data.pull()
    assert _history(bob, "images") == _history(ada, "images")


def test_two_who_push_meet(ada: Place, bob: Place, clock: ManualClock) -> None:
    """Histories that went apart are joined: nothing is lost, and both have all versions with equal contents."""
    ada.data.push()
    bob.data.pull()
    ada.data.commit("fares", pl.DataFrame({"id": [1], "fare": [1.0]}))
    clock.advance(seconds_s=60)
    bob.data.commit("fares", pl.DataFrame({"id": [2], "fare": [2.0]}))
    ada.data.push()
    bob.data.push()
    ada.data.pull()
    bob.data.pull()

    assert [one.number for one in ada.data.log("fares")] == [one.number for one in bob.data.log("fares")] == [3, 2, 1]
    assert {one.origin for one in ada.data.log("fares")} == {one.origin for one in bob.data.log("fares")}
    assert ada.data.read("fares@2")["fare"].to_list() == bob.data.read("fares@3")["fare"].to_list() == [1.0]


def test_a_tag_that_stands_for_another_version(ada: Place, bob: Place) -> None:
    """It stays on each side and is named; it moves when that is asked for."""
    ada.data.push()
    bob.data.pull()
    ada.data.tag("images@1", "t2", move=True)

    assert ada.data.push().tags_kept == ("images@t2",)
    assert ada.data.push(move_tags=True).tags_kept == ()
    assert bob.data.pull().tags_kept == ("images@t2",)
    assert bob.data.get("images@t2").number == 3


def test_names_that_are_not_there(ada: Place, bob: Place) -> None:
    """The nearest name is offered, on both sides."""
    ada.data.push()

    with pytest.raises(NotFound, match="Did you mean 'images'"):
        bob.data.pull("image")
    with pytest.raises(NotFound, match="images@9"):
        bob.data.pull("images@9")
    with pytest.raises(NotFound):
        ada.data.push("nothing")


def test_no_remote_and_the_own_store(ada: Place, bob: Place, root: Path, spine: Spine) -> None:
    """Without an address the canvas is pointed to; the own store is no remote."""
    own = str(ada.root / "objects")
    with pytest.raises(BadInput, match="itself"):
        ada.data.push(to=own)
    alone = Data(spine, open_objects(root / "objects"), root, root / "cache")
    with pytest.raises(BadInput, match=r"data\.storage\.remote"):
        alone.push()
    alone.close()


def test_a_damaged_pack_is_not_sent(ada: Place, tmp_path: Path) -> None:
    """A flipped bit is found before anybody else has it; nothing is recorded on the remote."""
    pack = next((ada.root / "objects" / "data" / "packs").glob("*.pack"))
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.write_bytes(content)

    with pytest.raises(Corrupt, match=pack.name):
        ada.data.push()

    assert list(open_objects(tmp_path / "remote").list("data/remote/versions/")) == []


def test_a_damaged_remote_is_not_taken(ada: Place, bob: Place, tmp_path: Path) -> None:
    """A flipped bit on the remote, in packs or manifests, leaves the workspace as it was; mended, it goes on."""
    ada.data.push()
    for pattern in ("packs/*.pack", "manifests/*", "packs/*.index"):
        damaged = min((tmp_path / "remote" / "data").glob(pattern))
        sound = damaged.read_bytes()
        damaged.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
        with pytest.raises((Corrupt, NotFound)):
            bob.data.pull()
        assert bob.data.ls() == []
        damaged.write_bytes(sound)

    bob.data.pull()
    assert _history(bob, "images") == _history(ada, "images")
    assert bob.data.verify().sound


def test_a_version_whose_content_was_given_up(ada: Place, bob: Place) -> None:
    """It is not sent; others are."""
    ada.data.commit("fares", pl.DataFrame({"id": [9]}))
    ada.data.forget(["fares@1"])

    ada.data.push()
    bob.data.pull()

    assert [version.number for version in bob.data.log("fares")] == [2]


@pytest.mark.parametrize("stall", [False, True])
def test_a_remote_that_drops_connections(
    ada: Place, bob: Place, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, *, stall: bool
) -> None:
    """Connections that break or fall silent cost time only."""
    set_credentials(monkeypatch)
    bucket = s3_server.make_bucket()
    draw = random.Random(7)
    with FaultyNetwork(s3_server.port) as network:
        url = s3_server.url(bucket, port=network.port)
        monkeypatch.setattr("stackcanvas.backends.objects.open._SCHEMES", _patient_schemes())
        for _ in range(4):
            network.strike(Fault(after_sent=draw.randrange(5000), stall=stall))
            ada.data.push(to=url)
            network.strike(Fault(after_answered=draw.randrange(5000), stall=stall))
            bob.data.pull(source=url)
            ada.data.commit("fares", pl.DataFrame({"id": [draw.random()]}))
        assert network.struck

    assert bob.data.verify().sound
    assert {one.origin for one in bob.data.log("images")} == {one.origin for one in ada.data.log("images")}


def test_a_push_that_breaks_off_goes_on(
    ada: Place, bob: Place, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the network stays away the error says so; the same call later sends only what is left."""
    set_credentials(monkeypatch)
    monkeypatch.setattr("stackcanvas.backends.objects.open._SCHEMES", _patient_schemes())
    bucket = s3_server.make_bucket()
    with FaultyNetwork(s3_server.port) as network:
        url = s3_server.url(bucket, port=network.port)
        network.strike(Fault(after_sent=150_000, at_most=10_000))
        with pytest.raises(Unavailable):
            ada.data.push(to=url)
        assert bob.data.pull("images", source=s3_server.url(bucket)).versions == ()
        network.strike(None)
        ada.data.push(to=url)

    bob.data.pull(source=s3_server.url(bucket))
    assert bob.data.verify().sound
    assert _history(bob, "images") == _history(ada, "images")


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["commit", "push", "pull"])), max_size=12))
def test_random_histories_come_together(
    make_place: Callable[[str], Place], tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    """Whoever commits, pushes and pulls in whatever order: in the end both have every version of both."""
    own = tmp_path_factory.mktemp("histories")
    places = [make_place(f"{own.name}-{number}") for number in range(2)]
    remote = str(own)
    for number, (who, verb) in enumerate(steps):
        data = places[who].data
        if verb == "commit":
            data.commit("x", pl.DataFrame({"n": [number]}))
        elif verb == "push":
            data.push(to=remote)
        else:
            data.pull(source=remote)
    for verb in ("push", "pull"):
        for place in places:
            place.data.push(to=remote) if verb == "push" else place.data.pull(source=remote)

    made = sum(verb == "commit" for _, verb in steps)
    if made:
        contents = [sorted(p.data.read(one.ref)["n"][0] for one in p.data.log("x")) for p in places]
        assert contents[0] == contents[1] == sorted(n for n, (_, verb) in enumerate(steps) if verb == "commit")
        assert all(place.data.verify().sound for place in places)

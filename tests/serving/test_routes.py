"""Routes are records first, and what the servers read is made from them."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.errors import BadInput, Unavailable
from stackcanvas.metadata import Ref, Spine
from stackcanvas.serving import Serving
from stackcanvas.serving.server.documents import RouteSpec, decode

Make = Callable[..., Serving]
Register = Callable[..., Any]


@dataclass(frozen=True)
class One:
    """A variant, as a deployment gives it."""

    model: Ref
    bundle: str
    weight: float = 1.0

    @property
    def name(self) -> str:
        """How it is called."""
        return f"v{self.model.selector}"


def document(folder: Path) -> RouteSpec:
    """What a server reads."""
    place = folder / "serving" / "routes.json"
    return decode(place.read_bytes(), RouteSpec, where=place)


def put(spine: Spine, serving: Serving, version: Any, endpoint: str = "delay", **more: Any) -> int:
    """Route an endpoint to one version."""
    digest = serving.prepare(version.ref)
    with spine.write() as tx:
        return serving.route(tx, endpoint, [One(version.ref, digest)], shadow=more.get("shadow", []))


def test_a_route_is_published(spine: Spine, make_serving: Make, register: Register, folder: Path) -> None:
    """Variants, shadow, stickiness, fallback and the log's policy, as the server reads them."""
    version, shadow, _ = register(), register(shift=1.0), register("simple", shift=2.0)
    serving = make_serving(fallback_model="simple", sticky="carrier", drop=("night",), hash=("carrier",), sample=0.5)
    digest = serving.prepare(shadow.ref)
    assert put(spine, serving, version, shadow=[One(shadow.ref, digest)]) == 1
    serving.publish()

    read = document(folder)
    route = read.endpoints["delay"]
    assert read.revision == 1
    assert [(one.name, one.model, one.weight) for one in route.variants] == [("v1", "model:delay@1", 1.0)]
    assert [one.bundle for one in route.shadow] == [digest]
    assert (route.sticky, route.log.drop, route.log.hash, route.log.sample) == ("carrier", ["night"], ["carrier"], 0.5)
    assert route.fallback is not None
    assert (folder / "serving" / "bundles" / str(route.fallback.model) / "bundle.json").exists()
    (recorded,) = serving.routes()
    assert (recorded.endpoint, recorded.revision, recorded.variants[0]["name"]) == ("delay", 1, "v1")


def test_what_was_not_committed_is_not_published(
    spine: Spine, serving: Serving, register: Register, folder: Path
) -> None:
    """A change that is undone leaves no trace."""
    version = register()
    put(spine, serving, version)
    with pytest.raises(RuntimeError), spine.write() as tx:
        serving.route(tx, "other", [One(version.ref, "ab")], shadow=[])
        raise RuntimeError
    serving.publish()

    assert list(document(folder).endpoints) == ["delay"]


@pytest.mark.parametrize("name", ["x" * 254, "日本" * 20])
def test_an_endpoint_whose_predictions_no_folder_could_hold_is_refused(
    spine: Spine, serving: Serving, register: Register, name: str
) -> None:
    """Else its rows would keep those of all others from being compacted; and asking for them is a sentence."""
    version = register()
    with pytest.raises(BadInput, match="too long for the folder of its predictions"):
        put(spine, serving, version, endpoint=name)
    assert serving.routes() == []
    with pytest.raises(BadInput, match="too long"):
        serving.log.counts(name)


def test_nothing_deployed_nothing_written(serving: Serving, folder: Path) -> None:
    """A fresh project has no document."""
    serving.publish()

    assert not (folder / "serving" / "routes.json").exists()


def test_published_again_nothing_changes(spine: Spine, serving: Serving, register: Register, folder: Path) -> None:
    """The servers see no new file when there is nothing new."""
    put(spine, serving, register())
    serving.publish()
    before = (folder / "serving" / "routes.json").stat()
    serving.publish()

    assert (folder / "serving" / "routes.json").stat().st_mtime_ns == before.st_mtime_ns


def test_a_lost_folder_is_made_anew(spine: Spine, serving: Serving, register: Register, folder: Path) -> None:
    """Documents and bundles come back from the records and the registry."""
    put(spine, serving, register())
    serving.publish()
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    shutil.rmtree(folder)
    serving.publish()

    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_older_document_never_stays(spine: Spine, serving: Serving, register: Register, folder: Path) -> None:
    """Of many publishers at once the last word is what the records say."""
    versions = [register(shift=at / 10) for at in range(3)]
    for version in versions:
        put(spine, serving, version)
    serving.publish()
    stale = (folder / "serving" / "routes.json").read_bytes()
    errors: list[Exception] = []

    def work(number: int) -> None:
        try:
            for at in range(5):
                put(spine, serving, versions[(number + at) % 3], endpoint=f"e{number}")
                serving.publish()
        except Exception as error:  # noqa: BLE001 - shown by the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert document(folder).revision == max(route.revision for route in serving.routes()) == 23
    (folder / "serving" / "routes.json").write_bytes(stale)  # as if an old writer had come late
    serving.publish()
    assert document(folder).revision == 23


def test_a_folder_that_cannot_be_written_is_said(
    spine: Spine, serving: Serving, register: Register, folder: Path
) -> None:
    """The record stands, and the next publish makes it so."""
    put(spine, serving, register())
    (folder / "serving" / "routes.json").mkdir()

    with pytest.raises(Unavailable, match=r"routes\.json"):
        serving.publish()
    (folder / "serving" / "routes.json").rmdir()
    serving.publish()
    assert document(folder).revision == 1


def test_what_the_server_says(serving: Serving, folder: Path) -> None:
    """Its own account of what it serves, or nothing when it never ran."""
    assert serving.served() == []
    told = {"revision": 3, "endpoints": {"delay": {"state": "ready", "variants": ["v1"], "error": None}}}
    (folder / "serving").mkdir(parents=True, exist_ok=True)
    (folder / "serving" / "status.json").write_text(json.dumps(told))

    (one,) = serving.served()
    assert (one.endpoint, one.state, one.variants, one.revision, one.error) == ("delay", "ready", ("v1",), 3, None)

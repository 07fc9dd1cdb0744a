"""A model version compiled for the server: the same each time, whole, and refused where it could not be served."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.errors import BadInput, NotFound, Refused
from stackcanvas.registry import Registry
from stackcanvas.serving import Check, Policy, Serving, compile_bundle
from stackcanvas.serving.server.bundle import load_bundle
from stackcanvas.serving.server.records import rows_of

Make = Callable[..., Serving]
Register = Callable[..., Any]


def test_a_prepared_version_is_what_the_server_loads(serving: Serving, register: Register, folder: Path) -> None:
    """The bundle lies where the server looks, and gives the model's answers."""
    version = register()
    digest = serving.prepare(version.ref)

    bundle = load_bundle(folder / "serving" / "bundles" / digest)
    assert bundle.spec.model == "model:delay@1"
    assert set(bundle.spec.files) == {"model.onnx", "profile.json"}
    probability, *_ = bundle.run(rows_of(bundle.signature, [{"wind": 0, "month": 0, "carrier": "AA", "night": True}]))
    assert probability.tolist() == [0.5]


def test_equal_parts_give_an_equal_digest(make_serving: Make, register: Register, folder: Path) -> None:
    """Prepared again, by anybody, it is the same bundle; another version or another rule is another."""
    first, second = register(), register(shift=0.5)
    digest = make_serving().prepare(first.ref)
    stamps = {path: path.stat().st_mtime_ns for path in (folder / "serving" / "bundles").rglob("*")}

    assert make_serving().prepare(first.ref) == digest
    assert {path: path.stat().st_mtime_ns for path in (folder / "serving" / "bundles").rglob("*")} == stamps
    others = {
        make_serving().prepare(second.ref),
        make_serving(checks=(Check("wind", "not_null", "warn"),)).prepare(first.ref),
    }
    assert len(others | {digest}) == 3


@pytest.mark.parametrize("damage", ["model.onnx", "bundle.json", "everything"])
def test_a_damaged_bundle_is_made_whole(serving: Serving, register: Register, folder: Path, damage: str) -> None:
    """Changed or lost bytes come back from the registry."""
    version = register()
    place = folder / "serving" / "bundles" / serving.prepare(version.ref)
    if damage == "everything":
        shutil.rmtree(place)
    else:
        (place / damage).write_bytes(b"damaged")

    serving.prepare(version.ref)
    assert load_bundle(place).spec.model == "model:delay@1"


def test_values_that_training_never_had_are_warned_of(make_serving: Make, register: Register, folder: Path) -> None:
    """Numbers outside the range of the training data, and categories that it does not know."""
    version = register()
    digest = make_serving(watch_profile=True).prepare(version.ref)

    described = json.loads((folder / "serving" / "bundles" / digest / "bundle.json").read_text())
    assert {(one["column"], one["rule"], one["action"]) for one in described["checks"]} == {
        ("wind", "range", "warn"),
        ("month", "range", "warn"),
        ("carrier", "allowed", "warn"),
    }
    by_column = {one["column"]: one for one in described["checks"]}
    assert (by_column["wind"]["min"], by_column["wind"]["max"]) == (1.0, 30.0)
    assert by_column["carrier"]["values"] == ["AA", "UA"]


CONSTANT = {"probability": 0.2, "label": 0, "who": ""}


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"checks": (Check("storm", "not_null"),)}, "names the column 'storm'"),
        ({"checks": (Check("carrier", "range", min=1),)}, "the range of 'carrier' does not fit"),
        ({"checks": (Check("wind", "range", "fallback", min=1),)}, "calls for a fallback, and none is given"),
        ({"fallback_constant": {"probability": 0.2}}, "the constant fallback names no 'label'"),
        ({"fallback_constant": {**CONSTANT, "label": "x"}}, "the constant for 'label' does not fit"),
    ],
)
def test_what_does_not_fit_the_model_is_refused_when_it_is_prepared(
    make_serving: Make, register: Register, policy: dict[str, Any], said: str
) -> None:
    """Not by the server, later."""
    version = register()

    with pytest.raises(BadInput, match=said):
        make_serving(**policy).prepare(version.ref)


def test_a_fallback_model_is_prepared_with_it(make_serving: Make, register: Register) -> None:
    """It must be registered, and answer with the same outputs."""
    version = register()
    with pytest.raises(NotFound):
        make_serving(fallback_model="simple").prepare(version.ref)
    register("simple", shift=1.0)

    assert make_serving(fallback_model="simple").prepare(version.ref) == make_serving().prepare(version.ref)


def test_a_format_that_cannot_be_served_is_refused(register: Register, registry: Registry) -> None:
    """A model that is kept in another form does not go to the prediction server."""
    version = register()

    with pytest.raises(Refused, match="model:delay@1 is kept as native"):
        compile_bundle(replace(version, format="native"), registry.files(version.ref), Policy())

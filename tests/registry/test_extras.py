"""Signatures of versions, and bills of materials."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry import Registry, new_key
from stackcanvas.registry.tables import model_signature

Trained = tuple[Any, pl.DataFrame]


def test_a_signature_holds_for_its_version_and_its_key_only(
    registry: Registry, trained: Trained, spine: Spine, objects: Objects
) -> None:
    """Not for another version of the same bytes, not by a key that is not trusted, not when something was altered."""
    private, public = new_key()
    _, other = new_key()
    for _ in range(2):
        registry.register("delay", trained[0], sample=trained[1])

    assert registry.sign("delay@1", private) == public
    assert [one.ok for one in registry.signatures("delay@1")] == [True]
    assert [one.ok for one in registry.signatures("delay@1", trusted=[public])] == [True]
    assert [one.ok for one in registry.signatures("delay@1", trusted=[other])] == [False]
    with pytest.raises(NotFound, match="signature"):
        registry.signatures("delay@2")
    digest = registry.get("delay@1").files["model.onnx"]
    whole = registry.file("delay@1", "model.onnx")
    objects.put(f"models/{digest[:2]}/{digest}", b"something else")
    assert [one.ok for one in registry.signatures("delay@1", trusted=[public])] == [False]
    objects.put(f"models/{digest[:2]}/{digest}", whole)
    assert registry.signatures("delay@1")[0].ok
    with spine.write() as tx:
        tx.execute(model_signature.update().values(number=2))
    assert [one.holds for one in registry.signatures("delay@2")] == [False]


@pytest.mark.parametrize("key", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_refused_and_never_repeated(registry: Registry, trained: Trained, key: str) -> None:
    """An error must not carry a part of somebody's key."""
    registry.register("delay", trained[0], sample=trained[1])

    with pytest.raises(BadInput, match="cannot be read") as caught:
        registry.sign("delay", key)
    assert "AAAA" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_bill_names_model_files_data_and_packages(
    registry: Registry, trained: Trained, recorded: tuple[Ref, Ref]
) -> None:
    """It is valid by the schema of CycloneDX, which is checked as it is made."""
    run, data = recorded
    made = registry.register("delay", trained[0], sample=trained[1], run=run, training=data, metrics={"auc": 0.7})

    bill = json.loads(registry.bill(made.ref))

    assert bill["metadata"]["component"]["hashes"] == [{"alg": "BLAKE3", "content": made.digest}]
    assert bill["metadata"]["component"]["type"] == "machine-learning-model"
    kinds = {one["type"]: one["name"] for one in bill["components"]}
    assert kinds["data"] == "rows"
    assert {one["name"] for one in bill["components"]} >= {"model.onnx", "onnxruntime"}
    assert registry.bill(made.ref) == registry.bill(made.ref)

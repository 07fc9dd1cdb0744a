"""A fallback is checked when the route is loaded, not when it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackcanvas.errors import Corrupt
from stackcanvas.serving.server.bundle import Bundle, load_bundle
from stackcanvas.serving.server.documents import FallbackSpec
from stackcanvas.serving.server.fallback import make_fallback
from stackcanvas.testing.serving import ServedFolder


def load(folder: ServedFolder, digest: str) -> Bundle:
    """A bundle of the folder."""
    return load_bundle(folder.root / "serving" / "bundles" / digest)


def test_a_constant_has_the_outputs_types_and_shapes(folder: ServedFolder) -> None:
    """One value for each output, repeated for each row."""
    signature = load(folder, folder.delay()).signature
    constant: dict[str, Any] = {"probability": 0, "label": 7, "who": "none"}
    answer = make_fallback(FallbackSpec(constant=constant), signature, lambda _: None, where="x")  # type: ignore[arg-type,return-value]

    assert answer is not None
    probability, label, who = answer([np.zeros((2, 1))], 2)
    assert probability.tolist() == [0.0, 0.0]
    assert probability.dtype == np.dtype("f4")
    assert label.tolist() == [7, 7]
    assert who.tolist() == ["none", "none"]


@pytest.mark.parametrize(
    ("constant", "said"),
    [
        ({"probability": 0, "label": 7}, "names no 'who'"),
        ({"probability": "x", "label": 7, "who": "none"}, "the constant for 'probability' does not fit"),
        ({"probability": [0, 1], "label": 7, "who": "none"}, "has 2 values"),
    ],
)
def test_a_constant_that_cannot_answer_is_refused(folder: ServedFolder, constant: dict[str, Any], said: str) -> None:
    """Missing outputs, other kinds, other sizes."""
    bundle = load(folder, folder.delay())

    with pytest.raises(Corrupt, match=said):
        make_fallback(FallbackSpec(constant=constant), bundle.signature, lambda _: bundle, where="x")


def test_a_model_that_cannot_stand_in_is_refused(folder: ServedFolder) -> None:
    """Other outputs, or columns that the first model does not have."""
    delay, log, matrix = (load(folder, digest) for digest in (folder.delay(), folder.log(), folder.matrix()))

    with pytest.raises(Corrupt, match="other outputs"):
        make_fallback(FallbackSpec(model="x"), delay.signature, lambda _: log, where="x")
    other = load(folder, folder.matrix(4))
    with pytest.raises(Corrupt, match="needs 'd' as FP32"):
        make_fallback(FallbackSpec(model="x"), matrix.signature, lambda _: other, where="x")

"""Bundles are loaded only as they were published, and only when model and signature fit together."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from stackcanvas.errors import Corrupt, Unavailable
from stackcanvas.serving.server.bundle import load_bundle
from stackcanvas.serving.server.records import rows_of
from stackcanvas.testing.onnx_models import DELAY_INPUTS, DELAY_OUTPUTS, delay_model, matrix_model
from stackcanvas.testing.serving import ServedFolder


def test_columns_fill_the_inputs_of_a_model(folder: ServedFolder) -> None:
    """Each column is one input; outputs come back in the order of the signature."""
    bundle = load_bundle(folder.root / "serving" / "bundles" / folder.delay())
    rows = rows_of(bundle.signature, [{"wind": None, "month": 0, "carrier": "é", "night": True}] * 2)

    probability, label, who = bundle.run(rows)
    assert probability.tolist() == [0.5, 0.5]
    assert label.tolist() == [0, 0]
    assert who.tolist() == ["é", "é"]


def test_a_prediction_without_a_name_is_the_first_output(folder: ServedFolder) -> None:
    """A client's signature may count one answer where the model gives several."""
    digest = folder.bundle(delay_model(), DELAY_INPUTS, [{"name": "prediction", "dtype": "FP64"}])
    bundle = load_bundle(folder.root / "serving" / "bundles" / digest)

    (prediction,) = bundle.run(rows_of(bundle.signature, [{"wind": 0, "month": 0, "carrier": "AA", "night": True}]))
    assert prediction.tolist() == [0.5]


def test_columns_of_several_types_fill_one_matrix(folder: ServedFolder) -> None:
    """A model with a single matrix takes the columns side by side, in the order of the signature."""
    inputs = [{"name": "a", "dtype": "FP32"}, {"name": "b", "dtype": "INT64"}, {"name": "c", "dtype": "FP32"}]
    totals = {3: [11.5, 22.0], 2: [1.5, 2.0], 1: [1.0, 2.0]}
    for width, given in ((3, inputs), (2, [inputs[0], inputs[2]]), (1, inputs[:1])):
        digest = folder.bundle(matrix_model(width), given, [{"name": "total", "dtype": "FP32"}])
        bundle = load_bundle(folder.root / "serving" / "bundles" / digest)
        (total,) = bundle.run(rows_of(bundle.signature, [{"a": 1, "b": 10, "c": 0.5}, {"a": 2, "b": 20, "c": 0}]))
        assert total.tolist() == totals[width]


def _with(inputs: list[dict[str, Any]], at: int, **change: Any) -> list[dict[str, Any]]:
    return [{**one, **change} if number == at else one for number, one in enumerate(inputs)]


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        (_with(DELAY_INPUTS, 0, dtype="FP64"), DELAY_OUTPUTS, "the model takes"),
        (_with(DELAY_INPUTS, 0, dtype="FLOAT"), DELAY_OUTPUTS, "the data type 'FLOAT' is unknown"),
        (_with(DELAY_INPUTS, 0, name="storm"), DELAY_OUTPUTS, "the model takes"),
        (_with(DELAY_INPUTS, 0, name="month"), DELAY_OUTPUTS, "two inputs have the name 'month'"),
        (_with(DELAY_INPUTS, 0, shape=[1, 1]), DELAY_OUTPUTS, "cannot be served"),
        (DELAY_INPUTS, _with(DELAY_OUTPUTS, 0, name="chance"), "no output 'chance'"),
        (DELAY_INPUTS, [], "names no output"),
        ([], DELAY_OUTPUTS, "names no input"),
    ],
)
def test_a_signature_that_is_not_the_models_is_refused(
    folder: ServedFolder, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]], said: str
) -> None:
    """Names, types and shapes must be those of the model."""
    digest = folder.bundle(delay_model(), inputs, outputs)

    with pytest.raises(Corrupt, match=said):
        load_bundle(folder.root / "serving" / "bundles" / digest)


def test_other_bytes_are_refused(folder: ServedFolder) -> None:
    """One changed byte in the model or in its description is found."""
    for name in ("model.onnx", "bundle.json"):
        place = folder.root / "serving" / "bundles" / folder.delay(0.1 if name == "model.onnx" else 0.2)
        content = bytearray((place / name).read_bytes())
        content[len(content) // 2] ^= 1
        (place / name).write_bytes(content)
        with pytest.raises(Corrupt, match="is not the one"):
            load_bundle(place)


def test_what_this_server_cannot_run_is_said(folder: ServedFolder) -> None:
    """Another format, a missing file."""
    with pytest.raises(Unavailable, match="this server cannot"):
        load_bundle(folder.root / "serving" / "bundles" / folder.delay(format="torch"))
    place = folder.root / "serving" / "bundles" / folder.delay(0.3)
    (place / "model.onnx").unlink()
    with pytest.raises(Unavailable, match="No such file"):
        load_bundle(place)


def test_a_model_that_runs_on_nothing_is_not_served(folder: ServedFolder) -> None:
    """A model of numbers that does not even run on zeros is found when it is loaded, not by a client."""
    given = [{"name": "input", "dtype": "FP32", "shape": [-1, 4]}]
    digest = folder.bundle(matrix_model(3), given, [{"name": "total", "dtype": "FP32"}])

    with pytest.raises(Corrupt, match="the model does not run"):
        load_bundle(folder.root / "serving" / "bundles" / digest)


def test_warm_models_give_the_same_answers(folder: ServedFolder) -> None:
    """Loading twice gives the same model."""
    place = folder.root / "serving" / "bundles" / folder.matrix()
    values = [np.random.default_rng(3).normal(size=(50, 3)).astype(np.float32)]

    assert load_bundle(place).run(values)[0].tolist() == load_bundle(place).run(values)[0].tolist()
    assert json.loads((place / "bundle.json").read_text())["model"] == "model:delay@1"

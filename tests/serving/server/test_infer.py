"""The Open Inference Protocol in JSON."""

from __future__ import annotations

import math
from typing import Any

import pytest

from stackcanvas.testing.serving import PredictionProcess

INFER = "/v2/models/delay/infer"


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    """An input of a request."""
    return {"name": name, "shape": shape or [len(data), 1], "datatype": datatype, "data": data}


def delay(count: int = 2) -> list[dict[str, Any]]:
    """The inputs of so many good rows."""
    return [
        tensor("wind", "FP32", [5.0] * count),
        tensor("month", "INT64", [6] * count),
        tensor("carrier", "BYTES", ["AA"] * count),
        tensor("night", "BOOL", [True] * count),
    ]


def test_answer_of_the_protocol(delays: PredictionProcess) -> None:
    """All outputs with names, types and shapes; the id is echoed, ours comes beside it."""
    status, answer = delays.post(INFER, {"id": "42", "inputs": delay()})

    assert status == 200
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("delay", "1", "42")
    probability = 1 / (1 + math.exp(-1))
    assert answer["outputs"] == [
        {"name": "probability", "datatype": "FP32", "shape": [2], "data": pytest.approx([probability] * 2)},
        {"name": "label", "datatype": "INT64", "shape": [2], "data": [1, 1]},
        {"name": "who", "datatype": "BYTES", "shape": [2], "data": ["AA", "AA"]},
    ]
    ids = answer["parameters"]["prediction_id"].split(",")
    assert [len(one) for one in ids] == [32, 32]
    assert ids[0] < ids[1]


def test_data_may_be_nested(delays: PredictionProcess) -> None:
    """Nested lists in row-major order say the same as flat ones."""
    nested = tensor("input", "FP32", [[1, 2, 3], [4, 5, 6.5]], [2, 3])
    flat = tensor("input", "FP32", [1, 2, 3, 4, 5, 6.5], [2, 3])

    for given in (nested, flat):
        status, answer = delays.post("/v2/models/matrix/infer", {"inputs": [given]})
        assert (status, answer["outputs"][0]["data"]) == (200, [6.0, 15.5])


def test_outputs_are_chosen(delays: PredictionProcess) -> None:
    """A request that names outputs gets those, in its order."""
    asked = [{"name": "who"}, {"name": "probability", "parameters": {"binary_data": False}}]
    _, answer = delays.post(INFER, {"inputs": delay(1), "outputs": asked})

    assert [one["name"] for one in answer["outputs"]] == ["who", "probability"]


def test_a_version_is_asked_for(delays: PredictionProcess) -> None:
    """The path may name the version, which must be one that is served."""
    assert delays.post("/v2/models/delay/versions/1/infer", {"inputs": delay(1)})[0] == 200
    assert delays.post("/v2/models/delay/versions/7/infer", {"inputs": delay(1)}) == (
        404,
        {"error": "There is no version of the model 'delay' '7'. Known: 1."},
    )


def test_a_missing_number_is_null(delays: PredictionProcess) -> None:
    """Null stands for a missing value where the model takes one."""
    inputs = [tensor("wind", "FP32", [None, 0]), *delay(2)[1:]]
    _, answer = delays.post(INFER, {"inputs": inputs})

    assert answer["outputs"][0]["data"][0] == answer["outputs"][0]["data"][1]


def _change(at: int, **change: Any) -> list[dict[str, Any]]:
    inputs = delay(2)
    inputs[at] = {**inputs[at], **change}
    return inputs


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "The request has no inputs"),
        (delay()[1:], "the input 'wind' is missing"),
        ([*delay(), tensor("tail", "FP32", [1, 1])], "the model has no input 'tail'"),
        ([*delay(), delay()[0]], "two inputs of the request have the same name"),
        (_change(0, datatype="FP64"), "the input 'wind' is given as FP64. Expected: FP32"),
        (_change(0, data=["5", "6"]), "input 'wind': the text '5' is not a value of FP32"),
        (_change(0, data=[5.0]), "input 'wind': 1 values do not fill the shape [2, 1]"),
        (_change(0, data=[[5.0], [6.0, 7.0]]), "input 'wind': the nested data have lists of unequal length"),
        (_change(0, data=[[5.0, 6.0]]), "input 'wind': the nested data have the shape [1, 2]"),
        (_change(0, data=5.0), "input 'wind': the data are not a list of values"),
        (_change(0, shape=[2, 2]), "the input 'wind' is given in the shape [2, 2]"),
        (_change(0, shape=[3, 1]), "has 2 rows and 'wind' has 3"),
        (_change(0, shape=[]), "the shape [] of 'wind' is not one"),
        (_change(0, shape=[-1, 1]), "the shape [-1, 1] of 'wind' is not one"),
        (_change(1, data=[6, None]), "input 'month': null is not a value of INT64"),
        (_change(1, data=[6, 2**70]), "is not a value of INT64"),
        (_change(2, data=["AA", 5]), "input 'carrier': 5 is not a value of BYTES"),
        (_change(2, data=[["AA"], "BB"]), "input 'carrier': a list is not a value of BYTES"),
    ],
)
def test_what_does_not_fit_is_a_bad_request(delays: PredictionProcess, inputs: list[Any], said: str) -> None:
    """Missing inputs, other types and shapes that the data do not fill are 400 and say what is wrong."""
    status, answer = delays.post(INFER, {"inputs": inputs})

    assert status == 400
    assert said.lower() in answer["error"].lower()


def test_a_shape_larger_than_its_data_takes_no_memory(delays: PredictionProcess) -> None:
    """Rows are counted before room is made for them."""
    inputs = [{**one, "shape": [10**15, 1]} for one in delay()]
    status, answer = delays.post(INFER, {"inputs": inputs})

    assert (status, answer) == (400, {"error": "the data do not fill 1000000000000000 rows."})


def test_an_unknown_output_is_refused(delays: PredictionProcess) -> None:
    """Asking for an output that the model lacks names those it has."""
    status, answer = delays.post(INFER, {"inputs": delay(), "outputs": [{"name": "chance"}]})

    assert (status, answer) == (
        400,
        {"error": "the model has no output 'chance'. Expected: probability, label, who."},
    )


def test_a_model_that_raises_says_so(delays: PredictionProcess) -> None:
    """Without a fallback a failing model is the server's fault, and only for the request that upset it."""
    inputs = [*delay(2)]
    inputs[1] = tensor("month", "INT64", [6, 99])
    status, answer = delays.post(INFER, {"inputs": inputs})

    assert status == 500
    assert answer["error"].startswith("the model raised")
    assert delays.post(INFER, {"inputs": delay()})[0] == 200


def test_an_answer_that_is_no_number_is_not_given(delays: PredictionProcess) -> None:
    """A model that gives NaN has failed."""
    inputs = [tensor("x", "FP32", [-1.0])]
    status, answer = delays.post("/v2/models/log/infer", {"inputs": inputs})

    assert (status, answer) == (500, {"error": "the model's 'answer' is not a finite number."})

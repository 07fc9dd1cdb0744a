"""Plain records: what people send, and what they are told when it does not fit."""

from __future__ import annotations

import math
from typing import Any

import pytest

from stackcanvas.testing.serving import PredictionProcess

GOOD: dict[str, Any] = {"wind": 5.0, "month": 6, "carrier": "AA", "night": False}


def test_each_record_gets_its_answer(delays: PredictionProcess) -> None:
    """Answers come back in the order of the records, each with an id of its own, model and variant."""
    records = [{**GOOD, "wind": float(wind), "carrier": f"C{wind}"} for wind in range(5)]
    status, answer = delays.post("/v1/predict/delay", {"records": records, "id": "mine"})

    assert status == 200
    assert answer["id"] == "mine"
    predictions = answer["predictions"]
    expected = [1 / (1 + math.exp(-(wind / 10 + 0.5))) for wind in range(5)]
    assert [one["output"]["probability"] for one in predictions] == pytest.approx(expected, rel=1e-6)
    assert [one["output"]["who"] for one in predictions] == ["C0", "C1", "C2", "C3", "C4"]
    assert {one["variant"] for one in predictions} == {"v1"}
    assert {one["model"] for one in predictions} == {"model:delay@1"}
    assert not any(one["fallback"] for one in predictions)
    assert len({one["prediction_id"] for one in predictions}) == 5


def test_no_records_no_answers(delays: PredictionProcess) -> None:
    """An hour without flights is not an error."""
    assert delays.post("/v1/predict/delay", {"records": []}) == (
        200,
        {"endpoint": "delay", "id": None, "predictions": []},
    )


def test_missing_number_is_taken_where_the_model_takes_it(delays: PredictionProcess) -> None:
    """Null is a missing value for a nullable column."""
    status, answer = delays.post("/v1/predict/delay", {"records": [{**GOOD, "wind": None}]})

    assert status == 200
    assert answer["predictions"][0]["output"]["probability"] == pytest.approx(1 / (1 + math.exp(-0.5)))


def test_records_fill_a_matrix_by_column_name(delays: PredictionProcess) -> None:
    """A model that takes one matrix with named columns takes records too, in any order."""
    status, answer = delays.post("/v1/predict/matrix", {"records": [{"c": 3, "a": 1, "b": 2.5}]})

    assert (status, answer["predictions"][0]["output"]) == (200, {"total": 6.5})


def test_more_than_the_model_takes_is_kept_in_the_log(delays: PredictionProcess) -> None:
    """What a record carries beside the features is its entity: keys that labels are joined by."""
    _, answer = delays.post("/v1/predict/delay", {"records": [{**GOOD, "flight": "AA12", "day": 3}]})
    mine = answer["predictions"][0]["prediction_id"]
    delays.wait(lambda: delays.folder.row(mine) is not None)

    row = delays.folder.row(mine)
    assert row is not None
    assert row["entity"] == '{"day":3,"flight":"AA12"}'
    assert row["features"] == {**GOOD, "wind": 5.0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"wind": "5"}, "record 0, 'wind': the text '5' is not a value of FP32. Expected: numbers."),
        ({"wind": True}, "record 0, 'wind': true is not a value of FP32. Expected: numbers."),
        ({"month": 6.5}, "record 0, 'month': 6.5 is not a value of INT64. Expected: whole numbers."),
        ({"month": None}, "record 0, 'month': null is not a value of INT64. Expected: whole numbers."),
        ({"month": 2**63}, "record 0, 'month': 9223372036854775808 is not a value of INT64. Expected: whole numbers."),
        ({"night": 1}, "record 0, 'night': 1 is not a value of BOOL. Expected: true or false."),
        ({"carrier": 7}, "record 0, 'carrier': 7 is not a value of BYTES. Expected: text."),
        ({"carrier": ["AA"]}, "record 0, 'carrier': a list is not a value of BYTES. Expected: text."),
        ({"wind": 1e39}, "'wind' is not a finite number."),
    ],
)
def test_wrong_values_are_named(delays: PredictionProcess, change: dict[str, Any], said: str) -> None:
    """A value of another kind is refused with its place, and nothing is bent to fit."""
    assert delays.post("/v1/predict/delay", {"records": [{**GOOD, **change}]}) == (400, {"error": said})


def test_a_misspelt_column_is_guessed(delays: PredictionProcess) -> None:
    """A missing column names the nearest one that was given."""
    record = {**GOOD, "mounth": 3}
    del record["month"]

    assert delays.post("/v1/predict/delay", {"records": [GOOD, record]}) == (
        400,
        {"error": "record 1, 'month': the column is missing. Perhaps it was sent as 'mounth'."},
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"records": {}}', b'{"records": [1]}', b'{"records": [NaN]}', b"\xff\xfe"]
)
def test_what_is_no_request_is_refused(delays: PredictionProcess, body: bytes) -> None:
    """Broken JSON and other shapes are 400 with a reason."""
    status, _, answer = delays.ask("POST", "/v1/predict/delay", body)

    assert status == 400
    assert answer.startswith(b'{"error":')

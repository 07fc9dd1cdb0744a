"""What happens to a row between its request and its answer: checks, fallback, shadow, variants."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from stackcanvas.testing.serving import PredictionProcess, ServedFolder

Start = Callable[..., PredictionProcess]
GOOD: dict[str, Any] = {"wind": 0.0, "month": 0, "carrier": "AA", "night": False}
CONSTANT = {"constant": {"probability": 0.25, "label": 0, "who": "nobody"}}


def ask(server: PredictionProcess, *changes: dict[str, Any]) -> tuple[int, Any]:
    """One request of a record for each change."""
    status, answer = server.post("/v1/predict/delay", {"records": [{**GOOD, **change} for change in changes]})
    return status, answer["predictions"] if status == 200 else answer["error"]


def rule(column: str, kind: str, action: str, **more: Any) -> dict[str, Any]:
    """A check of a bundle."""
    return {"column": column, "rule": kind, "action": action, **more}


def test_checks_reject_warn_and_call_for_the_fallback(folder: ServedFolder, start: Start) -> None:
    """Each action does what it says, row by row, in the answer and in the log."""
    checks = [
        rule("wind", "range", "fallback", min=0, max=50),
        rule("wind", "not_null", "warn"),
        rule("month", "range", "reject", min=0, max=11),
        rule("carrier", "allowed", "warn", values=["AA", "UA"]),
    ]
    folder.route(delay=folder.to(("v1", folder.delay(checks=checks), 1.0), fallback=CONSTANT))
    server = start(folder)

    status, rows = ask(server, {}, {"wind": 99.0}, {"carrier": "ZZ"}, {"wind": None, "carrier": "ZZ"})
    assert status == 200
    assert [one["fallback"] for one in rows] == [False, True, False, False]
    assert rows[0]["output"] == {"probability": 0.5, "label": 0, "who": "AA"}
    assert rows[1]["output"] == {"probability": 0.25, "label": 0, "who": "nobody"}
    assert rows[2]["warnings"] == "'carrier' is not one of the allowed values"
    assert rows[3]["warnings"] == "'wind' is missing; 'carrier' is not one of the allowed values"
    assert ask(server, {}, {"month": 12}) == (400, "row 1: 'month' is outside 0..11.")

    logged = server.wait_logged(4)
    assert logged["status"].to_list() == ["ok", "fallback", "warned", "warned"]
    assert logged["fallback"].to_list() == [False, True, False, False]
    assert logged["reason"].to_list()[1] == "'wind' is outside 0..50"
    assert server.metric("stackcanvas_predict_fallback_rows_total") == 1
    assert server.metric("stackcanvas_predict_check_failures_total") == 5


def test_a_constant_stands_in_for_a_model_that_raises(folder: ServedFolder, start: Start) -> None:
    """The request that upsets the model gets the fallback, flagged; others beside it get the model."""
    folder.route(delay=folder.to(("v1", folder.delay(), 1.0), fallback=CONSTANT))
    server = start(folder)

    _, (row,) = ask(server, {"month": 99})
    assert (row["fallback"], row["output"]["probability"]) == (True, 0.25)
    inputs = [
        {"name": name, "shape": [2, 1], "datatype": datatype, "data": data}
        for name, datatype, data in (
            ("wind", "FP32", [0, 0]),
            ("month", "INT64", [0, 99]),
            ("carrier", "BYTES", ["", ""]),
            ("night", "BOOL", [True, True]),
        )
    ]
    _, answer = server.post("/v2/models/delay/infer", {"inputs": inputs})
    assert answer["parameters"]["fallback"] is True
    assert answer["parameters"]["fallback_rows"] == "0,1"
    assert server.wait_logged(3)["reason"].str.starts_with("the model raised").all()


def test_another_model_stands_in(folder: ServedFolder, start: Start) -> None:
    """The fallback may be a bundle that takes the same columns."""
    folder.route(
        delay=folder.to(
            ("v1", folder.delay(checks=[rule("wind", "range", "fallback", max=5)]), 1.0),
            fallback={"model": folder.delay(2.0)},
        )
    )
    server = start(folder)

    _, rows = ask(server, {}, {"wind": 10.0})
    assert rows[0]["output"]["probability"] == 0.5
    assert rows[1]["output"]["probability"] == pytest.approx(1 / (1 + math.exp(-3)))


def test_an_answer_outside_its_range_falls_back(folder: ServedFolder, start: Start) -> None:
    """What a model gives is checked too: no numbers that are none, and the bundle's rules for outputs."""
    checks = [rule("answer", "range", "fallback", max=2)]
    folder.route(log=folder.to(("v1", folder.log(checks=checks), 1.0), fallback={"constant": {"answer": -1}}))
    server = start(folder)

    _, answer = server.post("/v1/predict/log", {"records": [{"x": 1}, {"x": -1}, {"x": 100}]})
    assert [one["output"]["answer"] for one in answer["predictions"]] == [0, -1, -1]
    assert server.wait_logged(3)["reason"].to_list() == [
        None,
        "'answer' is not a finite number",
        "'answer' is outside ..2",
    ]


def test_rows_go_to_variants_by_their_key(folder: ServedFolder, start: Start) -> None:
    """A sticky column keeps a customer at one variant, over requests, protocols and restarts."""
    variants = [("v1", folder.delay(), 0.5), ("v2", folder.delay(1.0), 0.5)]
    folder.route(delay=folder.to(*variants, sticky="customer"))
    server = start(folder)

    changes = [{"customer": f"c{at}", "carrier": f"c{at}"} for at in range(40)]
    _, first = ask(server, *changes)
    assert {one["variant"] for one in first} == {"v1", "v2"}
    assert [one["output"]["who"] for one in first] == [one["carrier"] for one in changes]
    assert all((one["output"]["probability"] > 0.6) == (one["variant"] == "v2") for one in first)
    assert ask(server, {}) == (400, "record 0, 'customer': the column is missing.")

    server.kill()
    again = start(folder)
    assert [one["variant"] for one in ask(again, *changes)[1]] == [one["variant"] for one in first]
    inputs = [
        {"name": name, "shape": [1, 1], "datatype": datatype, "data": [GOOD[name]]}
        for name, datatype in (("wind", "FP32"), ("month", "INT64"), ("carrier", "BYTES"), ("night", "BOOL"))
    ]
    for at, expected in enumerate(first[:10]):
        request = {"inputs": inputs, "parameters": {"customer": f"c{at}"}}
        assert again.post("/v2/models/delay/infer", request)[1]["parameters"]["variant"] == expected["variant"]


def test_a_sticky_input_splits_a_request(folder: ServedFolder, start: Start) -> None:
    """Rows of one request may go to several variants, and come back in order."""
    folder.route(delay=folder.to(("v1", folder.delay(), 1), ("v2", folder.delay(1.0), 1), sticky="carrier"))
    server = start(folder)
    carriers = [f"c{at}" for at in range(30)]
    inputs = [
        {"name": name, "shape": [30, 1], "datatype": datatype, "data": data}
        for name, datatype, data in (
            ("wind", "FP32", [0] * 30),
            ("month", "INT64", [0] * 30),
            ("carrier", "BYTES", carriers),
            ("night", "BOOL", [True] * 30),
        )
    ]
    _, answer = server.post("/v2/models/delay/infer", {"inputs": inputs})

    assert "model_version" not in answer
    variants = answer["parameters"]["variant"].split(",")
    outputs = {one["name"]: one["data"] for one in answer["outputs"]}
    assert outputs["who"] == carriers
    assert set(variants) == {"v1", "v2"}
    assert [value > 0.6 for value in outputs["probability"]] == [one == "v2" for one in variants]


def test_rows_are_drawn_by_weight(folder: ServedFolder, start: Start) -> None:
    """Without a key each record is drawn by itself."""
    folder.route(delay=folder.to(("v1", folder.delay(), 0.75), ("v2", folder.delay(1.0), 0.25)))
    server = start(folder)

    _, rows = ask(server, *[{}] * 2000)
    share = sum(one["variant"] == "v2" for one in rows) / 2000
    assert share == pytest.approx(0.25, abs=0.05)


def test_a_shadow_sees_every_row_and_answers_none(folder: ServedFolder, start: Start) -> None:
    """A shadow's answers stand in the log beside the real ones, under the same ids; its failures hurt nobody."""
    shadow = [{"name": "v9", "bundle": folder.delay(1.0), "model": "model:delay@9", "weight": 1}]
    folder.route(delay=folder.to(("v1", folder.delay(), 1.0), shadow=shadow))
    server = start(folder)

    status, rows = ask(server, {}, {"wind": 3.0})
    assert status == 200
    assert {one["variant"] for one in rows} == {"v1"}
    logged = server.wait_logged(4)
    shown = logged.filter(pl.col("variant") == "v9")
    assert shown["status"].to_list() == ["shadow", "shadow"]
    assert shown["prediction_id"].to_list() == [one["prediction_id"] for one in rows]
    assert shown["output"].struct.field("probability")[0] == pytest.approx(1 / (1 + math.exp(-1)))


def test_a_shadow_may_see_a_share_of_the_requests(folder: ServedFolder, start: Start) -> None:
    """Its weight is the share that is copied to it."""
    shadow = [{"name": "v9", "bundle": folder.delay(1.0), "model": "model:delay@9", "weight": 0.3}]
    folder.route(delay=folder.to(("v1", folder.delay(), 1.0), shadow=shadow))
    server = start(folder)
    for _ in range(200):
        ask(server, {})
    server.stop()

    logged = folder.logged()
    assert logged.filter(pl.col("variant") == "v1").height == 200
    assert 25 < logged.filter(pl.col("variant") == "v9").height < 100


def test_a_failing_request_does_not_hurt_those_beside_it(folder: ServedFolder, start: Start) -> None:
    """Requests that ran in one batch with a failing one get their own answers."""
    from concurrent.futures import ThreadPoolExecutor

    folder.route(delay=folder.to(("v1", folder.delay(), 1.0)))
    server = start(folder)
    months = [99 if at % 5 == 0 else at % 12 for at in range(200)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda month: ask(server, {"month": month, "carrier": str(month)}), months))

    for month, (status, found) in zip(months, answers, strict=True):
        assert status == (500 if month == 99 else 200)
        if status == 200:
            assert found[0]["output"]["who"] == str(month)


def test_event_time_counts_only_in_a_replay(folder: ServedFolder, start: Start) -> None:
    """A replaying server logs each request at the time that it names; another refuses to be told the time."""
    folder.route(delay=folder.to(("v1", folder.delay(), 1.0)))
    server = start(folder)
    body = {"records": [GOOD], "event_time": "2013-05-01T12:00:00+02:00"}
    assert server.post("/v1/predict/delay", body)[0] == 400
    assert server.post("/v1/predict/delay", {"records": [GOOD]}, {"event_time": "2013-05-01T12:00:00Z"})[0] == 400
    server.stop()

    replaying = start(folder, "--replay")
    assert replaying.post("/v1/predict/delay", body)[0] == 200
    assert replaying.post("/v1/predict/delay", {"records": [GOOD]}, {"event_time": "2013-05-01T12:00:00Z"})[0] == 200
    assert replaying.post("/v1/predict/delay", {**body, "event_time": "2013-05-01T12:00:00"})[0] == 400
    times = [str(time) for time in replaying.wait_logged(2)["time"]]
    assert times == ["2013-05-01 10:00:00+00:00", "2013-05-01 12:00:00+00:00"]

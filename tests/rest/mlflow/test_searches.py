"""Searches as MLflow's own tests ask them: what is found, in which pages, and in which words a filter is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

Call = Callable[..., tuple[int, Any]]
NOW = 1_780_000_000_000
UNREAD = "Invalid clause(s) in filter string"
NULLS = "IS NULL / IS NOT NULL is only supported for tags"
MISQUOTED = "value is either not quoted or unidentified quote types"


@pytest.mark.parametrize(
    ("place", "refused"),
    [
        (
            "runs/search",
            [
                ("metric.acc >= 0.94; metrics.rmse < 1", "Search filter contained multiple expression"),
                ("metrics.acc IS NULL", f"{NULLS} and params"),
                ("attribute.status IS NOT NULL", f"{NULLS} and params"),
                ("attribute.status = true", UNREAD),
                ("tags.acc = = 'LR'", UNREAD),
                ("params.acc = LR", MISQUOTED),
                ("params.acc = `LR`", MISQUOTED),
                ("params.acc = 5", "Expected a quoted string value for param"),
                ("1.0 > metrics.acc", "Expected 'Identifier' found"),
                ("1==2", "Expected 'Identifier' found"),
                ("metrics.abc ~= 1.0", "Invalid comparator"),
                ("params.abc ~ 'a'", "Invalid comparator"),
                ("metrics.abc == 1", "Invalid comparator"),
            ],
        ),
        ("experiments/search", [("name IS NULL", NULLS)]),
        (
            "logged-models/search",
            [
                ("Foo", "Invalid filter string"),
                ("name = 'foo' OR name = 'bar'", "Invalid filter string"),
                ("name > 'foo'", "Invalid comparison operator"),
                ("metrics.foo LIKE 0", "Invalid comparison operator"),
            ],
        ),
    ],
)
def test_filters_are_refused_in_the_words_that_programs_look_for(
    call_shared: Call, place: str, refused: list[tuple[str, str]]
) -> None:
    """Each search in its own."""
    for asked, said in refused:
        fields: dict[str, Any] = {"max_results": 5} if place.startswith("exp") else {"experiment_ids": ["0"]}
        status, told = call_shared(place, filter=asked, **fields)
        assert (status, told["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert said in told["message"]


def test_orders_are_read_as_a_whole(call: Call) -> None:
    """No space may stand around them, and no third word; two may stand between."""
    for text, said in [
        ("", "Invalid order_by clause"),
        ("params.a ", "Invalid order_by clause"),
        ("metrics.A != 1", "Invalid order_by clause"),
        ("`metrics.A", "Invalid order_by clause"),
        ("`metrics.A`", "Invalid entity type"),
        ("start_time decs", "Invalid ordering key"),
        ("m.acc", "Invalid entity type"),
    ]:
        status, told = call("runs/search", experiment_ids=["0"], order_by=[text])
        assert status == 400
        assert said in told["message"]
    for text in ("metrics.`Mean Square Error` DESC", 'metrics."key1"  desc', "params.my_param aSc"):
        assert call("runs/search", experiment_ids=["0"], order_by=[text])[0] == 200


def test_a_time_that_is_recorded_finer_is_told_apart_by_its_millisecond(call: Call) -> None:
    """A comparison with `!=` leaves it out, as one with `=` finds it."""
    made = [call("logged-models", experiment_id="0")[1]["model"]["info"] for _ in range(2)]
    at = made[0]["creation_timestamp_ms"]
    rest = [one["model_id"] for one in made if one["creation_timestamp_ms"] != at]
    told = call("logged-models/search", experiment_ids=["0"], filter=f"creation_timestamp != {at}")[1]
    assert [one["info"]["model_id"] for one in told.get("models", [])] == rest


def test_runs_and_models_are_found_by_the_address_of_their_files(call: Call) -> None:
    """All of it counts, the number of the experiment too, and patterns see what clients are told."""
    number = call("experiments/create", name="second")[1]["experiment_id"]
    first, second = (call("runs/create", experiment_id=one)[1]["run"]["info"] for one in ("0", number))
    there = first["artifact_uri"]
    for asked, found in [
        (f"= '{there}'", {first["run_id"]}),
        (f"= '{there.replace('/0/', f'/{number}/')}'", set()),
        (f"!= '{there}'", {second["run_id"]}),
        (f"LIKE 'mlflow-artifacts:/{number}/%'", {second["run_id"]}),
        (f"ILIKE '%{first['run_id'].upper()}%'", {first["run_id"]}),
    ]:
        told = call("runs/search", experiment_ids=["0", number], filter=f"attr.artifact_uri {asked}")[1]
        assert {one["info"]["run_id"] for one in told.get("runs", [])} == found
    model = call("logged-models", experiment_id=number)[1]["model"]["info"]
    asked = f"artifact_location = '{model['artifact_uri']}'"
    told = call("logged-models/search", experiment_ids=[number], filter=asked)[1]
    assert [one["info"]["model_id"] for one in told["models"]] == [model["model_id"]]


def test_the_pages_of_logged_models_are_of_one_search(call: Call) -> None:
    """A token of another one is refused, and it is said what differs."""
    for _ in range(2):
        call("logged-models", experiment_id="0")
    search: dict[str, Any] = {"experiment_ids": ["0"], "max_results": 1}
    token = call("logged-models/search", **search)[1]["next_page_token"]
    assert len(call("logged-models/search", page_token=token, **search)[1]["models"]) == 1
    changed: list[tuple[dict[str, Any], str]] = [
        ({"experiment_ids": ["1"]}, "Experiment IDs in the page token do not match"),
        ({"filter": "name != ''"}, "Filter string in the page token does not match"),
        ({"order_by": [{"field_name": "name"}]}, "Order by in the page token does not match"),
    ]
    for other, said in changed:
        status, told = call("logged-models/search", page_token=token, **{**search, **other})
        assert status == 400
        assert said in told["message"]


def test_logged_models_are_found_by_status_and_ordered_as_they_become_ready(call: Call) -> None:
    """Named, or by the number that clients know it by."""
    names = {}
    for status in ("FAILED", "PENDING", "READY"):
        made = call("logged-models", experiment_id="0")[1]["model"]["info"]["model_id"]
        names[made] = status
        told = {"READY": "LOGGED_MODEL_READY", "FAILED": "LOGGED_MODEL_UPLOAD_FAILED"}.get(status)
        if told:
            call(f"logged-models/{made}", method="PATCH", status=told)

    def find(**asked: Any) -> list[str]:
        status, found = call("logged-models/search", experiment_ids=["0"], **asked)
        assert status == 200, found
        return [names[one["info"]["model_id"]] for one in found.get("models", [])]

    for asked in ("= 'READY'", "= 2", "= '2'", "LIKE 'REA%'", "ILIKE 'ready'", "IN ('READY', 'nothing')"):
        assert find(filter=f"status {asked}") == ["READY"], asked
    assert find(filter=f"status = '{'9' * 5_000}'") == []
    assert find(order_by=[{"field_name": "status"}]) == ["PENDING", "READY", "FAILED"]


def test_a_logged_model_without_a_type_is_ordered_as_one_of_an_empty_type(call: Call) -> None:
    """Before all others, or behind them."""
    for kind in ({}, {"model_type": "agent"}):
        call("logged-models", experiment_id="0", **kind)
    for ascending, kinds in ((True, ["", "agent"]), (False, ["agent", ""])):
        order = [{"field_name": "model_type", "ascending": ascending}]
        told = call("logged-models/search", experiment_ids=["0"], order_by=order)[1]
        assert [one["info"]["model_type"] for one in told["models"]] == kinds


def test_the_tag_of_a_name_goes_and_the_name_stays(call: Call) -> None:
    """Until the run is given another one, however that is said."""
    run_id = call("runs/create", experiment_id="0", start_time=NOW, run_name="first")[1]["run"]["info"]["run_id"]

    other = call("runs/create", experiment_id="0", start_time=NOW, run_name="m")[1]["run"]["info"]["run_id"]

    def told() -> tuple[str, str | None]:
        run = call("runs/get", run_id=run_id)[1]["run"]
        return run["info"]["run_name"], {one["key"]: one["value"] for one in run["data"].get("tags", ())}.get(key)

    key = "mlflow.runName"
    changes: list[tuple[str, dict[str, Any]]] = [
        ("runs/update", {"run_name": "0"}),
        ("runs/set-tag", {"key": key, "value": "1"}),
        ("runs/log-batch", {"tags": [{"key": key, "value": "2"}]}),
    ]
    for word, (place, fields) in enumerate(changes):
        name = told()[0]
        assert call("runs/delete-tag", run_id=run_id, key=key) == (200, {})
        assert told() == (name, None)
        status, said = call("runs/delete-tag", run_id=run_id, key=key)
        assert (status, said["message"]) == (404, f"No tag with name: {key} in run with id {run_id}")
        for asked, found in (("IS NULL", 1), ("IS NOT NULL", 1), (f"= '{name}'", 0), ("!= 'm'", 0)):
            answer = call("runs/search", experiment_ids=["0"], filter=f"tags.`{key}` {asked}")[1]
            assert len(answer.get("runs", [])) == found
        assert call("runs/search", experiment_ids=["0"], filter=f"run_name = '{name}'") == (200, {})
        for direction in ("", " DESC"):
            answer = call("runs/search", experiment_ids=["0"], order_by=[f"tags.`{key}`{direction}"])[1]
            assert [one["info"]["run_id"] for one in answer["runs"]] == [other, run_id]
        call(place, run_id=run_id, **fields)
        assert told() == (str(word), str(word))


def test_a_run_that_nobody_named_has_a_name_to_be_said(call: Call) -> None:
    """Two words and a number."""
    name = call("runs/create", experiment_id="0")[1]["run"]["info"]["run_name"]
    first, second, number = name.split("-")
    assert first.isalpha()
    assert second.isalpha()
    assert number.isdigit()


def test_a_data_set_has_limits_of_its_own_and_a_request_may_hold_many(call: Call) -> None:
    """Each is told by its name."""
    run_id = call("runs/create", experiment_id="0")[1]["run"]["info"]["run_id"]
    data = {"name": "a", "digest": "b", "source_type": "c", "source": "d"}
    many = [{"dataset": data | {"name": f"a{index}"}} for index in range(1_001)]
    assert call("runs/log-inputs", run_id=run_id, datasets=many)[0] == 200
    for key, most in (("name", 500), ("digest", 36), ("source", 65_535)):
        status, told = call("runs/log-inputs", run_id=run_id, datasets=[{"dataset": data | {key: "x" * (most + 1)}}])
        assert (status, told["message"][: len(key) + 2]) == (400, f"'{key}'")
    for tag, said in (({"key": "x" * 256}, "'key' exceeds"), ({"key": "x", "value": "x" * 501}, "'value' exceeds")):
        told = call("runs/log-inputs", run_id=run_id, datasets=[{"dataset": data, "tags": [tag]}])[1]
        assert told["message"].startswith(said)


def test_default_is_older_than_the_first_request(call: Call) -> None:
    """A program that looks at its clock, and then makes the first experiment, finds that one alone since."""
    before = round(time.time() * 1000)
    number = call("experiments/create", name="first")[1]["experiment_id"]
    told = call("experiments/search", max_results=9, filter=f"creation_time >= {before}")[1]
    assert [one["experiment_id"] for one in told["experiments"]] == [number]

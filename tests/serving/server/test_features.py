"""Features read, pushed and looked up by the prediction server, from both online stores."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.backends.keyvalue import KeyValue, open_keyvalue
from stackcanvas.backends.keyvalue.formulas import symbol
from stackcanvas.backends.keyvalue.rows import Place, item
from stackcanvas.clock import to_us
from stackcanvas.testing.redis import RedisServer
from stackcanvas.testing.serving import PredictionProcess, ServedFolder

Start = Callable[..., PredictionProcess]

DRIVERS = Place("drivers", "abc", ("driver_id",), ("rate", "trips"), 86_400_000_000, ("number",))
STREAM = Place("stream", "def", ("driver_id",), ("speed",), None, ("number",), ("float",))


def plan(online: str) -> dict[str, Any]:
    """What the stack publishes."""
    per_trip = {"inputs": ["drivers:rate", "drivers:trips"], "request": ["fare"]}
    formula = ((symbol("fare") * symbol("rate")) / symbol("trips")).tree

    def place(one: Place) -> dict[str, Any]:
        kept = {name: getattr(one, name) for name in ("name", "definition", "ttl_us")}
        return kept | {name: list(getattr(one, name)) for name in ("keys", "features", "kinds", "feature_kinds")}

    return {
        "online": online,
        "namespace": "test",
        "views": {
            "drivers": {
                "place": place(DRIVERS),
                "event_time": "event_timestamp",
                "source": "driver_stats",
                "until_us": 1_000_000,
            },
            "stream": {
                "place": place(STREAM),
                "event_time": "event_timestamp",
                "known_time": "created",
                "stream": True,
                "source": "driver_stream",
                "until_us": 1_000_000,
            },
        },
        "on_demand": {"fares": {**per_trip, "formulas": {"weighted": formula}}},
        "services": {"activity": ["drivers:rate", "fares:weighted"]},
    }


def ago(**past: float) -> int:
    """Microseconds of an instant."""
    return to_us(datetime.now(UTC) - timedelta(**past))


def fill(store: KeyValue) -> None:
    """One driver that is fresh, one whose rate is null, one whose event is too old."""
    rows = [(1, ago(hours=1), (0.5, 10)), (2, ago(hours=1), (None, 20)), (3, ago(days=2), (0.9, 30))]
    store.put_many([item(DRIVERS.prefix, (key,), event, event, values) for key, event, values in rows])


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A server that asks for a password."""
    server = RedisServer("--requirepass", "geheim")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def online(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a store that holds the drivers, as the canvas writes it."""
    with pytest.MonkeyPatch.context() as patched:
        if request.param == "sqlite":
            address = whole = f"sqlite:///{tmp_path_factory.mktemp('online')}/online.db"
        else:
            server: RedisServer = request.getfixturevalue("redis")
            patched.setenv("REDIS_PASSWORD", "geheim")
            address = f"redis://:${{REDIS_PASSWORD}}@127.0.0.1:{server.port}/0"
            whole = address.replace("${REDIS_PASSWORD}", "geheim")
        store = open_keyvalue(whole, namespace="test")
        fill(store)
        store.close()
        yield address


@pytest.fixture(scope="module")
def server(online: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictionProcess]:
    """A server that knows the features."""
    folder = ServedFolder(tmp_path_factory.mktemp("served") / "state")
    publish(folder, plan(online))
    started = PredictionProcess(folder)
    yield started
    started.kill()


def publish(folder: ServedFolder, content: dict[str, Any]) -> None:
    """Lay the document where the server looks."""
    (folder.root / "serving" / "features.json").write_text(json.dumps(content))


def test_features_are_read_as_feast_has_them(server: PredictionProcess) -> None:
    """Names, values, statuses and times, the entities first."""
    asked = {"entities": {"driver_id": [1, 2, 3, 4]}, "features": ["drivers:rate", "drivers:trips"]}
    before = server.metric("stackcanvas_predict_feature_rows_total")

    status, found = server.post("/get-online-features", asked)

    assert status == 200
    assert found["metadata"] == {"feature_names": ["driver_id", "rate", "trips"]}
    assert [one["values"] for one in found["results"]] == [[1, 2, 3, 4], [0.5, None, None, None], [10, 20, None, None]]
    assert found["results"][1]["statuses"] == ["PRESENT", "NULL_VALUE", "OUTSIDE_MAX_AGE", "NOT_FOUND"]
    assert found["results"][1]["event_timestamps"][3] == "1970-01-01T00:00:00Z"
    assert server.metric("stackcanvas_predict_feature_rows_total") == before + 4
    assert server.metric("stackcanvas_predict_feature_age_seconds_count") >= 3
    assert server.metric("stackcanvas_predict_feature_online_until_seconds") == 2.0


def test_services_and_features_on_demand(server: PredictionProcess) -> None:
    """Computed from what is stored and what the request brings."""
    asked = {
        "entities": {"driver_id": [1, 2], "fare": [40, 40]},
        "feature_service": "activity",
        "full_feature_names": True,
    }

    found = server.post("/get-online-features", asked)[1]

    assert found["metadata"]["feature_names"] == ["driver_id", "fare", "drivers__rate", "fares__weighted"]
    assert found["results"][3]["values"] == [2.0, None]
    assert found["results"][3]["statuses"] == ["PRESENT", "NULL_VALUE"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"entities": {"driver_id": [1]}, "features": ["driver:rate"]}, 404, "Did you mean 'drivers'"),
        ({"entities": {"driver_id": [1]}, "features": ["drivers:rat"]}, 404, "Did you mean 'rate'"),
        ({"entities": {"driver_id": [1]}, "feature_service": "nothing"}, 404, "feature service"),
        ({"entities": {"driver_id": [1]}}, 400, "not exactly one"),
        ({"entities": {"driver": [1]}, "features": ["drivers:rate"]}, 400, "lacks the key 'driver_id'"),
        ({"entities": {"driver_id": ["1.5"]}, "features": ["drivers:rate"]}, 400, "Expected: number"),
        ({"entities": {"driver_id": [1.5]}, "features": ["drivers:rate"]}, 400, "Expected: number"),
        ({"entities": {"driver_id": [1]}, "features": []}, 400, "not exactly one"),
        ({"entities": {"driver_id": [1], "fare": []}, "features": ["drivers:rate"]}, 400, "different lengths"),
        ({"entities": {"driver_id": [1]}, "features": ["fares:weighted"]}, 400, "'fare' is missing"),
        ({"entities": {"driver_id": [1], "fare": ["x"]}, "features": ["fares:weighted"]}, 400, "text is given"),
        ({"entities": {"rate": [1], "driver_id": [1]}, "features": ["drivers:rate"]}, 400, "full_feature_names"),
        ({"entities": {"driver_id": [2**70]}, "features": ["drivers:rate"]}, 400, ""),
        ({"entities": 3, "features": []}, 400, "cannot be read"),
    ],
)
def test_a_bad_request_is_told_why(server: PredictionProcess, body: Any, status: int, said: str) -> None:
    """With a status of the client's."""
    found = server.post("/get-online-features", body)

    assert found[0] == status, found
    assert said in found[1]["error"]


def test_whole_numbers_come_as_clients_of_feast_send_them(server: PredictionProcess) -> None:
    """As text, or as fractions where another row lacks one."""
    asked = {"entities": {"driver_id": ["1", 1.0, None]}, "features": ["drivers:rate"]}

    status, found = server.post("/get-online-features", asked)

    assert status == 200, found
    assert [one["values"] for one in found["results"]] == [[1, 1, None], [0.5, 0.5, None]]


def push(
    server: PredictionProcess,
    minute: int,
    speed: float,
    *,
    known: int | None = None,
    to: str = "online",
    driver: int = 7,
) -> int:
    """Push one row; minutes from now."""

    def at(one: int) -> str:
        return (datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=one)).isoformat()

    df = {"driver_id": [driver], "event_timestamp": [at(minute)], "created": [at(minute if known is None else known)]}
    body = {"push_source_name": "driver_stream", "df": {**df, "speed": [speed]}, "to": to}
    return server.post("/push", body)[0]


def speed(server: PredictionProcess, driver: int = 7) -> Any:
    """What is online."""
    asked = {"entities": {"driver_id": [driver]}, "features": ["stream:speed"]}
    return server.post("/get-online-features", asked)[1]["results"][1]["values"][0]


def test_pushes_late_twice_and_out_of_order(server: PredictionProcess) -> None:
    """The last known row of the last event counts; of the future only what is kept meanwhile is taken."""
    for minute, known, value, expected in (
        (-9, -9, 1, 1.0),
        (-5, -5, 2.0, 2.0),
        (-9, -1, 3.0, 2.0),
        (-5, -3, 4.0, 4.0),
        (-5, -4, 5.0, 4.0),
        (-5, -3, 4.0, 4.0),
        (5, 5, 6.0, 4.0),
        (-1, 5, 7.0, 4.0),
    ):
        early = max(minute, known) > 0
        assert push(server, minute, value, known=known) == (400 if early else 200)
        assert push(server, minute, value, known=known, to="online_and_offline") == 200
        assert (speed(server), type(speed(server))) == (expected, float)


def test_pushed_rows_wait_for_their_data_set(server: PredictionProcess) -> None:
    """Of a stream only, in a file that the worker takes; offline leaves the online store alone."""
    folder = server.folder.root / "features" / "pushed" / "stream"
    before = set(folder.glob("*.json"))
    assert push(server, -5, 2.0, to="offline", driver=8) == 200
    assert speed(server, 8) is None
    assert push(server, -5, 2.0, to="online_and_offline", driver=8) == 200
    assert speed(server, 8) == 2.0

    kept = sorted(set(folder.glob("*.json")) - before)
    assert len(kept) == 2
    told = json.loads(kept[0].read_text())
    assert told["instants"] == ["event_timestamp", "created"]
    refused = server.post(
        "/push",
        {
            "push_source_name": "drivers",
            "df": {"driver_id": [1], "event_timestamp": [0], "rate": [1], "trips": [1]},
            "to": "offline",
        },
    )
    assert refused[0] == 409
    assert "stream=True" in refused[1]["error"]


def test_a_push_that_does_not_fit(server: PredictionProcess) -> None:
    """Nothing of it is kept."""
    times = {"event_timestamp": ["2026-01-01"], "created": ["2026-01-01"]}
    for df, status, said in (
        ({"driver_id": [9], **times}, 404, "'speed'"),
        ({"driver_id": ["nine"], **times, "speed": [1]}, 400, "the key 'driver_id'"),
        ({"driver_id": [9], **times, "event_timestamp": ["soon"], "speed": [1]}, 400, "no instant"),
        ({"driver_id": [9], **times, "event_timestamp": [1e300], "speed": [1]}, 400, "no instant"),
        ({"driver_id": [9], **times, "event_timestamp": [-1e300], "speed": [1]}, 400, "no instant"),
        ({"driver_id": [9, 10], **times, "speed": [1]}, 400, "different lengths"),
        ({"driver_id": [9], **times, "speed": ["fast"]}, 400, "row 0: the feature 'speed' is 'fast'. Expected: float"),
        ({"driver_id": [9, 9], **{name: 2 * at for name, at in times.items()}, "speed": [1, True]}, 400, "row 1"),
    ):
        found = server.post("/push", {"push_source_name": "stream", "df": df})
        assert (found[0], said in found[1]["error"]) == (status, True), found
    assert speed(server, 9) is None
    assert server.post("/push", {"push_source_name": "nothing", "df": {}})[0] == 404


def test_without_a_worker_nothing_is_materialised(server: PredictionProcess) -> None:
    """It is said at once, with what to do."""
    status, found = server.post("/materialize-incremental", {"end_ts": "2026-01-01T00:00:00"})

    assert status == 503
    assert "stackcanvas up" in found["error"]
    assert server.post("/materialize", {"start_ts": "x", "end_ts": "y"})[0] == 400


COLUMNS = {"wind": "drivers:rate", "month": "drivers:trips"}
REST = {"carrier": "AA", "night": False}


def looked_up(folder: ServedFolder, start: Start, online: str, missing: str, **more: Any) -> PredictionProcess:
    """A server whose model finds two of its columns by key."""
    publish(folder, plan(online))
    digest = folder.delay(lookup={"columns": COLUMNS, "missing": missing})
    folder.route(delay=folder.to(("v1", digest, 1.0), **more))
    return start(folder)


def predict(server: PredictionProcess, *records: dict[str, Any]) -> tuple[int, Any]:
    """One request of records."""
    return server.post("/v1/predict/delay", {"records": [REST | record for record in records]})


def test_keys_stand_for_features(folder: ServedFolder, start: Start, online: str) -> None:
    """What is looked up gives the same answer as when it is sent; what is sent counts, and keys are logged."""
    server = looked_up(folder, start, online, "empty")

    fine = predict(server, {"driver_id": 1}, {"driver_id": 1, "wind": 9.0}, {"wind": 0.5, "month": 10})
    assert fine[0] == 200, fine
    answers = [one["output"]["probability"] for one in fine[1]["predictions"]]
    assert answers[0] == answers[2] != answers[1]
    logged = server.wait_logged(3)
    assert logged.height == 3
    assert "driver_id" in str(logged.to_dicts())


def test_a_missing_feature_is_null_where_the_rule_says_so(folder: ServedFolder, start: Start, online: str) -> None:
    """A column that has no null is refused by name instead."""
    server = looked_up(folder, start, online, "empty")

    for key in (3, 4):  # too old, and never seen
        assert predict(server, {"driver_id": key, "month": 3})[0] == 200
        status, found = predict(server, {"driver_id": key})
        assert (status, "'month'" in found["error"]) == (400, True), found
    assert server.metric("stackcanvas_predict_lookup_missing_rows_total") == 6
    status, found = predict(server, {"month": 3})
    assert status == 400
    assert "lacks the key 'driver_id'" in found["error"]


def test_what_never_came_online_must_be_sent(folder: ServedFolder, start: Start, online: str) -> None:
    """No client learns by a null that it forgot a column; a view that was changed since counts as missing."""
    told = plan(online)
    told["views"]["drivers"]["until_us"] = None
    publish(folder, told)
    lookup = {"columns": COLUMNS, "missing": "empty", "definitions": {"drivers": "another"}}
    folder.route(delay=folder.to(("v1", folder.delay(lookup=lookup), 1.0)))
    server = start(folder)
    status, found = predict(server, {"driver_id": 1, "month": 3})
    assert (status, found["error"]) == (400, "record 0, 'wind': the column is missing.")

    publish(folder, plan(online))

    server.wait(lambda: predict(server, {"driver_id": 1, "month": 3})[0] == 200)
    changed = predict(server, {"driver_id": 1, "month": 3}, {"wind": None, "month": 3})[1]["predictions"]
    assert changed[0]["output"] == changed[1]["output"]


def test_a_missing_feature_is_refused_where_the_rule_says_so(folder: ServedFolder, start: Start, online: str) -> None:
    """With the feature, and why it is missing; a null that is known is an answer."""
    server = looked_up(folder, start, online, "reject")

    assert predict(server, {"driver_id": 2, "month": 3})[0] == 200
    for key, why in ((3, "drivers:rate of these keys is too old"), (4, "drivers:rate of these keys is not known")):
        status, found = predict(server, {"driver_id": 2, "month": 3}, {"driver_id": key, "month": 3})
        assert status == 400
        assert why in found["error"]
        assert "record 1" in found["error"]


def test_the_fallback_answers_where_the_rule_says_so(folder: ServedFolder, start: Start, online: str) -> None:
    """Only for the rows that lack a feature; the log says why."""
    constant = {"probability": 0.25, "label": 0, "who": "nobody"}
    server = looked_up(folder, start, online, "fallback", fallback={"constant": constant})

    status, found = predict(server, {"driver_id": 1}, {"driver_id": 4}, {"driver_id": 3})

    assert status == 200, found
    assert [one["fallback"] for one in found["predictions"]] == [False, True, True]
    assert found["predictions"][1]["output"] == constant
    assert found["predictions"][0]["output"]["who"] == "AA"
    assert set(server.wait_logged(3)["status"]) == {"ok", "fallback"}


def test_a_store_that_is_away(folder: ServedFolder, start: Start) -> None:
    """Predictions that bring their features go on; the others are told, or the fallback answers; then it is back."""
    redis = RedisServer("--requirepass", "geheim")
    redis.start()
    store = open_keyvalue(f"redis://:geheim@127.0.0.1:{redis.port}/0", namespace="test")
    fill(store)
    constant = {"probability": 0.25, "label": 0, "who": "nobody"}
    publish(folder, plan(f"redis://:geheim@127.0.0.1:{redis.port}/0"))
    route = {
        name: folder.to(
            ("v1", folder.delay(lookup={"columns": COLUMNS, "missing": rule}), 1.0), fallback={"constant": constant}
        )
        for name, rule in (("delay", "empty"), ("careful", "fallback"))
    }
    folder.route(**route)
    server = start(folder)
    assert predict(server, {"driver_id": 1})[0] == 200

    redis.kill()
    status, found = predict(server, {"driver_id": 1})
    assert (status, "the connection to the Redis server failed" in found["error"]) == (503, True), found
    assert "geheim" not in found["error"]
    assert predict(server, {"wind": 1.0, "month": 3})[0] == 200
    careful = server.post("/v1/predict/careful", {"records": [REST | {"driver_id": 1}]})
    assert (careful[0], careful[1]["predictions"][0]["fallback"]) == (200, True)

    redis.start()
    fill(store)
    assert predict(server, {"driver_id": 1})[0] == 200
    store.close()
    redis.stop()


def test_a_store_that_hangs_is_not_waited_for_by_everyone(folder: ServedFolder, start: Start) -> None:
    """It takes connections and says nothing: the first request waits, the next are answered by the fallback at once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        publish(folder, plan(f"redis://127.0.0.1:{port}/0?socket_timeout=0.4"))
        lookup = {"columns": COLUMNS, "missing": "fallback"}
        constant = {"probability": 0.25, "label": 0, "who": "nobody"}
        folder.route(delay=folder.to(("v1", folder.delay(lookup=lookup), 1.0), fallback={"constant": constant}))
        server = start(folder)

        took = []
        for _ in range(4):
            begun = time.perf_counter()
            status, found = predict(server, {"driver_id": 1})
            took.append(time.perf_counter() - begun)
            assert (status, found["predictions"][0]["fallback"]) == (200, True)

        assert max(took[1:]) < took[0]


def test_a_new_document_is_taken_without_a_restart(folder: ServedFolder, start: Start, tmp_path: Path) -> None:
    """One that cannot be read leaves the last one; before the first there are no features."""
    server = start(folder)
    asked = {"entities": {"driver_id": [1]}, "features": ["drivers:rate"]}
    assert server.post("/get-online-features", asked)[0] == 404

    store = open_keyvalue(f"sqlite:///{tmp_path}/later.db", namespace="test")
    fill(store)
    store.close()
    publish(folder, plan(f"sqlite:///{tmp_path}/later.db"))
    server.wait(lambda: server.post("/get-online-features", asked)[0] == 200)
    (folder.root / "serving" / "features.json").write_text("{")
    server.wait(lambda: "features" in server.said())
    assert server.post("/get-online-features", asked)[0] == 200

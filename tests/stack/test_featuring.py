"""Features between the blocks: kept fresh by the worker, looked up by the prediction server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.clock import ManualClock
from stackcanvas.errors import BadInput, NotFound, Refused
from stackcanvas.metadata import Ref
from stackcanvas.stack import Stack
from stackcanvas.stack.featuring import lookup, publish, refresh, take
from stackcanvas.testing.onnx_models import delay_model
from stackcanvas.testing.redis import redis_server, redis_url
from stackcanvas.testing.serving import PredictionProcess, ServedFolder

__all__ = ["redis_server", "redis_url"]

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CANVAS = """
stackcanvas: 1
project: {{name: delays}}
features:
  computation:
    - {{view: weather, mode: batch, refreshes_per_day: 24}}
    - {{view: months, mode: batch, refreshes_per_day: 0, on_commit: true}}
    - {{view: taps, mode: streaming, refreshes_per_day: 0}}
  databases: {{online: "{online}", missing: {missing}}}
serving:
  fallback: {{constant: {{probability: 0.25, label: 0, who: nobody}}}}
"""
FEATURES = """
import stackcanvas as sc

weather = sc.FeatureView("weather", entity=["origin"], source="weather", event_time="hour", ttl="{ttl}",
                         features=["knots"])
months = sc.FeatureView("months", entity=["origin"], source="months", event_time="hour", features=["month"])
taps = sc.FeatureView("taps", entity=["origin"], source="taps", event_time="hour", features=["count"], stream=True)

def strength(knots):
    return {{"wind": knots / 2}}

strength = sc.OnDemandView("strength", inputs=["weather:knots"], function=strength)
model = sc.FeatureService("model", features=["strength:wind", "months:month"])
"""


def make(root: Path, *, online: str = "sqlite:///.stackcanvas/online/features.db", missing: str = "empty") -> Path:
    """A project with a view that is due every hour and one that follows its commits."""
    root.mkdir()
    (root / "canvas.yaml").write_text(CANVAS.format(online=online, missing=missing))
    (root / "features.py").write_text(FEATURES.format(ttl="6h"))
    return root


def rows(hour: int, **values: float) -> pl.DataFrame:
    """One observation at JFK, so many hours from the start."""
    return pl.DataFrame({"origin": ["JFK"], "hour": [START + timedelta(hours=hour)], **values})


@pytest.fixture
def clock() -> ManualClock:
    """Nine in the morning."""
    return ManualClock(START)


@pytest.fixture
def stack(tmp_path: Path, clock: ManualClock) -> Iterator[Stack]:
    """The project, opened."""
    with sc.open(make(tmp_path / "project"), clock=clock) as opened:
        yield opened


def test_views_are_refreshed_as_the_canvas_says(stack: Stack, clock: ManualClock) -> None:
    """Nothing before there are data; then by the hour, or as soon as there is a new version."""
    assert refresh(stack, clock.now()) == []
    stack.data.commit("weather", rows(-1, knots=9.0))
    stack.data.commit("months", rows(-1, month=3))

    def due() -> list[str]:
        return [one.view for one in refresh(stack, clock.now())]

    assert due() == ["weather", "months"]
    assert due() == []
    stack.data.commit("weather", rows(0, knots=10.0))
    stack.data.commit("months", rows(0, month=4))
    assert due() == ["months"]
    clock.advance(seconds_s=3599)
    assert due() == []
    clock.advance(seconds_s=1)
    assert due() == ["weather"]
    assert stack.features.online(["model"], [{"origin": "JFK"}]) == [{"wind": 5.0, "month": 4}]


def test_a_store_that_lost_its_rows_is_filled_at_once(tmp_path: Path, clock: ManualClock, redis_url: str) -> None:
    """Although by the clock no view is due; a server that is away is no reason to fail."""
    with sc.open(make(tmp_path / "project", online=redis_url), clock=clock) as stack:
        stack.data.commit("weather", rows(-1, knots=9.0))
        refresh(stack, clock.now())
        assert refresh(stack, clock.now()) == []

        store = open_keyvalue(redis_url)
        store.delete_many([key for key, _, _ in store.scan(b"")])
        store.close()

        assert [one.view for one in refresh(stack, clock.now())] == ["weather"]
        assert stack.features.online("weather", [{"origin": "JFK"}]) == [{"knots": 9.0}]
    canvas = (tmp_path / "project" / "canvas.yaml").read_text()
    (tmp_path / "project" / "canvas.yaml").write_text(canvas.replace(redis_url, "redis://127.0.0.1:1/0"))
    with sc.open(tmp_path / "project", clock=clock) as stack:
        assert refresh(stack, clock.now()) == []


def test_a_changed_definition_is_read_without_a_restart(stack: Stack, clock: ManualClock) -> None:
    """The view comes online anew, although its data are the same; the prediction server is told."""
    stack.data.commit("weather", rows(-1, knots=9.0))
    refresh(stack, clock.now())
    take(stack, clock.now())
    before = json.loads((stack.folder / "serving" / "features.json").read_text())["views"]["weather"]["place"]

    (stack.root / "features.py").write_text(FEATURES.format(ttl="90m") + "\n# another length, so that it is seen\n")
    assert [one.view for one in refresh(stack, clock.now())] == ["weather"]
    take(stack, clock.now())

    after = json.loads((stack.folder / "serving" / "features.json").read_text())["views"]["weather"]["place"]
    assert (before["ttl_us"], after["ttl_us"]) == (6 * 3600 * 10**6, 90 * 60 * 10**6)
    assert refresh(stack, clock.now()) == []
    (stack.root / "features.py").write_text("import stackcanvas as sc\n\nweather = sc.FeatureView('weather')\n")
    with pytest.raises(BadInput, match=r"features\.py:3"):
        refresh(stack, clock.now())


def test_a_view_that_fails_holds_up_no_other(stack: Stack, clock: ManualClock) -> None:
    """The failure is told once the others are done."""
    stack.data.commit("weather", rows(-1, other=9.0))
    stack.data.commit("months", rows(-1, month=3))

    with pytest.raises(NotFound, match="'knots'"):
        refresh(stack, clock.now())

    assert [one.view for one in stack.features.materialized()] == ["months"]


def test_pushed_rows_are_gathered_into_a_version(stack: Stack, clock: ManualClock) -> None:
    """Those that Python pushed and those that the prediction server kept, once each."""
    stack.features.push("taps", rows(-1, count=3))
    kept = stack.folder / "features" / "pushed" / "taps" / "01795424400000001-x.json"
    told = {"origin": ["JFK", "LGA"], "hour": [int((START.timestamp() - 3600) * 1e6)] * 2, "count": [3, 4]}
    kept.write_text(json.dumps({"columns": told, "instants": ["hour"]}))

    take(stack, clock.now())
    assert stack.features.waiting_since("taps") is not None
    clock.advance(seconds_s=60)
    take(stack, clock.now())

    assert stack.data.read("taps").sort("origin")["count"].to_list() == [3, 4]
    assert stack.features.waiting_since("taps") is None


def test_the_document_of_the_server_is_written_when_it_changes(stack: Stack, clock: ManualClock) -> None:
    """It holds the address as the canvas has it, and no more is written than needed."""
    assert publish(stack)
    assert not publish(stack)
    stack.data.commit("weather", rows(-1, knots=9.0))
    stack.features.materialize(["weather"])
    assert publish(stack)

    told = json.loads((stack.folder / "serving" / "features.json").read_text())
    assert told["online"] == "sqlite:///.stackcanvas/online/features.db"
    assert told["views"]["weather"]["place"]["kinds"] == ["text"]
    assert told["services"] == {"model": ["strength:wind", "months:month"]}


def trained(stack: Stack) -> Ref:
    """A registered model whose training set came from the service."""
    stack.data.commit("weather", rows(-2, knots=9.0))
    stack.data.commit("months", rows(-2, month=3))
    asked = pl.DataFrame({"origin": ["JFK"], "time": [START], "carrier": ["AA"], "night": [False]})
    training = stack.features.training_set("training", asked, views=["model"], time="time")
    sample = stack.data.read(training.ref).select(
        pl.col("wind").cast(pl.Float32), pl.col("month").cast(pl.Int64), "carrier", "night"
    )
    return stack.registry.register("delay", delay_model(), sample=sample, training=training.ref).ref


def test_what_a_model_can_look_up_is_what_it_was_trained_on(stack: Stack, clock: ManualClock) -> None:
    """The columns of its training set that came from views; a view that changed since is left out."""
    ref = trained(stack)

    found = lookup(stack, ref)

    assert found is not None
    assert found["columns"] == {"wind": "strength:wind", "month": "months:month"}
    assert found["missing"] == "empty"
    before = stack.features.get("weather").ref
    (stack.root / "features.py").write_text(FEATURES.format(ttl="9h") + "# another length, so that it is seen\n")
    with sc.open(stack.root, clock=clock) as changed:
        assert changed.features.get("weather").ref == stack.features.get("weather").ref != before
        again = lookup(changed, ref)
    assert again is not None
    assert again["columns"] == {"month": "months:month"}
    assert again["definitions"]["weather"] == before.selector


def test_a_mandatory_feature_store_takes_only_training_sets_of_views(stack: Stack, clock: ManualClock) -> None:
    """Parts of one, too; a refusal names the line of the canvas."""
    ref = trained(stack)
    made = stack.registry.get(ref).training
    assert made is not None
    several = stack.features.training_set(
        "several",
        pl.DataFrame({"origin": ["JFK"] * 10, "time": [START + timedelta(hours=hour) for hour in range(10)]}),
        views=["model"],
        time="time",
    )
    part = stack.splits.make(str(several.ref))["train"]
    plain = stack.data.commit("plain", stack.data.read(made).head(3)).ref
    canvas = (stack.root / "canvas.yaml").read_text()
    (stack.root / "canvas.yaml").write_text(canvas.replace("features:", "features:\n  needed: mandatory"))
    with sc.open(stack.root, clock=clock) as strict:
        strict.registry.changes.create("other")
        for training in (plain, None, Ref("data", "nothing", "1")):
            with pytest.raises(Refused, match=r"canvas\.yaml:5:11 \(features\.needed\) asks for it"):
                strict.registry.adopt("other", None, source="s3://bucket/model", training=training)
        for number, training in enumerate((made, part), 1):
            taken = strict.registry.adopt("other", None, source="s3://bucket/model", training=training)
            assert taken.number == number


def serving(stack: Stack) -> PredictionProcess:
    """The prediction server over the project's own state."""
    folder = ServedFolder.__new__(ServedFolder)
    folder.root, folder.revision = stack.folder, 0
    return PredictionProcess(folder)


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_a_deployed_model_is_asked_by_keys(
    tmp_path: Path, store: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From definitions to a prediction by key, through the closed server; Feast's client materialises and reads."""
    online = {"sqlite": "sqlite:///.stackcanvas/online/features.db", "redis": "${ONLINE_STORE}"}[store]
    if store == "redis":
        monkeypatch.setenv("ONLINE_STORE", request.getfixturevalue("redis_url"))
    now = datetime.now(UTC)
    with sc.open(make(tmp_path / "project", online=online, missing="fallback")) as stack:
        ref = trained(stack)
        stack.data.commit("weather", rows(-2, knots=9.0).with_columns(hour=pl.lit(now - timedelta(hours=1))))
        stack.deployment.deploy("delay", ref)
        stack.serving.publish()
        publish(stack)
        server = serving(stack)
        try:
            _ask(stack, server, now)
        finally:
            server.kill()


def _ask(stack: Stack, server: PredictionProcess, now: datetime) -> None:
    def post(origin: str) -> tuple[int, Any]:
        records = [{"origin": origin, "carrier": "AA", "night": False}]
        return server.post("/v1/predict/delay", {"records": records})

    def predict(origin: str) -> dict[str, Any]:
        status, found = post(origin)
        assert status == 200, found
        first: dict[str, Any] = found["predictions"][0]
        return first

    assert post("JFK")[0] == 400  # nothing is online yet, so everything must be sent
    (stack.folder / "run" / "worker.json").write_text(json.dumps({"pid": server.process.pid}))
    answers: list[tuple[int, Any]] = []
    asking = threading.Thread(
        target=lambda: answers.append(server.post("/materialize-incremental", {"end_ts": now.isoformat()}))
    )
    asking.start()
    asked = stack.folder / "features" / "asked"
    server.wait(lambda: asked.is_dir() and any(asked.glob("*.json")))
    take(stack, datetime.now(UTC))
    asking.join()
    assert answers == [(200, None)]
    server.wait(lambda: post("JFK")[0] == 200)
    assert predict("JFK")["fallback"] is False
    both = {"entities": {"origin": ["JFK", "LGA"]}, "feature_service": "model"}
    found = server.post("/get-online-features", both)[1]
    assert [one["values"] for one in found["results"]] == [["JFK", "LGA"], [4.5, None], [3, None]]
    assert predict("LGA")["fallback"] is True
    assert predict("JFK")["output"]["who"] == "AA"


def test_a_fallback_that_is_not_given_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    """When the model is compiled, with the line of the canvas."""
    root = make(tmp_path / "project", missing="fallback")
    text = (root / "canvas.yaml").read_text()
    (root / "canvas.yaml").write_text(text[: text.index("serving:")])
    with sc.open(root, clock=clock) as stack, pytest.raises(sc.StackCanvasError, match=r"features\.databases\.missing"):
        stack.serving.prepare(trained(stack))


def test_a_worker_does_it_by_itself(stack: Stack) -> None:
    """Both are among its ticks."""
    assert {"features", "pushed"} <= set(stack.ticks())

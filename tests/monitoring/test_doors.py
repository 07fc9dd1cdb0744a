"""The doors of monitoring, labels and value, over a project with a deployed model and a day of traffic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from fastapi import FastAPI
from sklearn.linear_model import LogisticRegression

from stackcanvas.cli.main import main
from stackcanvas.rest.api import routes
from stackcanvas.rest.errors import install_errors
from stackcanvas.serving.server.segments import Segment, log_schema
from stackcanvas.stack import open as open_stack
from stackcanvas.testing.asgi import Answer, Client

CANVAS = """
stackcanvas: 1
project: {name: delay, currency: USD}
value:
  payoff:
    threshold: 50%
    outcomes:
      - {predicted: true, actual: true, worth: 14.00, note: rebooked in time}
      - {predicted: true, actual: false, worth: -6.00}
monitoring:
  needed: optional
  ml_metrics: [auc, brier]
  decay: {metric: auc, worse_by: 0.05, window: 2d, min_labels: 100}
  skew: {window: 2d, min_rows: 100, share: 50%}
  alerting:
    channels: [{name: book, url: "log:"}]
    rules: [{name: silent, metric: predictions, below: 1}, {name: hot, metric: gpu_temperature, above: 90}]
"""
ROWS = 400


@dataclass
class Project:
    """A project's folder, and labels for its traffic."""

    root: Path
    labels: Path

    def cli(self, *words: str) -> int:
        """Run a command in the project; gives its exit code."""
        return main(["--project", str(self.root), *words])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A model that was trained on calm weather, and yesterday's traffic in a storm."""
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    rng = np.random.default_rng(1)
    training = pl.DataFrame({"wind": rng.normal(0, 1, 3000), "temp": rng.normal(15, 5, 3000)}).cast(pl.Float32)
    model = LogisticRegression().fit(training.to_numpy(), training["wind"] + rng.normal(0, 1, 3000) > 0)
    with open_stack(tmp_path) as stack:
        version = stack.registry.register("delay", model, sample=training, metrics={"auc": 0.9})
        stack.deployment.deploy("delay", version.ref)
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    wind = rng.normal(5, 1, ROWS)
    score = np.clip(wind / 10, 0, 1)
    features = [{"wind": float(one), "temp": float(rng.normal(15, 5))} for one in wind]
    rows = [
        {
            "prediction_id": f"{place:032x}", "row": 0, "request_id": None, "time": noon + timedelta(seconds=place),
            "endpoint": "delay", "variant": "v1", "model": str(version.ref), "entity": None,
            "features": features[place], "output": {"probability": float(score[place])},
            "fallback": False, "status": "ok", "reason": None, "latency_us": 900,
        }
        for place in range(ROWS)
    ]  # fmt: skip
    schema = log_schema(
        [pa.field("wind", pa.float32()), pa.field("temp", pa.float32())], [pa.field("probability", pa.float32())]
    )
    schema = schema.with_metadata({"stackcanvas": "predictions 1", "endpoint": "delay"})
    folder = tmp_path / ".stackcanvas" / "predictions" / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    segment = Segment(folder, "test-000001", schema)
    segment.write(pa.RecordBatch.from_pylist(rows, schema=schema))
    segment.seal()
    labels = tmp_path / "outcomes.csv"
    late = (rng.random(ROWS) < 0.5).tolist()
    pl.DataFrame({"prediction_id": [row["prediction_id"] for row in rows], "value": late}).write_csv(labels)
    return Project(tmp_path, labels)


def test_a_day_on_the_command_line(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels come, a look finds drift, decay and silence, and each command shows its part."""

    def said(*words: str) -> Any:
        assert project.cli(*words, "--format", "json") == 0
        return json.loads(capsys.readouterr().out)

    added = said("labels", "add", "delay", str(project.labels))
    assert (added["added"], added["matched"]) == (ROWS, ROWS)
    assert said("labels", "counts", "delay")["matched"] == ROWS
    looked = said("monitoring", "look")
    assert looked[0]["events"] == ["drift.found", "decay.found", "alert.fired"]
    assert said("monitoring", "drift", "delay")["report"]["columns"]["wind"]["drifted"] is True
    assert said("monitoring", "drift", "delay", "--history")[0]["columns"] == ["wind"]
    assert {one["metric"] for one in said("monitoring", "performance", "delay")} == {"auc", "brier"}
    states = {one["name"]: one["state"] for one in said("monitoring", "conditions", "delay")}
    assert states == {"drift": "firing", "decay": "firing", "alert:silent": "firing"}
    assert said("monitoring", "alerts", "--firing")[0]["rule"] == "silent"
    opened = said("monitoring", "open-incident", "delay", "nonsense")
    assert said("monitoring", "close-incident", opened["id"], "--note", "fixed")["closed_by"] == "fix"
    assert said("monitoring", "incidents", "--open") == []
    assert [one["worth"] for one in said("value", "payoff", "delay")] == [14, -6]
    total = said("value", "totals", "delay")[0]
    assert total["decisions"] == ROWS
    days = said("value", "days", "delay", "--cost-per-day", "2.50")
    assert float(days[-1]["so_far"]) == float(total["worth"]) - 2.5
    assert said("value", "earned", "delay")[0]["worth"] == total["worth"]


def test_what_people_see(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables on stdout, talk on stderr; before anything happened a hint instead of an empty table."""
    assert project.cli("monitoring", "performance", "delay") == 0
    assert "stackcanvas labels add delay FILE" in capsys.readouterr().err
    assert project.cli("monitoring", "look") == 0
    capsys.readouterr()
    assert project.cli("monitoring", "drift", "delay") == 0
    shown = capsys.readouterr()

    assert shown.out.splitlines()[1].startswith("wind")
    assert "1 of 2 columns drifted" in shown.err
    assert project.cli("monitoring", "conditions", "delay") == 0
    assert "names gpu_temperature, which nothing computes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["monitoring", "drift", "delay"], 4, "no drift report 'delay'"),
        (["labels", "add", "delay", "missing.csv"], 3, "missing.csv: there is no such file"),
        (["labels", "add", "nowhere", "OUTCOMES"], 4, "There is no endpoint 'nowhere'"),
        (["monitoring", "performance", "delya"], 4, "no endpoint 'delya'. Did you mean 'delay'?"),
        (["monitoring", "conditions", "nowhere"], 4, "no endpoint 'nowhere'. Known: delay."),
        (["value", "days", "delay", "--cost-per-day", "much"], 2, "'much' is no amount of money"),
        (["monitoring", "close-incident", "0" * 32], 4, "no incident"),
    ],
)
def test_mistakes_are_told(
    project: Project, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    """One sentence and the exit code of its kind."""
    given = [str(project.labels) if word == "OUTCOMES" else word for word in words]

    assert project.cli(*given) == code
    assert said in capsys.readouterr().err


def test_a_day_over_rest(project: Project) -> None:
    """The same, by a program."""
    app = FastAPI(routes=routes())
    install_errors(app)
    asked: dict[str, Any] = {}

    async def over(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, **asked}, receive, send)

    client = Client(over)

    def get(path: str) -> Any:
        return client.get(f"/api/v1/{path}").json()

    def post(path: str, content: object) -> Answer:
        headers = {"content-type": "application/json"}
        return client.post(f"/api/v1/{path}", body=json.dumps(content).encode(), headers=headers)

    with open_stack(project.root) as stack:
        asked["stack"] = stack
        rows = pl.read_csv(project.labels, schema_overrides={"prediction_id": pl.String}).to_dicts()
        added = post("labels/delay", {"labels": rows})
        assert (added.status, added.json()["matched"]) == (200, ROWS)
        assert get("labels/delay")["waiting"] == 0
        stack.monitoring.tick(stack.spine.clock.now())
        stack.value.tick(stack.spine.clock.now())

        assert get("monitoring/drift/delay")["report"]["drifted"] is True
        assert len(get("monitoring/drift/delay/history")["items"]) == 1
        assert get("monitoring/performance/delay?metric=auc&model=delay@1")["items"][0]["labels"] == ROWS
        assert len(get("monitoring/conditions/delay")["items"]) == 3
        alert = get("monitoring/alerts?firing=true")["items"][0]
        assert get(f"monitoring/alerts/{alert['id']}/deliveries")["items"][0]["state"] == "sent"
        opened = post("monitoring/incidents", {"endpoint": "delay", "reason": "nonsense"})
        assert opened.status == 201
        closed = post(f"monitoring/incidents/{opened.json()['id']}/close", {"note": "fixed"})
        assert closed.json()["note"] == "fixed"
        assert get("monitoring/incidents?open=true")["items"] == []
        assert get("value/delay/payoff")["currency"] == "USD"
        assert get("value/delay/totals")["items"][0]["decisions"] == ROWS
        assert get("value/delay/earned")["items"] != []
        assert get("value/delay/days?cost_per_day=1.5")["items"][-1]["cost"] == "1.5"
        assert client.get("/api/v1/monitoring/drift/nowhere").status == 404
        assert post("labels/delay", {"labels": [{"value": 1}]}).status == 400

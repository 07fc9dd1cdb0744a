"""Alerts: for how long, how often, whom they reach, and the incidents that they open."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.monitoring import Policy, Rule, Skew
from stackcanvas.testing.monitoring import DAY, WatchedEndpoint

Day = Callable[[float], datetime]
MINUTE = timedelta(minutes=1)
FALLBACKS = Rule(name="feed is stale", metric="fallback_rate", above=0.05, lasting=10 * MINUTE, severity="critical")


class Hook(HTTPServer):
    """A web hook that keeps what it gets, and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.status = 204
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        """Where it listens, with a secret."""
        return f"http://127.0.0.1:{self.server_port}/hooks/s3cret"


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web hook on a free port."""
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def minutes(world: WatchedEndpoint, start: datetime, count: int, *, status: str = "ok", first: int = 0) -> None:
    """A row and a tick each minute."""
    for minute in range(first, first + count):
        now = start + minute * MINUTE
        world.log.add("delay", [{"prediction_id": f"m{minute}", "time": now, "status": status}])
        world.clock.move_to(now + MINUTE)
        world.monitoring().tick(now + MINUTE)


def test_an_alert_fires_after_its_duration_and_resolves_after_it(world: WatchedEndpoint, day: Day) -> None:
    """Ten minutes above the bound, ten below; in between neither twice."""
    world.policy = Policy(skew=None, rules=(FALLBACKS,))
    minutes(world, day(0), 10, status="fallback")
    assert world.monitoring().alerts() == []

    minutes(world, day(0), 10, status="fallback", first=10)
    alert = world.monitoring().alerts("delay", firing_only=True)[0]
    assert (alert.rule, alert.severity, alert.bound, alert.value) == ("feed is stale", "critical", "above 0.05", 1.0)
    assert world.events("alert.fired", "alert.resolved") == ["alert.fired"]

    minutes(world, day(0), 40, first=20)
    assert world.events("alert.fired", "alert.resolved") == ["alert.fired", "alert.resolved"]
    assert world.monitoring().alerts(firing_only=True) == []
    assert world.monitoring().alerts()[0].resolved is not None


def test_a_short_breach_is_no_alert(world: WatchedEndpoint, day: Day) -> None:
    """Less than the duration, again and again."""
    world.policy = Policy(skew=None, rules=(FALLBACKS,), operations_window=2 * MINUTE)
    for turn in range(4):
        minutes(world, day(0), 5, status="fallback", first=turn * 10)
        minutes(world, day(0), 5, first=turn * 10 + 5)

    assert world.events() == []


def test_drift_can_be_alerted_on(world: WatchedEndpoint, day: Day) -> None:
    """A figure of the data, below or above a bound."""
    rule = Rule(name="moved", metric="drift_share", above=0.5)
    world.policy = Policy(skew=Skew(window=DAY, min_rows=300), rules=(rule,))
    world.traffic(day(0), 500, warmer=8.0)
    world.clock.move_to(day(1))
    world.monitoring().tick(day(1))

    assert world.events() == ["drift.found", "alert.fired"]


def test_figures_of_operation(world: WatchedEndpoint, day: Day) -> None:
    """Rates, counts and latency of the last minutes, each against a bound that it breaks."""
    names = {"error_rate": 0.1, "warned_rate": 0.1, "latency_p50_ms": 1.5, "latency_p99_ms": 89.0, "predictions": 9.0}
    world.policy = Policy(
        skew=None, rules=tuple(Rule(name=name, metric=name, above=bound) for name, bound in names.items())
    )
    states = ["error", "error", "warned", "warned", "shadow", "ok", "ok", "ok", "ok", "ok", "ok"]
    world.log.add(
        "delay",
        [
            {
                "prediction_id": f"s{place}",
                "time": day(0),
                "status": state,
                "latency_us": 90_000 if place == 9 else 2000,
            }
            for place, state in enumerate(states)
        ],
    )
    world.monitoring().tick(day(0) + MINUTE)

    fired = {alert.rule: alert.value for alert in world.monitoring().alerts()}
    assert fired == {
        "error_rate": 0.2, "warned_rate": 0.2, "latency_p50_ms": 2.0, "latency_p99_ms": 90.0, "predictions": 10.0,
    }  # fmt: skip


def test_silence_can_be_alerted_on(world: WatchedEndpoint, day: Day) -> None:
    """No traffic is a figure, too; rates of no traffic are none."""
    silent = Rule(name="silent", metric="predictions", below=1)
    world.policy = Policy(skew=None, rules=(silent, FALLBACKS))
    world.monitoring().tick(day(1))

    assert [alert.rule for alert in world.monitoring().alerts()] == ["silent"]


def test_a_rule_that_is_gone_resolves(world: WatchedEndpoint, day: Day) -> None:
    """An alert of a rule that the canvas no longer has would fire for ever."""
    world.policy = Policy(skew=None, rules=(Rule(name="silent", metric="predictions", below=1),))
    world.monitoring().tick(day(1))
    world.policy = Policy(skew=None)
    world.monitoring().tick(day(1) + MINUTE)

    assert world.events() == ["alert.fired", "alert.resolved"]


def test_unknown_figures_are_told(world: WatchedEndpoint, day: Day) -> None:
    """A rule on a figure that nothing computes never fires, and that can be asked."""
    world.policy = Policy(skew=None, rules=(Rule(name="hot", metric="gpu_temperature", above=1), FALLBACKS))
    world.monitoring().tick(day(1))

    assert world.monitoring().unknown_figures("delay") == ["gpu_temperature"]


def test_channels_get_what_happened(
    world: WatchedEndpoint, day: Day, hook: Hook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log, a file and a web hook get the same sentence; the hook as a CloudEvents record."""
    world.channels = {"desk": "log:", "book": f"file://{tmp_path}/alerts/book.jsonl", "ops": hook.address}
    world.policy = Policy(skew=None, rules=(Rule(name="silent", metric="predictions", below=1, severity="critical"),))
    with caplog.at_level(logging.INFO, logger="stackcanvas.alerts"):
        world.monitoring().tick(day(1))
        world.policy = Policy(skew=None)
        world.monitoring().tick(day(1) + MINUTE)

    said = ["delay: silent: predictions is 0, below 1", "delay: silent is over: the rule is gone"]
    assert [record.message for record in caplog.records] == said
    assert caplog.records[0].levelno == logging.CRITICAL
    lines = (tmp_path / "alerts" / "book.jsonl").read_text().splitlines()
    assert [json.loads(line)["data"]["text"] for line in lines] == said
    assert [kind for kind, _ in hook.got] == ["application/cloudevents+json"] * 2
    assert [body["type"] for _, body in hook.got] == ["alert.fired", "alert.resolved"]
    assert {body["subject"] for _, body in hook.got} == {"deployment:delay"}
    alert = world.monitoring().alerts()[0]
    assert {one.state for one in world.monitoring().deliveries(alert.id)} == {"sent"}


def test_a_rule_reaches_its_channels_only(world: WatchedEndpoint, day: Day, tmp_path: Path) -> None:
    """Others hear nothing."""
    world.channels = {"one": f"file://{tmp_path}/one", "two": f"file://{tmp_path}/two"}
    world.policy = Policy(skew=None, rules=(Rule(name="s", metric="predictions", below=1, channels=("two",)),))
    world.monitoring().tick(day(1))

    assert [path.name for path in tmp_path.glob("t*")] == ["two"]
    assert not (tmp_path / "one").exists()


def test_a_channel_that_fails_is_tried_again(world: WatchedEndpoint, day: Day, hook: Hook) -> None:
    """After longer and longer; what went wrong is kept, without the address and its secret."""
    world.channels = {"ops": hook.address}
    world.policy = Policy(skew=None, rules=(Rule(name="silent", metric="predictions", below=1),))
    hook.status = 500
    monitoring = world.monitoring()
    monitoring.tick(day(1))
    alert = monitoring.alerts()[0]
    waiting = monitoring.deliveries(alert.id)[0]
    assert (waiting.state, waiting.tries, waiting.error) == ("queued", 1, "the web hook answered 500.")

    hook.status = 200
    monitoring.tick(day(1) + timedelta(seconds=30))
    assert len(hook.got) == 1
    monitoring.tick(day(1) + 2 * MINUTE)
    assert monitoring.deliveries(alert.id)[0].state == "sent"
    monitoring.tick(day(2))
    assert len(hook.got) == 2


def test_a_channel_that_is_gone_fails_in_the_end(world: WatchedEndpoint, day: Day) -> None:
    """A closed port is tried eight times; an unknown name or a kind that nothing can be sent to once."""
    world.channels = {"gone": "http://127.0.0.1:1/s3cret", "mail": "mailto:ada@example.org"}
    rule = Rule(name="silent", metric="predictions", below=1, channels=("gone", "mail", "unknown"))
    world.policy = Policy(skew=None, rules=(rule,))
    monitoring = world.monitoring()
    for hour in range(12):
        monitoring.tick(day(1) + timedelta(hours=hour))
    found = {one.channel: one for one in monitoring.deliveries(monitoring.alerts()[0].id)}

    assert {name: (one.state, one.tries) for name, one in found.items()} == {
        "gone": ("failed", 8), "mail": ("failed", 1), "unknown": ("failed", 1),
    }  # fmt: skip
    assert not any("s3cret" in (one.error or "") for one in found.values())
    assert "mailto:" in (found["mail"].error or "")
    assert "no channel 'unknown'" in (found["unknown"].error or "")


def test_a_critical_alert_is_an_incident(world: WatchedEndpoint, day: Day) -> None:
    """Opened when it fires, closed when it resolves; a warning is none."""
    world.policy = Policy(
        skew=None,
        rules=(
            Rule(name="silent", metric="predictions", below=1, severity="critical"),
            Rule(name="quiet", metric="predictions", below=10, severity="warning"),
        ),
    )
    monitoring = world.monitoring()
    monitoring.tick(day(1))
    opened = monitoring.incidents.ls("delay", open_only=True)
    assert [(one.opened_by, one.endpoint) for one in opened] == [("alert:silent", "delay")]

    world.log.add("delay", [{"prediction_id": "x", "time": day(1) + MINUTE}])
    world.clock.move_to(day(1) + 2 * MINUTE)
    monitoring.tick(day(1) + 2 * MINUTE)
    closed = monitoring.incidents.ls()[0]
    assert (closed.closed_by, closed.note) == ("fix", "predictions is 1")
    assert monitoring.incidents.ls(open_only=True) == []

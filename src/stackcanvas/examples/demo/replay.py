"""Three months hour by hour: requests, landings, data, monitors, releases, each when its time has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from stackcanvas.clock import ManualClock
from stackcanvas.examples.demo.feed import AHEAD, KEY, Feed
from stackcanvas.examples.demo.server import PredictionServer
from stackcanvas.features import Observations, point_in_time
from stackcanvas.metadata import Event
from stackcanvas.pipelines import run_next
from stackcanvas.stack import Stack, loop

ENDPOINT = "delay"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEER, WEEK = 6 * HOUR, 7 * DAY
LONGEST_FLIGHT = 3 * DAY
TOLD = ("drift.found", "decay.found", "run.finished", "model.registered", "deployment.changed")


@dataclass(frozen=True, slots=True)
class Means:
    """What a replay works with.

    Args:
        clock: shows simulated time, which the stack's records carry.
        tell: is given every event that a person should hear of.
    """

    stack: Stack
    clock: ManualClock
    feed: Feed
    server: PredictionServer
    tell: Callable[[Event], None]


@dataclass(slots=True)
class Replay:
    """The replay of a stretch of time; one that was killed goes on from the hour that it had reached.

    Args:
        origin: the first hour of all, from which days and weeks are counted, UTC.
        start: the first hour that has not been played.
        end: the hour after the last.
    """

    means: Means
    origin: datetime
    start: datetime
    end: datetime
    _asked: list[pl.DataFrame] = field(default_factory=list)
    _last_id: str | None = None
    _told: int = 0

    def hours(self) -> Iterator[datetime]:
        """Play hour after hour; gives each when it is over."""
        self._told = self.means.stack.spine.events.head()
        self._asked = self._logged()
        traffic = self._traffic()
        self._follow()
        hour = self.start
        while hour < self.end:
            self.means.clock.move_to(hour)
            if (flights := traffic.get((hour,))) is not None:
                self._ask(hour, flights)
            if (hour - self.origin) % STEER == timedelta(0):
                self._steer(hour)
            yield hour
            hour += HOUR
        self.means.clock.move_to(self.end)
        self._look(self.end)

    def _traffic(self) -> dict[tuple[Any, ...], pl.DataFrame]:
        """By hour, the flights to ask about: those that leave two to three hours later, as known at that hour.

        The views are joined for all hours at once; the join lets each hour see only what had happened by then.
        """
        stack, feed = self.means.stack, self.means.feed
        definitions: Any = stack.project.module("features")
        asked = pl.col("scheduled").is_between(self.start + AHEAD, self.end + AHEAD, closed="left")
        rows = definitions.departures(feed.flights.lazy().filter(asked))
        rows = rows.with_columns(pl.col("time").dt.truncate("1h")).collect()
        sources = {"flights": feed.flights, "weather": feed.weather, "planes": feed.planes}
        views = [
            Observations(
                name=view.name,
                frame=view.rows(sources[view.source].lazy()),
                keys=view.keys,
                event_time=view.event_time,
                known_time=view.known_time,
                ttl=view.ttl,
                features=view.features,
            )
            for view in stack.features.ls()
        ]
        return point_in_time(rows, views, time="time").partition_by("time", as_dict=True)

    def _ask(self, hour: datetime, flights: pl.DataFrame) -> None:
        """One request for all flights of an hour."""
        records = flights.drop("time").with_columns(pl.col("scheduled").dt.to_string("iso")).to_dicts()
        predictions = self.means.server.predict(ENDPOINT, records, at=hour.isoformat())
        ids = [prediction["prediction_id"] for prediction in predictions]
        self._last_id = ids[-1]
        self._asked.append(flights.select(*KEY, prediction_id=pl.Series(ids)))

    def _logged(self) -> list[pl.DataFrame]:
        """What was asked before this replay began, from the log."""
        rows = self.means.stack.serving.log.scan(ENDPOINT, start=self.start - LONGEST_FLIGHT, end=self.start)
        if not rows.collect_schema().names():
            return []
        entity = pl.col("entity").str.json_decode(pl.Struct({"flight": pl.Int16, "scheduled": pl.String}))
        parts = {"flight": entity.struct.field("flight"), "scheduled": entity.struct.field("scheduled")}
        parts["scheduled"] = parts["scheduled"].str.to_datetime(time_zone="UTC", time_unit="us")
        parts |= {name: pl.col("features").struct.field(name) for name in ("carrier", "origin", "dest")}
        known = rows.with_columns(**parts).select(*KEY, "prediction_id").collect()
        return [known] if known.height else []

    def _steer(self, hour: datetime) -> None:
        """What a worker does: the daily look, what is due, runs, releases."""
        stack = self.means.stack
        if (hour - self.origin) % DAY == timedelta(0):
            self._look(hour)
        stack.scheduler.tick(hour)
        while run_next(stack.pipelines) is not None:
            pass
        changed = loop.release(stack, hour)
        if any(status.candidate is not None for status in stack.deployment.ls()):
            # The controller judges what the log shows: the last answers must stand there.
            self._settle(hour)
        changed += stack.deployment.tick(hour)
        loop.crown(stack, hour)
        if changed:
            self._follow()
        self._tell()

    def _look(self, now: datetime) -> None:
        """Once a day the outcomes of the flights that have landed, once a week new data; then the monitors."""
        stack, feed = self.means.stack, self.means.feed
        self._settle(now)
        landed = feed.outcomes(now - DAY, now)
        if landed.height and self._asked:
            known = landed.join(pl.concat(self._asked), on=KEY)
            labels = known.select("prediction_id", value="late", observed_at="landed")
            stack.monitoring.labels.add(ENDPOINT, labels)
        oldest = now - LONGEST_FLIGHT
        self._asked = [flights.filter(pl.col("scheduled") > oldest) for flights in self._asked]
        self._asked = [flights for flights in self._asked if flights.height]
        if (now - self.origin) % WEEK == timedelta(0):
            message = f"As known at {now:%Y-%m-%d %H:%M} UTC"
            stack.data.commit("flights", feed.known(now), message=message)
            stack.data.commit("weather", feed.observed(now), message=message)
        stack.serving.tick(now)
        stack.monitoring.tick(now)

    def _settle(self, now: datetime) -> None:
        """Wait until the last answer stands in the log."""
        if self._last_id is not None:
            self.means.server.wait_until_logged(self.means.stack.serving.log, ENDPOINT, self._last_id, since=now - DAY)

    def _follow(self) -> None:
        """Wait until the server answers by the routes of today."""
        self.means.server.wait_for(max(route.revision for route in self.means.stack.serving.routes()))

    def _tell(self) -> None:
        for event in self.means.stack.spine.events.after(self._told):
            self._told = event.sequence
            if event.name in TOLD:
                self.means.tell(event)

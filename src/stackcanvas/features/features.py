"""The feature store of a project: training sets as known at a time, and the same features online."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.data import Data, DataVersion
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.features.join import Observations, point_in_time
from stackcanvas.features.online import Online
from stackcanvas.features.tables import feature_materialized
from stackcanvas.features.view import FeatureView
from stackcanvas.metadata import Recording, Ref, Spine


@dataclass(frozen=True, slots=True)
class Materialized:
    """How far a view has come online.

    Args:
        view: its name.
        source: the data version that its rows came from.
        until: rows that were available by then are online.
        rows: how many were written the last time.
    """

    view: str
    source: Ref
    until: datetime
    rows: int
    time: datetime


@dataclass(frozen=True, slots=True)
class ViewStatus:
    """A view and how far it has come online.

    Args:
        view: its name.
        ref: the view as it is defined now.
        source: the data set that its rows come from.
        ttl_s: how old an event may be, None for any age.
        online_until: rows that were available by then are online, None when it was never brought there.
    """

    view: str
    ref: Ref
    keys: tuple[str, ...]
    source: str
    features: tuple[str, ...]
    ttl_s: float | None
    online_until: datetime | None


class Features:
    """Feature views over data versions.

    Args:
        spine: where work is recorded.
        data: where the views' rows come from and training sets go to.
        store: where features lie for prediction.
        views: the definitions of the project.

    Raises:
        BadInput: two views have one name.
    """

    def __init__(self, spine: Spine, data: Data, store: KeyValue, views: Sequence[FeatureView]) -> None:
        self._spine = spine
        self._data = data
        self._online = Online(store)
        self._views: dict[str, FeatureView] = {}
        for view in views:
            if view.name in self._views:
                raise BadInput(f"two feature views are called {view.name!r}", fix="Rename one of them")
            self._views[view.name] = view

    def ls(self) -> list[FeatureView]:
        """The views, by name."""
        return sorted(self._views.values(), key=lambda view: view.name)

    def status(self) -> list[ViewStatus]:
        """The views and how far each has come online, by name."""
        online = {found.view: found.until for found in self.materialized()}
        return [
            ViewStatus(
                view.name,
                view.ref,
                view.keys,
                view.source,
                view.features,
                None if view.ttl is None else view.ttl.total_seconds(),
                online.get(view.name),
            )
            for view in self.ls()
        ]

    def get(self, name: str) -> FeatureView:
        """One view.

        Raises:
            NotFound: the project has none of that name.
        """
        if name not in self._views:
            raise NotFound("feature view", name, known=self._views, fix="Views are defined in features.py")
        return self._views[name]

    def join(
        self,
        entities: Any,
        views: Sequence[str],
        *,
        time: str,
        versions: Mapping[str, Ref] | None = None,
    ) -> pl.DataFrame:
        """Add the features that were known of each row at its time; same rows, same order.

        Args:
            entities: rows with the views' keys and a time: a polars frame, or anything with the Arrow interface.
            time: the column that says at which instant each row is asked.
            versions: by data set, the version to take the features from; the latest by default.
        """
        chosen = [self.get(name) for name in views]
        return point_in_time(_frame(entities), self._observations(chosen, self._pinned(chosen, versions)), time=time)

    def training_set(
        self,
        name: str,
        entities: Any,
        *,
        views: Sequence[str],
        time: str,
        versions: Mapping[str, Ref] | None = None,
        message: str = "",
    ) -> DataVersion:
        """Join and commit as a data version that knows what it came from.

        Args:
            name: the data set that the version belongs to.
            entities: rows with keys, time and whatever else a model learns from, or the ref of the data version that
                holds them.
            views: which features to add.
            time: the column that says at which instant each row is asked.
            versions: by data set, the version to take the features from; the latest by default.

        Raises:
            NotFound: there is no such view or data version.
            BadInput: the columns do not fit.
        """
        chosen = [self.get(view) for view in views]
        pinned = self._pinned(chosen, versions)
        parameters = {"views": list(views), "time": time}
        with self._spine.record("features.training_set", subject=Ref("data", name), parameters=parameters) as work:
            for view in chosen:
                work.used(self._recorded(view, work), "view")
            if isinstance(entities, Ref | str):
                entities = self._data.get(entities).ref
            # Reading a version inside recorded work records it as used.
            rows = self._data.read(entities) if isinstance(entities, Ref) else _frame(entities)
            frame = point_in_time(rows, self._observations(chosen, pinned), time=time)
            return self._data.commit(name, frame, message=message or f"Training set of {', '.join(views)}")

    def materialize(self, views: Sequence[str] | None = None, *, until: datetime | None = None) -> list[Materialized]:
        """Bring the online store up to what was available at an instant; what is there already is not written again.

        Args:
            views: which; all by default.
            until: now by default.
        """
        instant = until or self._spine.clock.now()
        return [self._materialize(self.get(name), instant) for name in (views or sorted(self._views))]

    def push(self, view: str, rows: Any, *, now: datetime | None = None) -> int:
        """Bring rows of a view online at once, before they are part of a data version.

        Training sets are joined from data versions: rows that matter for training must reach one, too.

        Args:
            view: its name.
            rows: as the view's transform gives them: keys, times and features.
            now: rows that become available later than this wait for `materialize`; the clock's time by default.

        Returns:
            How many rows were not older than what was there.
        """
        return self._online.put(self.get(view), _frame(rows).lazy(), after=None, until=now or self._spine.clock.now())

    def materialized(self) -> list[Materialized]:
        """How far each view has come online, by name."""
        with self._spine.read() as connection:
            rows = connection.execute(select(feature_materialized).order_by(feature_materialized.c.view)).mappings()
            return [
                Materialized(row["view"], Ref.parse(row["source"]), row["until"], row["rows"], row["time"])
                for row in rows
            ]

    def online(
        self, features: Sequence[str], keys: Sequence[Mapping[str, object]], *, now: datetime | None = None
    ) -> list[dict[str, Any]]:
        """The features of each key as they count now; None where nothing is known or it is too old.

        Args:
            features: as `view:feature`, or `view:*` for all of a view.
            keys: a mapping of key columns to values for each row asked.
            now: the instant that ages are told from; the clock's by default.

        Raises:
            NotFound: there is no such view or feature.
            BadInput: a row lacks a key, or has one that no row can have.
        """
        wanted = [self._wanted(name) for name in features]
        names = [name for _, part in wanted for name in part]
        if len(set(names)) < len(names):
            raise BadInput("a feature is asked for twice", expected="each feature once")
        return self._online.get(wanted, keys, now=now or self._spine.clock.now())

    def _materialize(self, view: FeatureView, until: datetime) -> Materialized:
        source = self._data.get(Ref("data", view.source)).ref
        parameters = {"view": view.name, "until": until.isoformat()}
        with self._spine.record("features.materialize", subject=view.ref, parameters=parameters) as work:
            work.used(self._recorded(view, work), "view")
            with self._spine.read() as connection:
                chosen = select(feature_materialized).where(feature_materialized.c.view == view.name)
                before = connection.execute(chosen).mappings().one_or_none()
            same = before is not None and before["definition"] == view.ref.selector
            # Another version may hold late corrections of any age: it is gone through from the beginning.
            after = before["until"] if before and same and before["source"] == str(source) else None
            if after is not None:
                until = max(until, after)
            rows = self._online.put(view, view.rows(self._data.scan(source)), after=after, until=until)
            if before is not None and not same:
                self._online.drop(view.name, before["definition"])
            made = Materialized(view.name, source, until, rows, self._spine.clock.now())
            with self._spine.write() as tx:
                facts = {"definition": view.ref.selector, "source": str(source), "until": until, "rows": rows}
                new = self._spine.database.insert(feature_materialized)
                new = new.values(view=view.name, time=made.time, facts=view.definition, **facts)
                updated = {name: new.excluded[name] for name in (*facts, "time", "facts")}
                tx.execute(new.on_conflict_do_update(index_elements=[feature_materialized.c.view], set_=updated))
                work.finish(tx)
        return made

    def _recorded(self, view: FeatureView, work: Recording) -> Ref:
        """The view's ref, with its definition on record."""
        if self._spine.artifacts.get(view.ref) is None:
            with self._spine.write() as tx, suppress(IntegrityError), tx.begin_nested():
                self._spine.artifacts.add(tx, view.ref, digest=view.digest, execution=work.id, facts=view.definition)
        return view.ref

    def _pinned(self, views: Sequence[FeatureView], versions: Mapping[str, Ref] | None) -> dict[str, Ref]:
        """By data set, the version to read."""
        given = versions or {}
        return {view.source: self._data.get(given.get(view.source, Ref("data", view.source))).ref for view in views}

    def _observations(self, views: Sequence[FeatureView], pinned: Mapping[str, Ref]) -> list[Observations]:
        return [
            Observations(
                name=view.name,
                frame=view.rows(self._data.scan(pinned[view.source])),
                keys=view.keys,
                event_time=view.event_time,
                known_time=view.known_time,
                ttl=view.ttl,
                features=view.features,
            )
            for view in views
        ]

    def _wanted(self, name: str) -> tuple[FeatureView, Sequence[str]]:
        view_name, colon, feature = name.partition(":")
        if not colon:
            raise BadInput(f"{name!r} is not a feature", expected="view:feature, or view:* for all of a view")
        view = self.get(view_name)
        if feature == "*":
            return view, view.features
        if feature not in view.features:
            raise NotFound("feature", feature, known=view.features, where=f"view {view_name}")
        return view, (feature,)


def _frame(rows: Any) -> pl.DataFrame:
    if isinstance(rows, pl.DataFrame):
        return rows
    if not hasattr(rows, "__arrow_c_stream__"):
        raise BadInput(
            f"the rows are a {type(rows).__name__}", expected="a polars frame, or anything with the Arrow interface"
        )
    return pl.DataFrame(rows)

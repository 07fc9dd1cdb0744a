"""The feature store of a project: training sets as known at a time, and the same features online."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.backends.keyvalue.rows import Row
from stackcanvas.data import Data, DataVersion
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.features.catalog import Catalog, Definition
from stackcanvas.features.checks import names_of
from stackcanvas.features.demand import OnDemandView
from stackcanvas.features.erasing import erase_pushed, pushed
from stackcanvas.features.journal import Journal
from stackcanvas.features.materialize import FeatureStatistics, Materialized, materialize, materialized, statistics
from stackcanvas.features.online import Online, current_rows
from stackcanvas.features.plan import plan
from stackcanvas.features.training import Rebuilt, Trainings, as_frame
from stackcanvas.features.view import Entity, FeatureView
from stackcanvas.metadata import Ref, Spine

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ViewStatus:
    """A view and how far it has come online.

    Args:
        view: its name.
        ref: the view as it is defined now.
        kind: batch, stream, or on demand.
        source: the data set that its rows come from; None on demand.
        ttl_s: how old an event may be, None for any age.
        online_until: rows that were available by then are online, None when it was never brought there.
        services: those that take a feature of it.
    """

    view: str
    ref: Ref
    kind: str
    keys: tuple[str, ...]
    source: str | None
    features: tuple[str, ...]
    ttl_s: float | None
    online_until: datetime | None
    description: str
    owner: str
    tags: tuple[str, ...]
    services: tuple[str, ...]


class Features:
    """Feature views over data versions.

    Args:
        spine: where work is recorded.
        data: where the views' rows come from and training sets go to.
        store: where features lie for prediction.
        definitions: views, on-demand views and services of the project, or what gives them: another list once they
            have changed.
        folder: where pushed rows wait for their data set, and what is larger than memory lies meanwhile.
    """

    def __init__(
        self,
        spine: Spine,
        data: Data,
        store: KeyValue,
        definitions: Sequence[Definition] | Callable[[], Sequence[Definition]],
        *,
        folder: Path,
    ) -> None:
        self._spine = spine
        self._data = data
        self._online = Online(store)
        self._journal = Journal(folder / "pushed")
        self._definitions = definitions if callable(definitions) else lambda: definitions
        self._read: tuple[Sequence[Definition], Catalog] | None = None
        self._trainings = Trainings(spine, data, lambda: self.catalog, folder / "scratch")

    @property
    def catalog(self) -> Catalog:
        """What the project defines now.

        Raises:
            BadInput: the definitions cannot be loaded, two have one name, or one names what does not exist.
        """
        found, read = self._definitions(), self._read
        if read is None or read[0] is not found:
            self._read = read = (found, Catalog(found))
        return read[1]

    def ls(self) -> list[FeatureView]:
        """The views that have rows, by name."""
        return sorted(self.catalog.views.values(), key=lambda view: view.name)

    def entities(self) -> list[Entity]:
        """What the views describe, by name."""
        found = {view.entity.name: view.entity for view in self.ls()}
        return [found[name] for name in sorted(found)]

    def status(self) -> list[ViewStatus]:
        """Every view and how far it has come online, by name."""
        online = {found.view: found.until for found in self.materialized()}
        return [self._status(view, online) for view in self.catalog.ls()]

    def get(self, name: str) -> FeatureView:
        """One view that has rows.

        Raises:
            NotFound: the project has none of that name.
        """
        return self.catalog.stored(name)

    def describe(self, name: str) -> dict[str, Any]:
        """The definition of a view or service with all that is known of it, for people and programs.

        Raises:
            NotFound: the project has none of that name.
        """
        if name in self.catalog.services:
            service = self.catalog.services[name]
            wanted = [f"{view}:{feature}" for view, feature in self.catalog.select([name]).wanted]
            told = {"description": service.description, "owner": service.owner, "tags": service.tags}
            return {"name": name, "features": wanted, **told}
        view = self.catalog.get(name)
        status = self._status(view, {one.view: one.until for one in self.materialized()})
        used = self._spine.lineage.downstream(view.ref).refs[1:]
        told = {name: getattr(status, name) for name in ("kind", "description", "owner", "tags", "services")}
        return {"ref": view.ref, **view.definition, **told, "online_until": status.online_until, "used_by": used[:50]}

    def search(self, words: str = "", *, tag: str | None = None, owner: str | None = None) -> list[Definition]:
        """Views and services that hold every word in names, features, keys, description, owner, tags or source."""
        return self.catalog.search(words, tag=tag, owner=owner)

    def statistics(self, view: str) -> list[FeatureStatistics]:
        """What the values of a view's features are like, over all rows of the newest data version."""
        found = self.get(view)
        return statistics(found, found.rows(self._data.scan(found.source)))

    def join(
        self,
        entities: Any,
        views: Sequence[str],
        *,
        time: str,
        timezone: str | None = None,
        full_names: bool = False,
        versions: Mapping[str, Ref] | None = None,
    ) -> pl.DataFrame:
        """Add the features that were known of each row at its time; same rows, same order.

        Args:
            entities: rows with the views' keys and a time: a polars frame, anything with the Arrow interface (pandas,
                DuckDB), dictionaries, the path of a CSV, Parquet or JSON lines file, or the ref of a data version.
            views: names of views or services, or single features as `view:feature`.
            time: the column that says at which instant each row is asked.
            timezone: the zone of these instants where they say none.
            full_names: call the columns `view__feature`.
            versions: by data set, the version to take the features from; the latest by default.
        """
        facts = {"time": time, "timezone": timezone, "full_names": full_names}
        return self._trainings.join(entities, self._trainings.recipe(names_of(views), versions=versions, **facts))

    def training_set(
        self,
        name: str,
        entities: Any,
        *,
        views: Sequence[str],
        time: str,
        timezone: str | None = None,
        full_names: bool = False,
        versions: Mapping[str, Ref] | None = None,
        message: str = "",
    ) -> DataVersion:
        """Join and commit as a data version that knows what it came from.

        Args:
            name: the data set that the version belongs to.
            entities: rows with keys, time and whatever else a model learns from, as `join` takes them; a data version,
                and a lazy frame, may be larger than memory.
            views: which features to add: names of views or services, or single features as `view:feature`.
            time: the column that says at which instant each row is asked.
            timezone: the zone of these instants where they say none.
            full_names: call the columns `view__feature`.
            versions: by data set, the version to take the features from; the latest by default.

        Raises:
            NotFound: there is no such view or data version.
            BadInput: the columns do not fit.
        """
        facts = {"time": time, "timezone": timezone, "full_names": full_names}
        recipe = self._trainings.recipe(names_of(views), versions=versions, **facts)
        return self._trainings.make(name, entities, recipe, message=message)

    def rebuild(self, ref: Ref | str, *, verify: bool = False) -> Rebuilt:
        """Make a training set again from what its record says: the same views over the same versions.

        Args:
            ref: the training set, such as `training@3`.
            verify: only compare with the version that is there; commit nothing.

        Raises:
            NotFound: there is no such version.
            BadInput: it was not made as a training set.
            Conflict: a view is defined differently now.
        """
        return self._trainings.rebuild(ref, verify=verify)

    def materialize(
        self, views: Sequence[str] | None = None, *, until: datetime | None = None, rebuild: bool = False
    ) -> list[Materialized]:
        """Bring the online store up to what was available at an instant; what is there already is not written again.

        Args:
            views: which; all by default.
            until: now by default.
            rebuild: write everything anew, and remove what a newer version of the data took back.
        """
        instant = self._instant(until)
        # A stream that nothing was pushed to yet has no data set.
        named = None if views is None else names_of(views)
        chosen = [self.get(name) for name in named] if named is not None else [v for v in self.ls() if self._began(v)]
        for view in chosen if rebuild else ():  # what was pushed lately is not lost
            self._journal.fold(view, self._data)
        return [
            materialize(self._spine, self._data, self._online, view, until=instant, rebuild=rebuild) for view in chosen
        ]

    def push(self, view: str, rows: Any, *, now: datetime | None = None, keep: bool | None = None) -> int:
        """Bring rows of a view online at once, before they are part of a data version.

        Args:
            view: its name.
            rows: keys, times and features, as the view's data set has them, or as its transform gives them.
            now: rows that become available later than this wait for `materialize`; the clock's time by default.
            keep: also bring them into the data set, which training sets are joined from: `fold` does. By default for
                streams.

        Returns:
            How many rows were not older than what was there.

        Raises:
            BadInput: the rows do not fit the view; nothing of them is kept.
        """
        found, instant = self.get(view), self._instant(now)
        frame = as_frame(rows)
        current = current_rows(found, frame.lazy(), after=None, until=instant)
        if found.stream if keep is None else keep:
            if found.transform is not None:
                said = f"the view {view!r} has a transform: what is pushed is not what its data set holds"
                raise BadInput(said, fix="Commit the rows to the data set instead")
            # Online it has the types that it will have in the data set.
            fitted = self._journal.check(found, frame, self._data)
            current = current_rows(found, fitted.lazy(), after=None, until=instant)
            self._journal.add(found, frame, now=instant, name=self._spine.ids.new())
        else:  # no data set says what they should be; the rows that are online do
            current = self._online.fitted(found, current)
        return self._online.put_rows(found, current)

    def fold(self, views: Sequence[str] | None = None) -> list[DataVersion]:
        """Make pushed rows part of the next version of their data sets; what is there already is not added again.

        Args:
            views: which; all by default.
        """
        chosen = [self.get(name) for name in names_of(views)] if views is not None else self.ls()
        made = [self._journal.fold(view, self._data) for view in chosen]
        return [version for version in made if version is not None]

    def find_person(self, column: str, means: Callable[[object], bool]) -> tuple[list[tuple[Path, int]], list[bytes]]:
        """Files of pushed rows and keys of the online store that hold a person; of each file how many rows.

        Args:
            column: that tells whose a row is.
            means: whether a value of it is theirs.
        """
        places = {view.name: self._online.place(view) for view in self.ls()}
        return pushed(self._journal.folder, column, means), list(self._online.find(places, column, means))

    def erase_person(self, column: str, means: Callable[[object], bool]) -> tuple[int, int]:
        """Take a person out of what was pushed and of the online store; how many rows of each."""
        files, keys = self.find_person(column, means)
        for path, _ in files:
            erase_pushed(path, column, means)
        self._online.delete(keys)
        return sum(rows for _, rows in files), len(keys)

    def waiting_since(self, view: str) -> datetime | None:
        """When the oldest rows of a view were pushed that are in no data version yet; None when there are none."""
        return self._journal.since(self.get(view))

    def materialized(self) -> list[Materialized]:
        """How far each view has come online, by name."""
        return materialized(self._spine)

    def lost(self) -> list[str]:
        """The views that came online, by the records, and of which the online store knows nothing: it lost its data.

        Raises:
            Unavailable: the store does not answer.
        """
        came = {one.view: one.definition for one in self.materialized()}
        views = [view for view in self.ls() if came.get(view.name) == view.ref.selector]
        return [view.name for view, noted in zip(views, self._online.marked(views), strict=True) if noted is None]

    def online(
        self,
        features: Sequence[str],
        keys: Sequence[Mapping[str, object]],
        *,
        now: datetime | None = None,
        full_names: bool = False,
    ) -> list[dict[str, Any]]:
        """The features of each key as they count now; None where nothing is known or it is too old.

        Args:
            features: as `view:feature`, `view:*` for all of a view, or the name of a view or service.
            keys: for each row asked a mapping of key columns, and of what on-demand views take from the request.
            now: the instant that ages are told from; the clock's by default.
            full_names: call the features `view__feature`.

        Raises:
            NotFound: there is no such view or feature.
            BadInput: a row lacks a key, or has one that no row can have.
        """
        chosen = self.catalog.select(names_of(features))
        names, keys = chosen.names(full=full_names), _rows(keys)
        rows = self._online.read([view for view, _ in chosen.stored], keys, now=self._instant(now))
        found = {
            (view.name, feature): [row.values[view.features.index(feature)] for row in column]
            for (view, wanted), column in zip(chosen.stored, rows, strict=True)
            for feature in wanted
        }
        for view in chosen.demanded:
            found |= _computed(view, found, keys)
        columns = [found[pair] for pair in chosen.wanted]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]

    def rows_online(self, view: str, keys: Sequence[Mapping[str, object]], *, now: datetime | None = None) -> list[Row]:
        """The row of each key of one view as it lies online: its state, its event's time, its values."""
        return self._online.read([self.get(view)], _rows(keys), now=self._instant(now))[0]

    def plan(self) -> dict[str, Any]:
        """What the prediction server needs to read and write features by itself."""
        views = self.ls()
        found = []
        for view, noted in zip(views, self._online.marked(views), strict=True):
            known = {} if noted is None else {"kinds": noted.kinds, "feature_kinds": noted.feature_kinds}
            found.append((replace(self._online.place(view), **known), None if noted is None else noted.until_us))
        return plan(self.catalog, found)

    def _instant(self, given: datetime | None) -> datetime:
        """What is given, or now."""
        instant = given or self._spine.clock.now()
        if instant.tzinfo is None:
            raise BadInput(f"the instant {instant.isoformat()} says no time zone", expected="one with a time zone")
        return instant

    def _began(self, view: FeatureView) -> bool:
        if not view.stream:
            return True
        with suppress(NotFound):
            self._data.get(view.source)
            return True
        return False

    def _status(self, view: FeatureView | OnDemandView, online: Mapping[str, datetime]) -> ViewStatus:
        said = (view.description, view.owner, view.tags, tuple(self.catalog.services_of(view.name)))
        if isinstance(view, OnDemandView):
            return ViewStatus(view.name, view.ref, "on demand", (), None, view.features, None, None, *said)
        ttl_s = None if view.ttl is None else view.ttl.total_seconds()
        kind = "stream" if view.stream else "batch"
        until = online.get(view.name)
        return ViewStatus(view.name, view.ref, kind, view.keys, view.source, view.features, ttl_s, until, *said)


def _rows(keys: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Rows of keys with plain values: those of numpy and pandas count as what they hold."""
    if isinstance(keys, Mapping) or not all(isinstance(row, Mapping) for row in keys):
        raise BadInput(f"the keys are {keys!r}"[:200], expected='a list of mappings, as [{"customer_id": 42}]')
    return [{name: value.item() if hasattr(value, "item") else value for name, value in row.items()} for row in keys]


def _computed(
    view: OnDemandView, found: Mapping[tuple[str, str], list[Any]], keys: Sequence[Mapping[str, object]]
) -> dict[tuple[str, str], list[Any]]:
    """What a view computes from the features that were found and from the request."""
    inputs = [one.partition(":") for one in view.inputs]
    rows = []
    for at, key in enumerate(keys):
        missing = next((name for name in view.request if name not in key), None)
        if missing is not None:
            raise NotFound("column", missing, known=list(key), where=f"row {at}, for on-demand view {view.name}")
        rows.append(
            {**{name: found[other, name][at] for other, _, name in inputs}, **{n: key[n] for n in view.request}}
        )
    given = view.of_rows(rows)
    return {(view.name, name): [row[name] for row in given] for name in view.features}

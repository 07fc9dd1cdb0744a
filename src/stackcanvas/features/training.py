"""Training sets: entity rows with what was known of each, as data versions that can be made again bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.backends.files import Scratch
from stackcanvas.data import Data, DataVersion
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.features.catalog import Catalog, Selection, column_name
from stackcanvas.features.checks import zone_problems
from stackcanvas.features.chunks import ENTITY_ROWS, join_in_parts
from stackcanvas.features.compare import differences
from stackcanvas.features.demand import OnDemandView
from stackcanvas.features.files import read_rows
from stackcanvas.features.join import Observations, point_in_time
from stackcanvas.features.records import record_view
from stackcanvas.features.view import FeatureView
from stackcanvas.late import late
from stackcanvas.metadata import Execution, Ref, Spine

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

KIND = "features.training_set"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A training set that was made again.

    Args:
        ref: of the version that was asked for.
        equal: whether every value came out as it was.
        differs: the columns that did not.
        made: the version that holds what came out; None when it was only verified.
    """

    ref: Ref
    equal: bool
    differs: tuple[str, ...]
    rows: int
    made: DataVersion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How entity rows become a training set.

    Args:
        views: which features, as they are asked for.
        time: the column that says at which instant each row is asked.
        timezone: of these instants where they say none.
        full_names: whether columns are called `view__feature`.
        versions: by data set, the version to take the features from.
    """

    views: tuple[str, ...]
    time: str
    timezone: str | None = None
    full_names: bool = False
    versions: Mapping[str, Ref]


class Trainings:
    """Joins entity rows, and makes training sets.

    Args:
        catalog: gives the definitions of the project.
        scratch: where what is larger than memory lies meanwhile.
    """

    def __init__(self, spine: Spine, data: Data, catalog: Callable[[], Catalog], scratch: Path) -> None:
        self._spine = spine
        self._data = data
        self._catalog = catalog
        self._scratch = Scratch(scratch)

    def recipe(self, views: Sequence[str], *, versions: Mapping[str, Ref] | None, **facts: Any) -> Recipe:
        """The recipe with the versions of every data set pinned."""
        given, chosen = versions or {}, self._catalog().select(views)
        wrong = zone_problems(facts.get("timezone"))
        if wrong:
            raise BadInput(wrong[0], where="entity rows")
        sources = dict.fromkeys(view.source for view, _ in chosen.stored)
        unknown = next((name for name in given if name not in sources), None)
        if unknown is not None:
            raise NotFound("data set of these views", unknown, known=list(sources))
        pinned = {source: self._data.get(given.get(source, Ref("data", source))).ref for source in sources}
        return Recipe(views=tuple(views), versions=pinned, **facts)

    def join(self, entities: Any, recipe: Recipe) -> pl.DataFrame:
        """The entity rows with their features, in memory."""
        if isinstance(entities, Ref | str):
            entities = self._data.scan(entities)
        elif isinstance(entities, Path):
            entities = read_rows(entities, instants=(recipe.time,), zoned=False)
        entities = as_frame(entities)
        chosen = self._catalog().select(recipe.views)
        joined = point_in_time(entities, self._observations(chosen, recipe), time=recipe.time, timezone=recipe.timezone)
        return _finished(joined, entities.columns, chosen, full=recipe.full_names)

    def make(self, name: str, entities: Any, recipe: Recipe, *, message: str) -> DataVersion:
        """Join and commit, on record."""
        chosen = self._catalog().select(recipe.views)
        if isinstance(entities, Ref | str):
            entities = self._data.get(entities).ref
        elif isinstance(entities, Path):
            entities = read_rows(entities, instants=(recipe.time,), zoned=False)
        with self._spine.record(
            KIND, subject=Ref("data", name), parameters=self._said(recipe, chosen, entities)
        ) as work:
            for view in _views(chosen):
                work.used(record_view(self._spine, view, work), "view")
            # Reading a version inside recorded work records it as used.
            with self._parts(entities, recipe, chosen) as rows:
                said = message or f"Training set of {', '.join(recipe.views)}"
                return self._data.commit(name, rows, message=said)

    def rebuild(self, ref: Ref | str, *, verify: bool) -> Rebuilt:
        """Make a training set again from what its record says.

        Args:
            verify: only compare; commit nothing.

        Raises:
            NotFound: there is no such version.
            BadInput: it was not made as a training set.
            Conflict: a view is defined differently now.
        """
        version = self._data.get(ref)
        work = self._made_by(version)
        recipe, chosen, entities = self._recorded(version, work)
        with self._parts(entities, recipe, chosen) as rows:
            if not verify:
                made = self._data.commit(version.name, rows, message=f"Rebuilt {version.name}@{version.number}")
                equal = made.digest == version.digest
                return Rebuilt(version.ref, equal, () if equal else ("(digest)",), made.rows or 0, made)
            lazy = rows.lazy() if isinstance(rows, pl.DataFrame) else rows
            differs, count = differences(lazy, self._data.scan(version.ref))
        return Rebuilt(version.ref, not differs, tuple(differs), count, None)

    def _recorded(self, version: DataVersion, work: Execution) -> tuple[Recipe, Selection, Any]:
        told: dict[str, Any] = work.parameters
        recipe = Recipe(
            views=tuple(told["views"]),
            time=told["time"],
            timezone=told.get("timezone"),
            full_names=bool(told.get("full_names")),
            versions={name: Ref.parse(text) for name, text in told.get("versions", {}).items()},
        )
        chosen = self._catalog().select(recipe.views)
        now = self._definitions(chosen)
        for name, then in told.get("definitions", {}).items():
            if now.get(name) != then:
                commit = work.code.commit
                raise Conflict(
                    f"the view {name!r} is defined differently since: it was {then} and is {now.get(name)}",
                    where=str(version.ref),
                    fix=f"Check out commit {commit} and run it there" if commit else "Bring its definition back",
                )
        if told.get("entities"):
            return recipe, chosen, Ref.parse(told["entities"])
        # What was given as rows stands in the training set itself, beside the features.
        features = set(chosen.names(full=recipe.full_names))
        kept = [name for name in version.columns if name not in features]
        return recipe, chosen, self._data.scan(version.ref).select(kept)

    def _made_by(self, version: DataVersion) -> Execution:
        commit = self._spine.executions.get(version.execution)
        work = None if commit.parent is None else self._spine.executions.get(commit.parent)
        if work is None or work.kind != KIND or "versions" not in work.parameters:
            raise BadInput(
                f"{version.ref} was not made as a training set",
                expected="a version that `stackcanvas features training-set` or stack.features.training_set made",
            )
        return work

    @contextmanager
    def _parts(self, entities: Any, recipe: Recipe, chosen: Selection) -> Iterator[pl.DataFrame | pl.LazyFrame]:
        """The joined rows: in memory where they are few, from files where they are many."""
        rows = self._data.scan(entities) if isinstance(entities, Ref) else entities
        if not isinstance(rows, pl.LazyFrame):
            yield self.join(rows, recipe)
            return
        count = int(rows.select(pl.len()).collect(engine="streaming").item())
        if count <= ENTITY_ROWS:
            yield self.join(rows, recipe)
            return
        with self._scratch.room() as room:
            observations = self._observations(chosen, recipe)
            files: list[Path] = []
            for part in join_in_parts(rows, observations, time=recipe.time, timezone=recipe.timezone, scratch=room):
                finished = _finished(part, rows.collect_schema().names(), chosen, full=recipe.full_names)
                files.append(room / f"joined-{len(files)}.parquet")
                finished.write_parquet(files[-1], compression="lz4")
            yield pl.scan_parquet(files, glob=False)

    def _observations(self, chosen: Selection, recipe: Recipe) -> list[Observations]:
        # Under full names, which cannot clash, until the columns are what was asked for.
        return [
            Observations(
                name=view.name,
                frame=view.rows(self._data.scan(recipe.versions[view.source])).with_columns(
                    pl.col(feature).alias(column_name(view.name, feature, full=True)) for feature in features
                ),
                keys=view.keys,
                event_time=view.event_time,
                known_time=view.known_time,
                ttl=view.ttl,
                features=tuple(column_name(view.name, feature, full=True) for feature in features),
                timezone=view.timezone,
                computing=view.computing,
            )
            for view, features in chosen.stored
        ]

    def _definitions(self, chosen: Selection) -> dict[str, str]:
        return {view.name: str(view.ref) for view in _views(chosen)}

    def _said(self, recipe: Recipe, chosen: Selection, entities: Any) -> dict[str, object]:
        return {
            "views": list(recipe.views),
            "time": recipe.time,
            "timezone": recipe.timezone,
            "full_names": recipe.full_names,
            "entities": str(entities) if isinstance(entities, Ref) else None,
            "versions": {name: str(ref) for name, ref in recipe.versions.items()},
            "definitions": self._definitions(chosen),
        }


def _views(chosen: Selection) -> list[FeatureView | OnDemandView]:
    return [*(view for view, _ in chosen.stored), *chosen.demanded]


def as_frame(rows: Any) -> pl.DataFrame:
    """Rows in any form as a frame.

    Raises:
        BadInput: it is no form of rows.
    """
    if isinstance(rows, pl.DataFrame):
        return rows
    if isinstance(rows, pl.LazyFrame):
        return rows.collect()
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return pl.DataFrame(rows, infer_schema_length=None)
    if not hasattr(rows, "__arrow_c_stream__"):
        raise BadInput(
            f"the rows are a {type(rows).__name__}",
            expected="a polars frame, a list of dictionaries, or anything with the Arrow interface",
        )
    return pl.DataFrame(rows)


def _finished(joined: pl.DataFrame, entity_columns: Sequence[str], chosen: Selection, *, full: bool) -> pl.DataFrame:
    """The joined rows with what is computed on demand, and the columns that were asked for under their names."""
    names = chosen.names(full=full)
    taken = next((name for name in names if name in entity_columns), None)
    if taken is not None:
        of = next(view for view, feature in chosen.wanted if column_name(view, feature, full=full) == taken)
        raise BadInput(
            f"column {taken!r} of view {of} is already a column of the entity rows",
            fix="Rename it in the view's transform, or ask for full names",
        )
    computed: dict[tuple[str, str], pl.Series] = {}
    for view in chosen.demanded:
        inputs = {one.partition(":")[2]: "__".join(one.split(":", 1)) for one in view.inputs}
        missing = next((name for name in view.request if name not in entity_columns), None)
        if missing is not None:
            raise NotFound(
                "column", missing, known=entity_columns, where=f"entity rows, for on-demand view {view.name}"
            )
        given = joined.select(*(pl.col(where).alias(name) for name, where in inputs.items()), *view.request)
        computed |= {(view.name, one.name): one for one in view.of_frame(given)}
    features = [
        computed[pair].alias(name) if pair in computed else joined[column_name(*pair, full=True)].alias(name)
        for pair, name in zip(chosen.wanted, names, strict=True)
    ]
    return joined.select(entity_columns).with_columns(features)

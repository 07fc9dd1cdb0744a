"""Materialising: what became known of a view comes online, from where the last one left off.

How far a view has come stands beside its rows, in the online store. So whoever loses the store loses that note too, and
the next materialisation begins anew; one that was killed has not moved it, and the next one goes over the same rows
again, which changes nothing that was written already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from stackcanvas.clock import from_us
from stackcanvas.data import Data
from stackcanvas.features.online import Online, current_rows
from stackcanvas.features.records import record_view
from stackcanvas.features.tables import feature_materialized
from stackcanvas.features.view import FeatureView
from stackcanvas.late import late
from stackcanvas.metadata import Ref, Spine

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")


@dataclass(frozen=True, slots=True)
class Materialized:
    """How far a view has come online.

    Args:
        view: its name.
        definition: which one, as the selector of its ref.
        source: the data version that its rows came from.
        until: rows that were available by then are online.
        rows: how many were written the last time.
    """

    view: str
    definition: str
    source: Ref
    until: datetime
    rows: int
    time: datetime


def materialize(
    spine: Spine, data: Data, online: Online, view: FeatureView, *, until: datetime, rebuild: bool = False
) -> Materialized:
    """Bring one view online up to an instant.

    Args:
        until: rows that are available by then.
        rebuild: write all rows anew and remove what is not among them, such as rows that a newer version took back.
    """
    source = data.get(Ref("data", view.source)).ref
    parameters = {"view": view.name, "until": until.isoformat(), "rebuild": rebuild}
    with spine.record("features.materialize", subject=view.ref, parameters=parameters) as work:
        work.used(record_view(spine, view, work), "view")
        (before,) = online.marked([view])
        # Another version may hold late corrections of any age: it is gone through from the beginning.
        goes_on = before is not None and before.source == str(source) and not rebuild
        after = from_us(before.until_us) if before is not None and goes_on else None
        if after is not None:
            until = max(until, after)
        scanned = view.rows(data.scan(source))
        current = current_rows(view, scanned, after=after, until=until)
        rows = online.replace(view, current) if rebuild else online.put_rows(view, current)
        online.mark(view, source=str(source), until=until, rows=current)
        if before is None:
            online.drop_others(view)
        made = Materialized(view.name, str(view.ref.selector), source, until, rows, spine.clock.now())
        with spine.write() as tx:
            facts: dict[str, Any] = {"definition": made.definition, "source": str(source), "until": until}
            facts |= {"rows": rows, "time": made.time, "facts": view.definition}
            new = spine.database.insert(feature_materialized).values(view=view.name, **facts)
            updated = {name: new.excluded[name] for name in facts}
            tx.execute(new.on_conflict_do_update(index_elements=[feature_materialized.c.view], set_=updated))
            work.finish(tx)
    return made


def materialized(spine: Spine) -> list[Materialized]:
    """How far each view has come online, by name."""
    with spine.read() as connection:
        rows = connection.execute(select(feature_materialized).order_by(feature_materialized.c.view)).mappings()
        return [
            Materialized(
                row["view"], row["definition"], Ref.parse(row["source"]), row["until"], row["rows"], row["time"]
            )
            for row in rows
        ]


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """What the values of one feature are like, over all rows of the newest data version.

    Args:
        view: and its feature.
        nulls: the share of rows without a value.
        distinct: about how many different values there are.
        smallest, largest, mean: of numbers; None for the rest.
    """

    view: str
    feature: str
    dtype: str
    rows: int
    nulls: float
    distinct: int
    smallest: float | None
    largest: float | None
    mean: float | None


def statistics(view: FeatureView, rows: pl.LazyFrame) -> list[FeatureStatistics]:
    """What the values of a view's features are like; one pass over its rows."""
    schema = rows.collect_schema()
    asked = [pl.len().alias("rows")]
    for at, name in enumerate(view.features):
        dtype = schema[name]
        countable = (
            dtype.is_numeric() or dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Date) or dtype.is_temporal()
        )
        column = pl.col(name)
        asked += [column.null_count().alias(f"nulls{at}")]
        asked += [(column.approx_n_unique() if countable else pl.lit(0)).cast(pl.Int64).alias(f"distinct{at}")]
        if dtype.is_numeric() or dtype == pl.Boolean:
            number = column.cast(pl.Float64)
            asked += [number.min().alias(f"smallest{at}"), number.max().alias(f"largest{at}")]
            asked += [number.mean().alias(f"mean{at}")]
    with view.computing():
        found = rows.select(asked).collect(engine="streaming").row(0, named=True)
    count = int(found["rows"])
    return [
        FeatureStatistics(
            view.name,
            name,
            str(schema[name]),
            count,
            found[f"nulls{at}"] / count if count else 0.0,
            int(found[f"distinct{at}"]),
            found.get(f"smallest{at}"),
            found.get(f"largest{at}"),
            found.get(f"mean{at}"),
        )
        for at, name in enumerate(view.features)
    ]

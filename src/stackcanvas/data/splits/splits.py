"""Splits: parts of a version to train and to test on, as versions of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stackcanvas.data.data import Data
from stackcanvas.data.splits.assign import Method, Plan, assign, in_parts
from stackcanvas.data.splits.leakage import LEAK, Leak, Looked, leaks
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.late import late
from stackcanvas.metadata import Artifact, Ref, Spine

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

DEFAULT = {"train": 0.8, "test": 0.2}


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its version, and how many rows it has."""

    name: str
    ref: Ref
    rows: int


@dataclass(frozen=True, slots=True)
class Split:
    """A split on record.

    Args:
        ref: names the split itself.
        of: the version that was split, pinned.
        shares: what was asked for, by part.
        at: where parts begin, in place of shares.
        parts: what came of it.
    """

    ref: Ref
    of: Ref
    method: str
    by: tuple[str, ...]
    seed: int
    shares: dict[str, float]
    at: tuple[str, ...]
    parts: tuple[Part, ...]
    made: datetime

    def __getitem__(self, part: str) -> Ref:
        return next(one.ref for one in self.parts if one.name == part)


@dataclass(frozen=True, slots=True)
class LeakageReport:
    """What gets through from one part to the other.

    Args:
        split: the split that made both, where it is on record.
        looked: what was looked at.
        leaks: the sure ones first.
    """

    train: Ref
    test: Ref
    split: Ref | None
    looked: Looked
    leaks: tuple[Leak, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing surely leaks."""
        return not any(one.severity == LEAK for one in self.leaks)


class Splits:
    """Splits versions of data, and checks parts for leakage.

    Args:
        data: whose versions are split.
    """

    def __init__(self, data: Data, spine: Spine) -> None:
        self._data = data
        self._spine = spine

    def make(
        self,
        ref: Ref | str,
        *,
        parts: Mapping[str, float] | None = None,
        method: Method = "random",
        by: str | Sequence[str] = (),
        seed: int = 0,
        at: Sequence[str] = (),
        name: str | None = None,
    ) -> Split:
        """Split a version into parts, each a data set of its own: `flights/train` and `flights/test`.

        The same version, method and seed give the same parts, bit for bit; then no new versions are made.

        Args:
            parts: name to share of the rows; 0.8 to train and 0.2 to test by default.
            method: `random`, `stratified`, `group` or `time`; see `Plan`.
            by: the columns that the method looks at.
            at: for time, where each part but the first begins.
            name: what stands before the slash; the name of the data set by default.

        Raises:
            NotFound: there is no such version or column.
            BadInput: the version is no table, or a part would stay empty. Nothing is made then.
        """
        shares = dict(parts or DEFAULT)
        plan = Plan(shares, method, (by,) if isinstance(by, str) else tuple(by), seed, tuple(at))
        asked = ref if isinstance(ref, Ref) else Ref.parse(ref, kind="data")
        source = self._data.get(asked)
        before = name or source.name
        targets = {part: Ref("data", f"{before}/{part}") for part in shares}  # wrong names are refused before any work
        facts: dict[str, Any] = {"of": str(source.ref), "method": method, "by": list(plan.by), "seed": seed}
        facts |= {"shares": {} if at else shares, "at": list(at)}
        with self._spine.record("data.split", subject=source.ref, parameters=facts) as recording:
            rows = self._data.scan(source.ref)
            try:
                split_rows = in_parts(rows, assign(rows, plan), shares)
                made = [self._commit(targets[part], part, split_rows[part], plan, source) for part in shares]
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
                raise BadInput(f"the rows cannot be split: {str(error).splitlines()[0]}") from error
            found = Ref("split", before, recording.id)
            facts["parts"] = [
                {"name": part, "ref": str(version.ref), "rows": version.rows}
                for part, version in zip(shares, made, strict=True)
            ]
            with self._spine.write() as tx:
                self._spine.artifacts.add(tx, found, execution=recording.id, facts=facts)
                recording.made(found)
                recording.finish(tx)
        return self.get(found)

    def get(self, ref: Ref | str) -> Split:
        """A split on record.

        Raises:
            NotFound: there is none of that name and id.
        """
        wanted = ref if isinstance(ref, Ref) else Ref.parse(ref, kind="split")
        found = self._spine.artifacts.get(wanted)
        if found is None:
            raise NotFound("split", str(wanted), known=[str(one.ref) for one in self.ls()])
        return _split(found)

    def ls(self, *, limit: int = 100) -> list[Split]:
        """The splits on record, newest first."""
        return [_split(one) for one in self._spine.artifacts.search(kind="split", limit=limit)]

    def of(self, ref: Ref | str) -> Split | None:
        """The split that last made a version, None when none did."""
        found = self._spine.lineage.beside(self._data.get(ref).ref, kind="split")
        return None if found is None else self.get(found)

    def leakage(
        self,
        train: Ref | str,
        test: Ref | str,
        *,
        entity: str | Sequence[str] = (),
        time: str | None = None,
        target: str | None = None,
    ) -> LeakageReport:
        """Look for what a model could learn from one part about the other.

        The same row, the same values under another key, the same entity, a time that is not before the other part's,
        and columns that all but tell the target.

        Args:
            entity: columns that say who or what a row is about; those of the split on record, or the key, by default.
            time: the column that says when; that of the split by default.
            target: the column that a model is to tell.

        Raises:
            NotFound: there is no such version, or a column is not in both.
        """
        one, two = self._data.get(train), self._data.get(test)
        split = self._common(one, two)
        wanted = (entity,) if isinstance(entity, str) else tuple(entity)
        if split is not None:
            wanted = wanted or (split.by if split.method == "group" else ())
            time = time or (split.by[0] if split.method == "time" else None)
        key = tuple(name for name in one.key if name in two.columns)
        looked = Looked(wanted or key, time, target, key)
        asked = {
            "train": str(one.ref),
            "test": str(two.ref),
            "entity": list(looked.entity),
            "time": time,
            "target": target,
        }
        with self._spine.record("data.leakage", subject=one.ref, parameters=asked):
            try:
                found = leaks(self._data.scan(one.ref), self._data.scan(two.ref), looked)
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
                raise BadInput(f"the parts cannot be compared: {str(error).splitlines()[0]}") from error
        return LeakageReport(one.ref, two.ref, split.ref if split else None, looked, tuple(found))

    def _commit(self, target: Ref, part: str, rows: pl.LazyFrame, plan: Plan, source: DataVersion) -> DataVersion:
        by = f" by {', '.join(plan.by)}" if plan.by else ""
        share = f"cut at {' and '.join(plan.at)}" if plan.at else f"{plan.parts[part]:.4g}"
        seed = "" if plan.method == "time" else f", seed {plan.seed}"
        said = f"{part} ({share}) of {source.ref}, {plan.method}{by}{seed}"
        return self._data.commit(target.name, rows, message=said, key=source.key)

    def _common(self, one: DataVersion, two: DataVersion) -> Split | None:
        split = self.of(one.ref)
        return split if split is not None and two.ref in {part.ref for part in split.parts} else None


def split(
    rows: pl.DataFrame,
    *,
    parts: Mapping[str, float] | None = None,
    method: Method = "random",
    by: str | Sequence[str] = (),
    seed: int = 0,
) -> dict[str, pl.DataFrame]:
    """Split a frame as `Splits.make` splits a version; for steps of a pipeline, whose records tell what they return.

    Example:
        >>> rows = pl.DataFrame({"user": [1, 1, 2, 2, 3, 3, 4, 4]})
        >>> found = split(rows, method="group", by="user", parts={"train": 0.5, "test": 0.5})
        >>> {name: part.height for name, part in found.items()}
        {'train': 4, 'test': 4}
    """
    shares = dict(parts or DEFAULT)
    plan = Plan(shares, method, (by,) if isinstance(by, str) else tuple(by), seed)
    places = assign(rows.lazy(), plan)
    return {name: rows.filter(pl.Series(places == place)) for place, name in enumerate(shares)}


def _split(found: Artifact) -> Split:
    facts: Mapping[str, Any] = found.facts
    return Split(
        ref=found.ref,
        of=Ref.parse(facts["of"]),
        method=facts["method"],
        by=tuple(facts["by"]),
        seed=facts["seed"],
        shares=dict(facts["shares"]),
        at=tuple(facts["at"]),
        parts=tuple(Part(one["name"], Ref.parse(one["ref"]), one["rows"]) for one in facts["parts"]),
        made=found.created,
    )

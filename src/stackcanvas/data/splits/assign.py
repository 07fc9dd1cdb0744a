"""Which row goes to which part: from rows, a method and a seed, the same on every machine and in every release.

Order comes from a hash of the row's place (or of its entity), not from a library's random numbers, whose streams
change from one release to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from stackcanvas.errors import BadInput, NotFound, Usage
from stackcanvas.late import late
from stackcanvas.statistics.distinct import text_hashes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl
else:
    np = late("numpy")
    npt = late("numpy.typing")
    pl = late("polars")

Method = Literal["random", "stratified", "group", "time"]
METHODS: tuple[Method, ...] = ("random", "stratified", "group", "time")

_SHARES_TO = 10**6
_MOST_PARTS = 20

Places: TypeAlias = "npt.NDArray[np.uint8]"


@dataclass(frozen=True, slots=True)
class Plan:
    """How rows are split.

    Args:
        parts: name to share of the rows; in order of time, where time splits.
        method: `random` by row, `stratified` with equal shares of each value of `by` in every part, `group` with all
            rows of an entity in one part, `time` with what is earlier in the earlier part.
        by: the columns that the method looks at.
        seed: another one gives another split; time needs none.
        at: for time, where each part but the first begins, in place of shares.

    Raises:
        BadInput: the shares do not add up to one, or the method does not fit what is given.
    """

    parts: dict[str, float]
    method: Method = "random"
    by: tuple[str, ...] = ()
    seed: int = 0
    at: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise BadInput(f"{self.method!r} is no way to split", expected=f"one of {', '.join(METHODS)}")
        if not 2 <= len(self.parts) <= _MOST_PARTS:
            raise BadInput(f"{len(self.parts)} parts are asked for", expected=f"2 to {_MOST_PARTS} parts")
        if (self.method == "random") == bool(self.by):
            needs = "no column" if self.method == "random" else "the columns to look at"
            raise Usage(f"a {self.method} split takes {needs}", fix="Give --by COLUMN, or choose another method")
        if self.method == "time" and len(self.by) != 1:
            raise Usage("a split by time takes one column", expected="the column that says when")
        if self.at and (self.method != "time" or len(self.at) != len(self.parts) - 1):
            raise Usage("instants to split at belong to a split by time", expected="one fewer than there are parts")
        if not self.at:
            self._check_shares()

    def _check_shares(self) -> None:
        bad = [name for name, share in self.parts.items() if not 0 < share < 1]
        if bad or abs(sum(self.parts.values()) - 1) > 1e-9:
            said = ", ".join(f"{name} {share:g}" for name, share in self.parts.items())
            raise BadInput(f"the shares {said} do not make a whole", expected="shares between 0 and 1 that add up to 1")

    @property
    def shares(self) -> list[Fraction]:
        """The shares as exact numbers."""
        exact = [Fraction(share).limit_denominator(_SHARES_TO) for share in self.parts.values()]
        return [share / sum(exact) for share in exact]


def assign(rows: pl.LazyFrame, plan: Plan) -> Places:
    """The part of each row, as its place among the parts.

    Raises:
        NotFound: a column of the plan is not there.
        BadInput: a part would stay empty, or the column of time does not say when.
    """
    schema = rows.collect_schema()
    for name in plan.by:
        if name not in schema:
            raise NotFound("column", name, known=schema.names())
    if plan.method == "time":
        places = _by_time(rows.select(plan.by).collect(engine="streaming").to_series(), plan)
    elif plan.method == "random":
        places = _by_row(rows.select(pl.len()).collect(engine="streaming").item(), plan)
    else:
        texts = keys(rows, plan.by)
        places = _by_group(texts, plan) if plan.method == "group" else _by_stratum(texts, plan)
    _check_filled(places, plan)
    return places


def keys(rows: pl.LazyFrame, columns: Sequence[str]) -> pl.Series:
    """The values of columns as one text for each row, different for different values; missing ones are alike.

    Raises:
        BadInput: the values have no text, such as bytes.
    """
    try:
        if len(columns) == 1:
            texts = pl.col(columns[0]).cast(pl.String)
            whole = pl.when(texts.is_null()).then(pl.lit("n")).otherwise(pl.lit("v") + texts)
        else:
            whole = pl.struct(pl.col(columns).cast(pl.String)).struct.json_encode()
        return rows.select(whole.alias("key")).collect(engine="streaming").to_series()
    except pl.exceptions.PolarsError as error:
        said = f"rows cannot be told apart by {', '.join(columns)}"
        raise BadInput(said, expected="columns of numbers, texts or instants") from error


def _by_row(rows: int, plan: Plan) -> Places:
    order = np.argsort(_mixed(np.arange(rows, dtype=np.uint64), plan.seed), kind="stable")
    return _cut(order, _bounds(rows, plan.shares))


def _by_stratum(texts: pl.Series, plan: Plan) -> Places:
    """Strata one after the other, each in random order, dealt out like cards: shares hold in each and in the whole."""
    rows = len(texts)
    hashes = _mixed(np.arange(rows, dtype=np.uint64), plan.seed)
    strata = texts.rank("dense").to_numpy()
    order = np.lexsort((hashes, strata))
    places = np.zeros(rows, np.uint8)
    left, rest = order, Fraction(1)
    for place, share in enumerate(plan.shares[:-1]):
        taken = _dealt(len(left), share / rest)
        places[left[taken]] = place
        left, rest = left[~taken], rest - share
    places[left] = len(plan.parts) - 1
    return places


def _dealt(count: int, share: Fraction) -> npt.NDArray[np.bool_]:
    """Which cards of a row of `count` are taken, so that any stretch holds its share to within one."""
    steps = np.arange(count + 1, dtype=np.int64) * share.numerator // share.denominator
    return np.asarray(np.diff(steps) > 0)


def _by_group(texts: pl.Series, plan: Plan) -> Places:
    sizes = texts.to_frame("key").group_by("key").len().sort("key")
    hashes = _mixed(text_hashes(sizes["key"].to_arrow()), plan.seed)
    order = np.argsort(hashes, kind="stable")
    counts = sizes["len"].to_numpy().astype(np.float64)[order]
    # A group lies where its middle lies.
    middles = np.cumsum(counts) - counts / 2
    bounds = np.array(_bounds(len(texts), plan.shares), np.float64)
    own = np.empty(len(order), np.uint8)
    own[order] = np.searchsorted(bounds, middles, side="right")
    of_group = pl.DataFrame({"key": sizes["key"], "part": own})
    joined = texts.to_frame("key").join(of_group, on="key", how="left", maintain_order="left")
    return joined["part"].to_numpy()


def _by_time(times: pl.Series, plan: Plan) -> Places:
    kind = times.dtype
    if not (kind.is_numeric() or kind in {pl.Date, pl.Datetime} or isinstance(kind, pl.Datetime)):
        raise BadInput(
            f"the column {times.name!r} is {kind}, which is in no order of time", expected="dates, instants or numbers"
        )
    lacking = times.null_count() + (int(times.is_nan().sum()) if kind.is_float() else 0)
    if lacking:
        raise BadInput(
            f"{lacking} rows do not say when they were ({times.name!r} is missing)", expected="a time in every row"
        )
    if plan.at:
        edges = [_edge(text, times) for text in plan.at]
        if edges != sorted(edges):
            raise BadInput("the instants to split at are not in order", expected="the earliest first")
        return np.asarray(sum((times >= edge).cast(pl.UInt8).to_numpy() for edge in edges), dtype=np.uint8)
    order = np.argsort(times.to_physical().to_numpy(), kind="stable")
    ordered = times.to_physical().to_numpy()[order]
    bounds: list[int] = []
    for bound in _bounds(len(ordered), plan.shares):
        # Rows of one instant stay together, on the later side where there is an earlier one.
        early = int(np.searchsorted(ordered, ordered[min(bound, len(ordered) - 1)], side="left")) if len(ordered) else 0
        late = int(np.searchsorted(ordered, ordered[min(bound, len(ordered) - 1)], side="right")) if len(ordered) else 0
        bounds.append(early if early > (bounds[-1] if bounds else 0) else late)
    return _cut(order, bounds)


def _edge(text: str, times: pl.Series) -> Any:
    try:
        if times.dtype.is_numeric():
            return float(text)
        if times.dtype == pl.Date:
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"{text!r} is no point in {times.name!r}", expected="such as 2026-01-31 or 2026-01-31T12:00"
        ) from None
    aware = isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is not None
    in_utc = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return in_utc if aware else in_utc.replace(tzinfo=None)


def _bounds(rows: int, shares: Sequence[Fraction]) -> list[int]:
    """Where each part but the first begins, halves rounded up."""
    sums, bounds = Fraction(0), []
    for share in shares[:-1]:
        sums += share
        bounds.append(int(rows * sums + Fraction(1, 2)))
    return bounds


def _cut(order: npt.NDArray[np.int64], bounds: Sequence[int]) -> Places:
    places = np.zeros(len(order), np.uint8)
    for bound in bounds:
        places[order[bound:]] += 1
    return places


def _check_filled(places: Places, plan: Plan) -> None:
    counts = np.bincount(places, minlength=len(plan.parts))
    for name, count in zip(plan.parts, counts, strict=True):
        if not count:
            by = f" by {', '.join(plan.by)}" if plan.by else ""
            raise BadInput(
                f"the part {name!r} would have no row of {len(places)}{by}",
                expected="more rows, or more different values to split by" if plan.by else "more rows",
            )


def _mixed(words: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.uint64]:
    """A hash of each word under a seed: SplitMix64 (Steele, Lea and Flood, 2014)."""
    state = np.uint64(seed & (1 << 64) - 1)
    for _ in range(2):
        with np.errstate(over="ignore"):
            words = (words + state) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
            words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            words = words ^ (words >> np.uint64(31))
    return words


def in_parts(rows: pl.LazyFrame, places: Places, names: Mapping[str, float]) -> dict[str, pl.LazyFrame]:
    """The rows of each part, in their order, read when they are needed."""
    mark = "__part"
    while mark in rows.collect_schema():
        mark += "_"
    marked = pl.concat([rows, pl.LazyFrame({mark: places})], how="horizontal")
    return {name: marked.filter(pl.col(mark) == place).drop(mark) for place, name in enumerate(names)}

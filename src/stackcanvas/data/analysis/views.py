"""What the pages of reports show, measured and worded: templates only place it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stackcanvas.data.analysis.associations import Associations
from stackcanvas.data.analysis.findings import Finding
from stackcanvas.data.analysis.reports import CompareReport, ProfileReport, missing_share
from stackcanvas.data.analysis.shapes import Shape, figure, instant_text, shape
from stackcanvas.statistics import CategoricalProfile, ColumnDrift, InstantProfile, NumericProfile
from stackcanvas.statistics.cells import missing
from stackcanvas.statistics.profile import ColumnProfile

WIDTH, HEIGHT = 400.0, 110.0
_LEAST = 1.5
_SHOWN_PAIRS = 12
_WIDEST = 40
_NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a drawing; `series` tells which of two tables it stands for."""

    x: float
    y: float
    width: float
    height: float
    label: str
    series: int = 0


@dataclass(frozen=True, slots=True)
class NamedBar:
    """A category with its share of each table, from 0 to 1, and the lengths of its bars, the longest being 1."""

    label: str
    shares: tuple[float, ...]
    lengths: tuple[float, ...]
    counts: tuple[str, ...]
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """The shape of a column: bars along a line, or names."""

    bars: tuple[Bar, ...] = ()
    names: tuple[NamedBar, ...] = ()
    ends: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column as the page shows it.

    Args:
        place: its number, for links inside the page.
        summary: what stands in the list of all columns.
        facts: label and value, in order; with the value after it where two tables are compared.
    """

    place: int
    name: str
    type: str
    missing: float
    distinct: str
    summary: str
    drawing: Drawing
    facts: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]
    close: tuple[tuple[str, str], ...] = ()
    drift: ColumnDrift | None = None
    missing_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Square:
    """A pair in the map of associations; `strength` from 0 to 1."""

    x: float
    y: float
    strength: float
    negative: bool
    label: str


@dataclass(frozen=True, slots=True)
class Map:
    """Every pair as a square."""

    size: float
    names: tuple[str, ...]
    squares: tuple[Square, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A page.

    Args:
        facts: label and value of the strip below the title.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[ColumnView, ...]
    map: Map | None = None

    @property
    def places(self) -> dict[str, int]:
        """The number of each column by its name."""
        return {column.name: column.place for column in self.columns}


def of_profile(report: ProfileReport) -> View:
    """What a profile shows."""
    profile = report.profile
    facts = [("rows", f"{profile.rows:,}"), ("columns", f"{len(report.columns):,}")]
    facts.append(("cells without a value", f"{missing_share(profile):.1%}"))
    if report.repeated is not None:
        facts.append(("repeated rows", f"{report.repeated:,}"))
    columns, found = [], _by_column(report.findings)
    compared = frozenset(report.associations.columns)
    for place, (name, column) in enumerate(profile.columns.items()):
        close = tuple(
            (
                pair.right if pair.left == name else pair.left,
                f"{pair.strength:+.2f}" if pair.method[0] == "r" else f"{pair.strength:.2f}",
            )
            for pair in (report.associations.of(name)[:4] if name in compared else ())
            if abs(pair.strength) >= 0.1
        )
        columns.append(_column(place, name, report.columns[name], column, tuple(found.get(name, ())), close))
    return View(_short(report.subject.ref), tuple(facts), tuple(columns), _map(report.associations))


def of_compare(report: CompareReport) -> View:
    """What a comparison shows: the columns that moved farthest first."""
    before, after = report.profiles
    facts = (
        ("rows", f"{before.rows:,} to {after.rows:,}"),
        ("columns", f"{len(before.columns):,} to {len(after.columns):,}"),
        ("columns that moved", f"{len(report.drift.drifted_columns)} of {len(report.drift.columns)}"),
        ("cells without a value", f"{missing_share(before):.1%} to {missing_share(after):.1%}"),
    )
    order = sorted(
        report.columns, key=lambda name: (-report.drift.columns[name].drifted, -report.drift.columns[name].distance)
    )
    found = _by_column(report.findings)
    columns = tuple(
        _moved(place, name, report, (before.columns[name], after.columns[name]), tuple(found.get(name, ())))
        for place, name in enumerate(order)
    )
    return View(f"{_short(report.before.ref)} and {_short(report.after.ref)}", facts, columns)


def type_text(kind: str) -> str:
    """A type as people read it.

    Example:
        >>> type_text("Datetime(time_unit='us', time_zone='UTC')"), type_text("List(String)")
        ('Datetime UTC', 'List(String)')
    """
    found = re.fullmatch(r"(\w+)\(time_unit='\w+'(?:, time_zone=(?:None|'(.*?)'))?\)", kind)
    return " ".join(filter(None, found.groups())) if found else kind if len(kind) <= 40 else f"{kind[:39]}…"


def _column(  # noqa: PLR0917 - the parts of a column
    place: int,
    name: str,
    kind: str,
    column: ColumnProfile,
    own: tuple[Finding, ...],
    close: tuple[tuple[str, str], ...],
) -> ColumnView:
    return ColumnView(
        place=place,
        name=name,
        type=type_text(kind),
        missing=missing(column) / column.rows if column.rows else 0.0,
        distinct=_distinct(column),
        summary=_summary(column),
        drawing=drawing(column),
        facts=tuple(_facts(column)),
        findings=own,
        close=close,
    )


def _by_column(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """What was found of each column; of thousands, none is looked for among all."""
    found: dict[str, list[Finding]] = {}
    for one in findings:
        if one.column is not None:
            found.setdefault(one.column, []).append(one)
    return found


def _moved(
    place: int, name: str, report: CompareReport, both: tuple[ColumnProfile, ColumnProfile], own: tuple[Finding, ...]
) -> ColumnView:
    before, after = both
    was, now = dict(_facts(before)), dict(_facts(after))
    facts = tuple((label, was.get(label, _NONE), now.get(label, _NONE)) for label in {**was, **now})
    drift = report.drift.columns[name]
    return ColumnView(
        place=place,
        name=name,
        type=type_text(report.columns[name]),
        missing=drift.nulls_after,
        missing_before=drift.nulls_before,
        distinct=f"{_distinct(before)} → {_distinct(after)}",
        summary="",
        drawing=drawing(before, after),
        facts=facts,
        findings=own,
        drift=drift,
    )


def drawing(*columns: ColumnProfile) -> Drawing:
    """The shape of a column, or of two over each other, in a box of 400 by 110."""
    found = shape(*columns)
    if found is None or len(found.labels) < 2:
        return Drawing(note="No value is known." if all(missing(one) == one.rows for one in columns) else "")
    if found.kind == "names":
        if all(2 * series[-1] > 1.9 * sum(series) for series in found.counts):
            return Drawing(note="Too many different values to draw.")
        return Drawing(names=tuple(_names(found, columns)))
    note = "Values beyond the ends are in the first and last bar." if found.cut else ""
    return Drawing(bars=tuple(_bars(found)), ends=found.ends, note=note)


def spark(column: ColumnProfile) -> str:
    """The shape of a column as a few letters, for the terminal."""
    found = shape(column)
    if found is None:
        return ""
    counts = found.counts[0]
    step = max(1, -(-len(counts) // 20))
    sums = [sum(counts[start : start + step]) for start in range(0, len(counts), step)]
    most = max(sums) or 1
    return "".join("▁▂▃▄▅▆▇█"[min(7, int(8 * one / most))] if one else " " for one in sums)


def _bars(found: Shape) -> Iterable[Bar]:
    shares = [[count / (sum(series) or 1) for count in series] for series in found.counts]
    most = max((max(series, default=0) for series in shares), default=0) or 1
    step = WIDTH / len(found.labels)
    gap = min(2.0, step * 0.12)
    for series, (own, counts) in enumerate(zip(shares, found.counts, strict=True)):
        for place, (share, count) in enumerate(zip(own, counts, strict=True)):
            if share <= 0:
                continue
            high = max(_LEAST, HEIGHT * share / most)
            label = f"{found.labels[place]}: {count:,.0f} rows, {share:.1%}"
            yield Bar(
                round(place * step + gap / 2, 2),
                round(HEIGHT - high, 2),
                round(step - gap, 2),
                round(high, 2),
                label,
                series,
            )


def _names(found: Shape, columns: tuple[ColumnProfile, ...]) -> Iterable[NamedBar]:
    known = [max(1, column.rows - missing(column)) for column in columns]
    every = [
        tuple(min(1.0, series[place] / rows) for series, rows in zip(found.counts, known, strict=True))
        for place in range(len(found.labels))
    ]
    longest = max(map(max, every)) or 1.0
    for place, (label, shares) in enumerate(zip(found.labels, every, strict=True)):
        rest = label == "all others" and place == len(found.labels) - 1
        shown = label if label.strip() else repr(label)
        lengths = tuple(share / longest for share in shares)
        counts = tuple(f"{series[place]:,.0f}" for series in found.counts)
        yield NamedBar(shown, shares, lengths, counts, rest)


def _distinct(column: ColumnProfile) -> str:
    if isinstance(column, CategoricalProfile):
        return f"{column.distinct:,}" if column.exact else f"about {column.distinct:,}"
    if isinstance(column, NumericProfile):
        return f"{column.distinct:,}" if column.distinct is not None else "over 512"
    return ""


def _summary(column: ColumnProfile) -> str:
    if isinstance(column, NumericProfile) and column.finite:
        low, middle, high = (figure(one) for one in (column.minimum, column.quantile(0.5), column.maximum))
        return f"{low} · {middle} · {high}"
    if isinstance(column, CategoricalProfile) and column.counts:
        return ", ".join(name if len(name) <= 24 else f"{name[:23]}…" for name, _ in column.top(3))
    if isinstance(column, InstantProfile) and column.minimum_us is not None and column.maximum_us is not None:
        width = column.maximum_us - column.minimum_us
        return f"{instant_text(column.minimum_us, width_us=width)} to {instant_text(column.maximum_us, width_us=width)}"
    return ""


def _facts(column: ColumnProfile) -> Iterable[tuple[str, str]]:
    yield "values", f"{column.rows - missing(column):,}"
    if missing(column):
        yield "missing", f"{missing(column):,}"
    if isinstance(column, NumericProfile) and column.finite:
        if column.infinite:
            yield "infinite", f"{column.infinite:,}"
        yield "mean", figure(column.mean)
        if column.finite > 1:
            yield "deviation", figure(column.std)
        marks = ("least", "1 %", "25 %", "median", "75 %", "99 %", "most")
        values = (column.minimum, *column.quantiles([0.01, 0.25, 0.5, 0.75, 0.99]), column.maximum)
        yield from zip(marks, map(figure, values), strict=True)
    if isinstance(column, InstantProfile) and column.minimum_us is not None and column.maximum_us is not None:
        width = column.maximum_us - column.minimum_us
        yield "first", instant_text(column.minimum_us, width_us=width)
        yield "last", instant_text(column.maximum_us, width_us=width)
    if said := _distinct(column):
        yield "different", said


def _map(associations: Associations) -> Map | None:
    # Columns that go with nothing would only make the map larger.
    told = [one for one in associations.columns if any(abs(pair.strength) >= 0.1 for pair in associations.of(one))]
    names = tuple(told[:_WIDEST])
    if len(names) < 2:
        return None
    places = {name: place for place, name in enumerate(names)}
    squares = tuple(
        Square(
            x=float(min(places[pair.left], places[pair.right])),
            y=float(max(places[pair.left], places[pair.right])),
            strength=round(min(1.0, abs(pair.strength)), 3),
            negative=pair.strength < 0,
            label=f"{pair.left} and {pair.right}: {pair.method} {pair.strength:.2f} over {pair.rows:,} rows",
        )
        for pair in associations.pairs
        if pair.left in places and pair.right in places and abs(pair.strength) >= 0.03
    )
    return Map(float(len(names)), names, squares)


def _short(ref: str) -> str:
    return ref.removeprefix("data:")

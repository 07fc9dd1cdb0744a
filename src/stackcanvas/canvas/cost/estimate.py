"""The estimate: rows, their sums, and how sure the sums are, by simulation with a fixed seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from stackcanvas.canvas.answered import Canvas, Effective
from stackcanvas.canvas.cost.asking import Asking, place_book
from stackcanvas.canvas.cost.blocks import rows as rows_of
from stackcanvas.canvas.cost.figures import KINDS, Range, Row, cents
from stackcanvas.canvas.cost.phases import SPLIT
from stackcanvas.canvas.cost.prices import price_book
from stackcanvas.canvas.questions import AREAS, BLOCKS, PHASES
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    _Draws = npt.NDArray[np.float64]
else:
    np = late("numpy")

DRAWS = 4000
"""How often the simulation is played; each figure is drawn from equal slices, so few draws are enough."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What a sum comes to: in one of ten, five of ten and nine of ten cases it is at most this.

    Attributes:
        low: every figure at its low at once.
        p10: of the simulation.
        p50: of the simulation.
        p90: of the simulation.
        high: every figure at its high at once.
    """

    low: Decimal
    p10: Decimal
    p50: Decimal
    p90: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Total:
    """A sum of rows under one name.

    Attributes:
        name: of the block, area, phase or kind.
        monthly: each month.
        once: paid once.
    """

    name: str
    monthly: Spread
    once: Spread


@dataclass(frozen=True, slots=True)
class Worth:
    """What the predictions must bring, against what they cost each month.

    Attributes:
        decisions_per_month: how many predictions are acted upon.
        best: the worth of the best outcome.
        cost_per_decision: the cost of a month over its decisions.
        break_even: the share of decisions that must end in the best outcome to pay for it; over 1 it never pays.
    """

    decisions_per_month: int
    best: Decimal
    cost_per_decision: Decimal | None
    break_even: Decimal | None

    @property
    def how_often(self) -> str:
        """The break-even share in words."""
        share = self.break_even
        if not share:
            return "at once"
        return (
            f"when {share:.1%} of them end best"
            if share >= Decimal("0.001")
            else f"when 1 in {1 / share:,.0f} ends best"
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a canvas costs.

    Attributes:
        currency: of all money.
        book: the title of the price book of the place.
        months: the horizon over which data grow.
        rows: what is answered and costs.
        open: what is not answered and would cost, by the defaults; in no sum.
        model: the model whose answers were taken, or None for the common ones.
        environment: in which environment.
        worth: against the payoff of the canvas, where it has one.
        draws: the simulated cost of each row that is not sure, by its id.
    """

    currency: str
    book: str
    months: int
    rows: tuple[Row, ...]
    open: tuple[Row, ...]
    model: str | None
    environment: str | None
    worth: Worth | None
    draws: Mapping[str, _Draws] = field(repr=False, compare=False)

    @property
    def total(self) -> Total:
        """Everything together."""
        return _total("total", self.rows, self.draws)

    @property
    def first_year(self) -> Spread:
        """What is paid once and twelve months."""
        return _spread([(row, Decimal(1) if row.once else Decimal(12)) for row in self.rows], self.draws)

    def by(self, what: str) -> tuple[Total, ...]:
        """Sums by `block`, `area`, `phase` of CRISP-ML(Q) or `kind`, in the order of the canvas, where there is any.

        Raises:
            BadInput: nothing else is known to sum by.
        """
        if what not in _SHARES:
            raise BadInput(f"the estimate cannot be summed by {what[:20]!r}", expected=f"one of {', '.join(_SHARES)}")
        names, share = _SHARES[what]
        found = []
        for name in names:
            chosen = [(row, share(row, name)) for row in self.rows if share(row, name)]
            if chosen:
                monthly = _spread([(row, part) for row, part in chosen if not row.once], self.draws)
                found.append(
                    Total(name, monthly, _spread([(row, part) for row, part in chosen if row.once], self.draws))
                )
        return tuple(found)

    def row(self, identity: str) -> Row:
        """One row by its id, counted or not.

        Raises:
            NotFound: there is none.
        """
        known = {row.id: row for row in (*self.rows, *self.open)}
        if identity not in known:
            raise NotFound("row", identity, known=known, fix="`stackcanvas canvas cost` lists them")
        return known[identity]

    def to_dict(self) -> dict[str, Any]:
        """The estimate with all its rows and sums."""
        return {
            "currency": self.currency,
            "book": self.book,
            "months": self.months,
            "model": self.model,
            "environment": self.environment,
            "total": self.total,
            "first_year": self.first_year,
            "worth": self.worth,
            **{f"by_{what}": self.by(what) for what in _SHARES},
            "rows": self.rows,
            "open": self.open,
        }


def estimate(
    canvas: Canvas,
    *,
    book: str | None = None,
    prices: str | None = None,
    prices_label: str = "prices.yaml",
    model: str | None = None,
    environment: str | None = None,
    months: int = 12,
) -> Estimate:
    """Reckon what a canvas costs.

    Args:
        canvas: the answers.
        book: the price book; by default the one of `pipelines.location`.
        prices: the text of the user's own prices.
        prices_label: what errors call them.
        model: whose answers to take; the common ones by default.
        environment: in which environment.
        months: the horizon over which data grow.

    Raises:
        NotFound: no such book, environment or model.
        BadInput: the user's prices say something that is no price, or the currency has no rate.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> canvas = loads("{stackcanvas: 1, project: {name: demo, currency: USD},"
        ...     " data: {labelling: {needed: true, backlog: 1000, price_per_label: 0.1}}}")
        >>> found = estimate(canvas)
        >>> found.rows[0].cost.typical, found.total.once.p90
        (Decimal('100.0'), Decimal('100.00'))
    """
    if model is not None and canvas.models and model not in canvas.models:
        raise NotFound("model in the canvas", model, known=canvas.models, where=canvas.label)
    known = price_book("generic", currency=canvas.project.currency, own=prices, label=prices_label)
    effective = canvas.effective(model=model, environment=environment)
    chosen = known.named(book) if book else place_book(effective, known)
    ask = Asking(effective, chosen, months, canvas.decisions)
    every = _unique(rows_of(ask))
    counted = tuple(row for row in every if row.counted)
    rest = tuple(row for row in every if not row.counted)
    drawn = _draws(counted)
    return Estimate(
        chosen.currency,
        chosen.title,
        months,
        counted,
        rest,
        model,
        environment,
        _worth(effective, counted, drawn),
        drawn,
    )


def spread_of_change(before: Estimate, after: Estimate, *, once: bool) -> Spread:
    """What one estimate costs more than another; figures of the same name have the same luck in both."""
    same = {_made_of(row) for row in before.rows} & {_made_of(row) for row in after.rows}
    exact, sums = Decimal(0), np.zeros(DRAWS)
    for one, sign in ((after, 1), (before, -1)):
        # Rows that stand in both are left out: floats of large sums would leave a difference where there is none.
        for row in (row for row in one.rows if row.once == once and _made_of(row) not in same):
            if row.sure:
                exact += sign * row.cost.typical
            else:
                sums += sign * one.draws[row.id]
    bounds = [exact + Decimal(repr(float(value))) for value in _at(sums, 0, 10, 50, 90, 100)]
    return Spread(*(cents(value) for value in bounds))


def _made_of(row: Row) -> tuple[object, ...]:
    return row.id, row.price.id, row.price.amount, tuple((driver.path, driver.amount) for driver in row.drivers)


def _unique(rows: Iterable[Row]) -> list[Row]:
    return list({row.id: row for row in rows}.values())


def _worth(effective: Effective, rows: Sequence[Row], drawn: Mapping[str, _Draws]) -> Worth | None:
    payoff = effective.get("value.payoff")
    if payoff is None:
        return None
    monthly = _total("total", rows, drawn).monthly.p50
    best = max(outcome.worth for outcome in payoff.outcomes)
    decisions: int = payoff.decisions_per_month
    each = cents(monthly / decisions, digits=4) if decisions else None
    even = cents(monthly / (best * decisions), digits=12) if best > 0 and decisions else None
    return Worth(decisions, best, each, even)


def _total(name: str, rows: Sequence[Row], draws: Mapping[str, _Draws]) -> Total:
    monthly = [(row, Decimal(1)) for row in rows if not row.once]
    return Total(name, _spread(monthly, draws), _spread([(row, Decimal(1)) for row in rows if row.once], draws))


def _spread(rows: Sequence[tuple[Row, Decimal]], draws: Mapping[str, _Draws]) -> Spread:
    low = sum((row.cost.low * part for row, part in rows), Decimal(0))
    high = sum((row.cost.high * part for row, part in rows), Decimal(0))
    exact = sum((row.cost.typical * part for row, part in rows), Decimal(0))
    unsure = [(row, part) for row, part in rows if row.id in draws]
    if not unsure:
        return Spread(*(cents(value) for value in (low, exact, exact, exact, high)))
    sure = sum((row.cost.typical * part for row, part in rows if row.id not in draws), Decimal(0))
    sums = np.sum([draws[row.id] * float(part) for row, part in unsure], axis=0)
    percentiles = [sure + Decimal(repr(float(value))) for value in _at(sums, 10, 50, 90)]
    return Spread(*(cents(value) for value in (low, *percentiles, high)))


def _at(sums: _Draws, *percent: int) -> _Draws:
    """What so many of a hundred draws stay under."""
    found: _Draws = np.sort(sums)[[round(one * (DRAWS - 1) / 100) for one in percent]]
    return found


def _draws(rows: Sequence[Row]) -> dict[str, _Draws]:
    """The simulated cost of each row that is not sure.

    A figure that stands in several rows is drawn once: the same driver and the same price are the same chance.
    """
    chances: dict[str, _Draws] = {}
    found: dict[str, _Draws] = {}
    for row in rows:
        parts = [(driver.path or f"{row.id}/{driver.name}", driver.amount) for driver in row.drivers]
        parts.append((row.price.id, row.price.amount))
        if row.sure:
            continue
        product = np.full(DRAWS, 1.0)
        for key, amount in parts:
            if amount.sure:
                product *= float(amount.typical)
            else:
                if key not in chances:
                    chances[key] = _chance(key)
                product *= _triangle(chances[key], amount)
        found[row.id] = product
    return found


def _chance(key: str) -> _Draws:
    """Evenly spread chances in an order that follows from the figure's name alone: two canvases share their luck."""
    seed = int.from_bytes(blake3(key.encode("utf-8", "surrogatepass")).digest(length=8), "big")
    order: _Draws = (np.random.default_rng(seed).permutation(DRAWS) + 0.5) / DRAWS
    return order


def _triangle(chance: _Draws, amount: Range) -> _Draws:
    """The figure that a chance stands for: likeliest at typical, none below low or above high."""
    low, typical, high = float(amount.low), float(amount.typical), float(amount.high)
    bend = (typical - low) / (high - low)
    rising = low + np.sqrt(chance * (high - low) * (typical - low))
    falling = high - np.sqrt((1 - chance) * (high - low) * (high - typical))
    return np.where(chance < bend, rising, falling)


def _phase(row: Row, name: str) -> Decimal:
    return SPLIT[row.block][next(number for number, title in PHASES.items() if title == name)]


_SHARES: Mapping[str, tuple[tuple[str, ...], Callable[[Row, str], Decimal]]] = {
    "block": (tuple(BLOCKS), lambda row, name: Decimal(row.block == name)),
    "area": (AREAS, lambda row, name: Decimal(BLOCKS[row.block].area == name)),
    "phase": (tuple(PHASES.values()), _phase),
    "kind": (KINDS, lambda row, name: Decimal(row.kind == name)),
}

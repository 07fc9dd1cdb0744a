"""Figures that are not sure: low, typical and high, and what a row of an estimate multiplies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Literal

# Absurd answers give absurd sums, which are to be shown and not to fail.
_WIDE = Context(prec=400)

Kind = Literal["infrastructure", "licences", "people", "labelling", "data", "exit"]
KINDS: tuple[Kind, ...] = ("infrastructure", "licences", "people", "labelling", "data", "exit")
"""What money is spent on."""


@dataclass(frozen=True, slots=True)
class Range:
    """A figure between two bounds.

    Example:
        >>> Range(Decimal(1), Decimal(2), Decimal(4)) * Range.exact(Decimal(3))
        Range(low=Decimal('3'), typical=Decimal('6'), high=Decimal('12'))
    """

    low: Decimal
    typical: Decimal
    high: Decimal

    @classmethod
    def exact(cls, value: Decimal) -> Range:
        """A figure that is sure."""
        return cls(value, value, value)

    @classmethod
    def nothing(cls) -> Range:
        """No money, or nothing of it."""
        return cls.exact(Decimal(0))

    @property
    def sure(self) -> bool:
        """Whether the bounds are the figure itself."""
        return self.low == self.typical == self.high

    def __mul__(self, other: Range) -> Range:
        """Both figures at their low, their typical and their high; a negative price turns low and high around."""
        ends = self.low * other.low, self.high * other.high
        return Range(min(ends), self.typical * other.typical, max(ends))

    def __add__(self, other: Range) -> Range:
        """The sum, bound by bound."""
        return Range(self.low + other.low, self.typical + other.typical, self.high + other.high)

    def scaled(self, factor: Decimal) -> Range:
        """So many times the figure."""
        return self * Range.exact(factor)


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs, in the estimate's currency.

    Attributes:
        id: in the price book; for a price that the canvas gives, its path there.
        unit: what is bought.
        amount: of money.
        date: when it held.
        source: who says so.
        confidence: high, medium or low.
        note: what else to know.
    """

    id: str
    unit: str
    amount: Range
    date: str
    source: str
    confidence: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """One figure that a quantity is made of.

    Attributes:
        name: what it is.
        path: the answer that it is read from, or the entry of the price book.
        amount: how much; exact where it is written.
        unit: what is counted.
        origin: `canvas.yaml:LINE:COLUMN`, or `assumed`.
        assumed: nobody has answered it.
    """

    name: str
    path: str
    amount: Range
    unit: str
    origin: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an estimate: its drivers multiplied, times a price.

    Attributes:
        id: `block.name`; stays the same as long as the answer does.
        block: whose cost it is.
        title: a few words.
        kind: what the money is spent on.
        drivers: what the quantity is made of.
        price: of one unit.
        once: paid once; otherwise each month.
        question: the answer that it follows from.
        counted: its question is answered; otherwise it stands beside the estimate.
    """

    id: str
    block: str
    title: str
    kind: Kind
    drivers: tuple[Driver, ...]
    price: Price
    once: bool
    question: str
    counted: bool

    @property
    def quantity(self) -> Range:
        """How many units."""
        found = Range.exact(Decimal(1))
        for driver in self.drivers:
            found *= driver.amount
        return found

    @property
    def cost(self) -> Range:
        """The money."""
        return self.quantity * self.price.amount

    @property
    def sure(self) -> bool:
        """Whether its money has no range."""
        return self.cost.sure

    @property
    def assumed(self) -> bool:
        """Whether a driver of it is answered by nobody."""
        return any(driver.assumed for driver in self.drivers)

    @property
    def formula(self) -> str:
        """The arithmetic, with the typical figures."""
        parts = [f"{_number(driver.amount.typical)} {driver.name}" for driver in self.drivers]
        return f"{' x '.join(parts)} x {_number(self.price.amount.typical)} a {self.price.unit or 'unit'}"

    def to_dict(self) -> dict[str, object]:
        """The row with everything that it is made of."""
        return {
            "id": self.id,
            "block": self.block,
            "title": self.title,
            "kind": self.kind,
            "question": self.question,
            "counted": self.counted,
            "assumed": self.assumed,
            "once": self.once,
            "quantity": self.quantity,
            "unit": self.price.unit,
            "unit_price": self.price.amount,
            "cost": self.cost,
            "formula": self.formula,
            "drivers": self.drivers,
            "price": self.price,
        }


def cents(value: Decimal, *, digits: int = 2) -> Decimal:
    """Money to the cent, however much it is.

    Example:
        >>> cents(Decimal("12.345")), cents(Decimal(10) ** 40) == Decimal(10) ** 40
        (Decimal('12.34'), True)
    """
    return value.quantize(Decimal(1).scaleb(-digits), context=_WIDE)


def _number(value: Decimal) -> str:
    """A figure as people read it: no more digits than matter."""
    if value == value.to_integral_value():
        return f"{value.to_integral_value():,}"
    return f"{value:,.2f}" if value >= 100 else f"{value:.4g}"

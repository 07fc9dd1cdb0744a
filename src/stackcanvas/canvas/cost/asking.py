"""How the rows of an estimate ask the canvas: typed answers, where each figure stands, and the price book."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from stackcanvas.canvas.answered import Effective
from stackcanvas.canvas.answers import Answer
from stackcanvas.canvas.cost.figures import Driver, Kind, Price, Range, Row
from stackcanvas.canvas.cost.prices import PriceBook, book_of_place, book_of_scheme
from stackcanvas.canvas.project import Decision
from stackcanvas.canvas.urls import Url

_Answer = TypeVar("_Answer", bound=Answer)
_GB = Decimal(10**9)
_HOUR_S = Decimal(3600)
_GB_PER_CORE = Decimal(4)
_MONTHS_PER_YEAR = Decimal(12)
_SINGLE = {"environments", "replicas", "labels_per_item", "developers", "count", "sample"}
HOURS_PER_YEAR = Decimal(1720)
"""Working hours of a person in a year, as public programmes reckon them."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The answers that hold, and the prices by which they are reckoned.

    Attributes:
        effective: the answers, for one model in one environment.
        book: the prices of the place where pipelines run.
        decisions: why, by question; what is set aside costs nothing.
        months: the horizon over which data grow.
    """

    effective: Effective
    book: PriceBook
    months: int
    decisions: Mapping[str, Decision]

    def answered(self, question: str) -> bool:
        """Whether somebody has answered it."""
        return self.effective.origins[question].kind not in {"default", "none"}

    def set_aside(self, question: str) -> bool:
        """Whether the team has said that it does not apply."""
        found = self.decisions.get(question)
        return found is not None and found.status == "not applicable"

    def of(self, question: str, kind: type[_Answer]) -> _Answer:
        """An answer, or its defaults where there is none."""
        found = self.effective.get(question)
        return found if isinstance(found, kind) else kind.model_construct()

    def get(self, path: str) -> Any:
        """An answer or a part of it."""
        return self.effective.get(path)

    @property
    def environments(self) -> Driver:
        """How many copies of the stack run."""
        target = self.get("deployment.target")
        return self.driver("environments", "deployment.target.environments", target.environments, unit="copies")

    def driver(self, name: str, path: str, value: float | Decimal | dt.timedelta, *, unit: str) -> Driver:
        """A figure of the canvas; lengths of time in hours.

        Args:
            name: what it is.
            path: of the field that holds it; parts of lists by their number.
            value: what it is there.
            unit: what it counts.
        """
        number = (
            Decimal(value // dt.timedelta(microseconds=1)) / 1_000_000 / _HOUR_S
            if isinstance(value, dt.timedelta)
            else Decimal(str(value))
        )
        return self.gauged(name, path, number, unit=unit)

    def size(self, name: str, path: str, size_bytes: int) -> Driver:
        """A size of the canvas, in GB."""
        return self.gauged(name, path, Decimal(size_bytes) / _GB, unit="GB")

    def gauged(self, name: str, path: str, number: Decimal, *, unit: str) -> Driver:
        """A figure that is reckoned from a field of the canvas."""
        origin = self.effective.origin(path)
        if origin.kind in {"default", "none"}:
            if number == 0 or (number == 1 and path.rpartition(".")[2] in _SINGLE):
                # Of nothing there is no half, nor of one environment.
                return Driver(name, path, Range.exact(number), unit, "default", assumed=False)
            return Driver(name, path, self.book.assumed(number), unit, "assumed", assumed=True)
        return Driver(name, path, Range.exact(number), unit, str(origin), assumed=False)

    def compute(self, path: str, cpus: float, memory_bytes: int) -> Driver:
        """Cores, or as many as the memory needs at 4 GB a core, whichever is more."""
        by_memory = Decimal(memory_bytes) / _GB / _GB_PER_CORE
        cores = Decimal(str(cpus))
        part = "memory" if by_memory > cores else "cpus"
        return self.gauged("cores with 4 GB each", f"{path}.{part}", max(cores, by_memory), unit="cores")

    @property
    def month(self) -> Driver:
        """The hours of a month, for what runs all the time."""
        return given("hours a month", self.book.hours_per_month, unit="hours")

    def objects(self, path: str) -> PriceBook:
        """The book of the provider that an address of objects belongs to, else of the place."""
        url = self.get(path)
        return self.book.named(book_of_scheme(url.scheme) if isinstance(url, Url) else None)

    def hour(self) -> Price:
        """What an hour of a person costs: by the salary of the canvas where it is written, else by the market."""
        year = self.year()
        return Price(
            year.id,
            "hour of work",
            year.amount.scaled(1 / HOURS_PER_YEAR),
            year.date,
            year.source,
            year.confidence,
            f"a year is {HOURS_PER_YEAR} hours",
        )

    def person_month(self) -> Price:
        """What a person costs in a month."""
        year = self.year()
        return Price(
            year.id,
            "person month",
            year.amount.scaled(1 / _MONTHS_PER_YEAR),
            year.date,
            year.source,
            year.confidence,
            year.note,
        )

    def year(self) -> Price:
        """What a person costs in a year."""
        path = "dilemma.skills.salary"
        if self.answered("dilemma.skills") and self.effective.origin(path).kind != "default":
            return self.own_price(path, self.get(path), unit="person year")
        return self.book.person_year()

    def own_price(self, path: str, amount: Decimal, *, unit: str) -> Price:
        """A price that the canvas itself gives."""
        decision = self.decisions.get(".".join(path.split(".")[:2]))
        date = str(decision.decided) if decision is not None and decision.decided else "as answered"
        origin = str(self.effective.origin(path))
        return Price(path, unit, Range.exact(amount), date, origin, "high", decision.why if decision else None)

    def row(  # noqa: PLR0917 - a table reads by its columns
        self,
        identity: str,
        title: str,
        kind: Kind,
        question: str,
        drivers: tuple[Driver, ...],
        price: Price,
        *,
        once: bool = False,
    ) -> Row:
        """One line of the estimate."""
        block = identity.partition(".")[0]
        return Row(identity, block, title, kind, drivers, price, once, question, self.answered(question))


def given(name: str, value: float | Decimal, *, unit: str) -> Driver:
    """A figure that follows from no answer, such as the hours of a month."""
    number = Decimal(str(value))
    return Driver(name, "", Range.exact(number), unit, "by definition", assumed=False)


def reckoned(name: str, amount: Range, *, unit: str, why: str) -> Driver:
    """A figure of ours that nobody has measured for this team."""
    return Driver(name, "", amount, unit, why, assumed=True)


def place_book(effective: Effective, book: PriceBook) -> PriceBook:
    """The book of the place where the pipelines run."""
    return book.named(book_of_place(effective.get("pipelines.location").where))

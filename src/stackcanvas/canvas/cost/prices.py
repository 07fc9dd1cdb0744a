"""The price book: dated list prices that ship with the package, under the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any

from stackcanvas.canvas.cost.figures import Price, Range
from stackcanvas.canvas.syntax import read
from stackcanvas.errors import BadInput, BadInputs, NotFound

_SECTIONS = ("rates", "books", "gpus", "prices", "efforts")
_KNOWN = (*_SECTIONS, "version", "compiled", "hours_per_month", "spread", "assumption")
_BOOK_OF_PROVIDER = {
    "aws": "aws",
    "amazon": "aws",
    "gcp": "gcp",
    "google": "gcp",
    "azure": "azure",
    "microsoft": "azure",
}
_LARGEST = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices by need, in one currency.

    Attributes:
        name: of the book, such as `aws`.
        currency: of all its amounts.
        own: the label of the user's own file, where there is one.
    """

    name: str
    currency: str
    own: str | None
    _plain: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What the book is."""
        return str(self._plain["books"][self.name].get("title", self.name))

    @property
    def hours_per_month(self) -> Decimal:
        """How many hours a month has."""
        return _decimal(self._plain["hours_per_month"], "hours_per_month")

    def named(self, name: str | None) -> PriceBook:
        """The same prices by another book; itself when None."""
        return self if name is None else PriceBook(_known_book(name, self._plain), self.currency, self.own, self._plain)

    def need(self, need: str) -> Price:
        """The price of a need such as `core_hour`; what the book lacks comes from the generic one.

        Raises:
            NotFound: nothing is known of such a need.
        """
        books = self._plain["books"]
        entry = books[self.name].get(need, books["generic"].get(need))
        if entry is None:
            raise NotFound("price for", need, known=books["generic"])
        found = self.price(str(entry["price"]))
        times, per = (
            _decimal(entry.get(key, 1), f"books.{self.name}.{need}.{key}") or Decimal(1) for key in ("times", "per")
        )
        if times == per:
            return found
        told = f"{times:f} of" if times != 1 else f"1/{per:f} of"
        note = "; ".join(part for part in (f"{told} a {found.unit}", found.note) if part)
        amount = found.amount.scaled(times / per)
        return replace(found, unit=_UNITS.get(need, need), amount=amount, note=note)

    def gpu(self, model: str | None) -> Price:
        """The price of an hour of an accelerator; of the book's own where its model is not known."""
        if model is None or self.name == "on-premises":
            return self.need("gpu_hour")
        word = "".join(letter for letter in model.lower() if letter.isalnum()).removeprefix("nvidia")
        if f"gpu_hour_{word}" in self._plain["books"][self.name]:
            return self.need(f"gpu_hour_{word}")
        known = self._plain["gpus"].get(word)
        return self.price(str(known)) if known else self.named("generic").need("gpu_hour")

    def price(self, identity: str) -> Price:
        """A price by its id.

        Raises:
            NotFound: there is none.
        """
        entry = self._plain["prices"].get(identity)
        if entry is None:
            raise NotFound("price", identity, known=self._plain["prices"], where=self.own)
        price = self._read(identity, entry)
        currency = str(entry.get("currency", "USD"))
        rate = self.rate(currency)
        if currency == self.currency:
            return price
        dated = " and ".join(
            f"{one} of {self._plain['rates'][one].get('date', 'no date')}"
            for one in (currency, self.currency)
            if one != "USD"
        )
        converted = f"{currency} at {rate.low:.3g} … {rate.typical:.3g} … {rate.high:.3g} (rate {dated})"
        note = "; ".join(part for part in (converted, price.note) if part)
        return replace(price, amount=price.amount * rate, note=note)

    def effort(self, identity: str) -> Price:
        """Hours of work by the id of what is done."""
        entry = self._plain["efforts"].get(identity)
        if entry is None:
            raise NotFound("effort", identity, known=self._plain["efforts"])
        return self._read(f"efforts.{identity}", entry)

    def person_year(self) -> Price:
        """What a person costs in a year, all costs included: by the market of the currency, else of the US."""
        own = f"people.{self.currency.lower()}_year"
        return self.price(own if own in self._plain["prices"] else "people.usd_year")

    def rate(self, currency: str) -> Range:
        """How many units of the book's currency one unit of another buys.

        Raises:
            BadInput: one of the two has no rate.
        """
        if currency == self.currency:
            return Range.exact(Decimal(1))
        wanted, given = self._rate(self.currency), self._rate(currency)
        return Range(wanted.low / given.high, wanted.typical / given.typical, wanted.high / given.low)

    def assumed(self, typical: Decimal) -> Range:
        """The range around a default that nobody confirmed."""
        bounds = self._plain["assumption"]
        low, high = _decimal(bounds["low"], "assumption.low"), _decimal(bounds["high"], "assumption.high")
        return Range(typical * low, typical, typical * high)

    def _rate(self, currency: str) -> Range:
        entry = self._plain["rates"].get(currency)
        if entry is None:
            raise BadInput(
                f"no exchange rate of {currency} is known",
                where="project.currency",
                expected=f"one of {', '.join(self._plain['rates'])}",
                fix=f"Add to prices.yaml beside the canvas: rates: {{{currency}: {{value: UNITS_A_DOLLAR}}}}",
            )
        return self._read(f"rates.{currency}", entry).amount

    def _read(self, identity: str, entry: object) -> Price:
        if not isinstance(entry, Mapping):
            raise BadInput(f"the price {identity} is no mapping", where=self.own, expected="{value: 0.05, unit: hour}")
        confidence = str(entry.get("confidence", "high"))
        spread = self._plain["spread"].get(confidence)
        if spread is None:
            known = ", ".join(self._plain["spread"])
            raise BadInput(
                f"the confidence of {identity} is {confidence[:20]!r}", where=self.own, expected=f"one of {known}"
            )
        return Price(
            identity,
            str(entry.get("unit", "")),
            _amount(identity, entry, _decimal(spread, "spread"), self.own),
            str(entry.get("date", "undated")),
            str(entry.get("source", self.own or "no source given")),
            confidence,
            None if entry.get("note") is None else str(entry["note"]),
        )


_UNITS = {
    "core_hour": "core hour with 4 GB",
    "gpu_hour": "GPU hour",
    "gpu_hour_h100": "GPU hour",
    "database_month": "database month",
}


def price_book(
    name: str = "generic", *, currency: str, own: str | None = None, label: str = "prices.yaml"
) -> PriceBook:
    """A price book.

    Args:
        name: such as aws, gcp, azure, generic or on-premises, or one that the user's file adds.
        currency: of the estimate.
        own: the text of the user's file, laid over what ships.
        label: what errors call that file.

    Raises:
        NotFound: there is no such book.
        BadInputs: the user's file cannot be read.
        BadInput: it says something that is no price, or the currency has no rate.

    Example:
        >>> price_book("aws", currency="USD").need("objects_gb_month").amount.typical
        Decimal('0.023')
    """
    plain = dict(_shipped())
    if own is not None:
        given = _read_own(own, label)
        for section in _SECTIONS:
            plain[section] = {**plain[section], **_books(section, plain, given)}
        plain.update({key: value for key, value in given.items() if key not in _SECTIONS})
    book = PriceBook(_known_book(name, plain), currency, label if own is not None else None, plain)
    book.rate("USD")
    return book


def book_of_place(where: str) -> str:
    """The book that fits a place of `pipelines.location`.

    Example:
        >>> book_of_place("cloud aws"), book_of_place("own server"), book_of_place("cloud hetzner")
        ('aws', 'on-premises', 'generic')
    """
    if not where.startswith("cloud"):
        return "on-premises"
    words = where.lower().split()[1:]
    return next((_BOOK_OF_PROVIDER[word] for word in words if word in _BOOK_OF_PROVIDER), "generic")


def book_of_scheme(scheme: str | None) -> str | None:
    """The book of the provider that an address of objects belongs to."""
    return {"s3": "aws", "gs": "gcp", "az": "azure"}.get(scheme or "")


@cache
def _shipped() -> Mapping[str, Any]:
    text = files("stackcanvas.canvas.cost").joinpath("prices.yaml").read_text(encoding="utf-8")
    return _parsed(text, "prices.yaml")


def _parsed(text: str, label: str) -> Mapping[str, Any]:
    found: list[BadInput] = []
    root = read(text, label=label, problems=found)
    if found:
        raise BadInputs(found)
    plain = {} if root is None else root.plain()
    if not isinstance(plain, Mapping):
        raise BadInput("the price book is no mapping", where=f"{label}:1:1", expected="prices: {...}")
    return plain


def _read_own(text: str, label: str) -> Mapping[str, Any]:
    given = _parsed(text, label)
    for key, value in given.items():
        if key not in _KNOWN:
            raise BadInput(f"the key {key[:40]!r} is unknown", where=label, expected=f"one of {', '.join(_KNOWN)}")
        if key in {*_SECTIONS, "spread", "assumption"} and not isinstance(value, Mapping):
            raise BadInput(f"{key} is no mapping", where=label, expected="names and entries")
    return given


def _books(section: str, plain: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the user's file changes in a section; a book keeps the needs that the file does not name."""
    own: Mapping[str, Any] = given.get(section, {})
    return (
        {name: {**plain[section].get(name, {}), **entry} for name, entry in own.items()} if section == "books" else own
    )


def _known_book(name: str, plain: Mapping[str, Any]) -> str:
    if name not in plain["books"]:
        raise NotFound("price book", name, known=plain["books"])
    return name


def _amount(identity: str, entry: Mapping[str, Any], spread: Decimal, own: str | None) -> Range:
    if "value" in entry:
        value = _decimal(entry["value"], identity, own)
        return Range(value * (1 - spread), value, value * (1 + spread)) if spread else Range.exact(value)
    if "low" not in entry or "high" not in entry:
        raise BadInput(f"{identity} has no amount", where=own, expected="value, or low, typical and high")
    low, high = _decimal(entry["low"], identity, own), _decimal(entry["high"], identity, own)
    typical = _decimal(entry["typical"], identity, own) if "typical" in entry else (low + high) / 2
    if not low <= typical <= high:
        raise BadInput(f"{identity} is not in order", where=own, expected="low, typical and high rising")
    return Range(low, typical, high)


def _decimal(value: object, identity: str, own: str | None = None) -> Decimal:
    try:
        number = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number < _LARGEST:
        raise BadInput(f"{identity} is {value!r:.40}", where=own, expected="an amount of 0 or more")
    return number

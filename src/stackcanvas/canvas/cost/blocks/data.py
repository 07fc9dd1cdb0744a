"""Block 2: storage of sources and versions, paid sources, labels."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from stackcanvas.canvas.blocks.data import Labelling, Source, VersionMethod
from stackcanvas.canvas.cost.asking import Asking, given, reckoned
from stackcanvas.canvas.cost.figures import Driver, Price, Range, Row

_LABELLED_BOXES = {"images", "video"}


def rows(ask: Asking) -> Iterator[Row]:
    """What the data cost."""
    sources: tuple[Source, ...] = ask.get("data.sources") or ()
    for place, source in enumerate(sources):
        yield from _source(ask, source, path=f"data.sources.{place}")
    if not ask.set_aside("data.labelling"):
        yield from _labelling(ask, sources)


def _source(ask: Asking, source: Source, *, path: str) -> Iterator[Row]:
    # Over the horizon a source has, on the average of its months, grown by half of all its growth.
    grown = Decimal(source.size) + Decimal(source.growth) * ask.months / 2
    part = "growth" if source.growth else "size"
    stored = ask.gauged(f"GB of {source.name}, mean of {ask.months} months", f"{path}.{part}", grown / 10**9, unit="GB")
    books = ask.objects("data.storage.objects")
    drivers = (stored, _copies(ask))
    price = books.need("objects_gb_month")
    yield ask.row(
        f"data.storage.{source.name}",
        f"storage of {source.name} and its versions",
        "infrastructure",
        "data.sources",
        drivers,
        price,
    )
    if source.price:
        one = given("subscription", 1, unit="subscription")
        cost = ask.own_price(f"{path}.price", source.price, unit="month of the source")
        yield ask.row(f"data.price.{source.name}", f"price of {source.name}", "data", "data.sources", (one,), cost)


def _copies(ask: Asking) -> Driver:
    """How many times the bytes of a source are kept."""
    method = ask.of("data.version_method", VersionMethod)
    if not ask.answered("data.version_method") or method.level == 0:
        return given("copy", 1, unit="copies")
    versions = Decimal(method.versions_kept)
    if method.level == 1:
        return ask.gauged(
            "copies: the source and a snapshot a version",
            "data.version_method.versions_kept",
            1 + versions,
            unit="copies",
        )
    # A version shares what did not change: 1 % to 30 % of it is new.
    shares = (Decimal("0.01"), Decimal("0.08"), Decimal("0.3"))
    amount = Range(*(1 + versions * share for share in shares))
    return reckoned(
        "copies: the source and what is new in each version",
        amount,
        unit="copies",
        why=f"1 % to 30 % new bytes in each of {versions:f} versions",
    )


def _labelling(ask: Asking, sources: tuple[Source, ...]) -> Iterator[Row]:
    answer = ask.get("data.labelling")
    if not isinstance(answer, Labelling) or not answer.needed:
        return
    path = "data.labelling"
    each = ask.driver("labels an item", f"{path}.labels_per_item", answer.labels_per_item, unit="labels")
    price = _label_price(ask, answer, sources)
    if answer.backlog or not answer.items_per_month:
        items = ask.driver("items at the start", f"{path}.backlog", answer.backlog, unit="items")
        yield ask.row("data.labels.backlog", "labels at the start", "labelling", path, (items, each), price, once=True)
    if answer.items_per_month:
        items = ask.driver("items a month", f"{path}.items_per_month", answer.items_per_month, unit="items")
        yield ask.row("data.labels.new", "labels of new items", "labelling", path, (items, each), price)


def _label_price(ask: Asking, answer: Labelling, sources: tuple[Source, ...]) -> Price:
    path = "data.labelling.price_per_label"
    if ask.effective.origin(path).kind != "default":
        return ask.own_price(path, answer.price_per_label, unit="label")
    pictures = any(source.kind in _LABELLED_BOXES for source in sources)
    return ask.book.price("labelling.box" if pictures else "labelling.simple_label")

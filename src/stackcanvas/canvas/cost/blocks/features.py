"""Block 4: computing features, and keeping their newest values at hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from stackcanvas.canvas.blocks.features import Databases, FeatureInfrastructure
from stackcanvas.canvas.cost.asking import Asking, given, reckoned
from stackcanvas.canvas.cost.figures import Range, Row

_COMPUTE, _ONLINE = "features.infrastructure", "features.databases"
_READS_PER_CORE = 10_000


def rows(ask: Asking) -> Iterator[Row]:
    """What features cost."""
    if ask.answered(_COMPUTE) or ask.get("features.needed") == "mandatory":
        answer = ask.of(_COMPUTE, FeatureInfrastructure)
        hours = ask.driver("hours a month", f"{_COMPUTE}.hours_per_month", answer.hours_per_month, unit="hours")
        cores = ask.compute(_COMPUTE, answer.cpus, answer.memory)
        yield ask.row(
            "features.compute",
            "computing features",
            "infrastructure",
            _COMPUTE,
            (hours, cores),
            ask.book.need("core_hour"),
        )
    databases = ask.of(_ONLINE, Databases)
    if databases.online.scheme in {"redis", "rediss"}:
        yield _online(ask, databases)


def _online(ask: Asking, databases: Databases) -> Row:
    """A key-value server: the cores that its reads or its memory need. An embedded store is a file beside the rest."""
    by_size = Decimal(databases.online_size) * 2 / 10**9 / 4
    by_reads = Decimal(databases.reads_per_second) / _READS_PER_CORE
    part = "reads_per_second" if by_reads > by_size else "online_size"
    typical = max(Decimal("0.5"), by_size, by_reads)
    if ask.effective.origin(f"{_ONLINE}.{part}").kind == "default":
        cores = ask.gauged("cores of the online store", f"{_ONLINE}.{part}", typical, unit="cores")
    else:
        bounds = Range(typical, typical, typical * 2)
        cores = reckoned(
            "cores of the online store", bounds, unit="cores", why=f"from {_ONLINE}.{part}, alone or with a replica"
        )
    copies = ask.environments if ask.answered("deployment.target") else given("copy", 1, unit="copies")
    return ask.row(
        "features.online",
        "online store",
        "infrastructure",
        _ONLINE,
        (cores, copies, ask.month),
        ask.book.need("core_hour"),
    )

"""Counters and histograms, written in Prometheus' text format: help and type for each family, base units."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
AGES = (1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0, 604800.0, 2592000.0)

_Labels = tuple[str, ...]


class Counter:
    r"""Counts that only rise, by label values.

    Example:
        >>> counter = Counter("answers_total", "Answers sent.", ("code",))
        >>> counter.add(("200",))
        >>> print(*counter.lines(), sep="\n")
        # HELP answers_total Answers sent.
        # TYPE answers_total counter
        answers_total{code="200"} 1
    """

    kind = "counter"

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self._text = text
        self._labels = tuple(labels)
        self.values: dict[_Labels, float] = {} if labels else {(): 0}
        self._lock = threading.Lock()  # models that run beside the event loop count too

    def add(self, labels: _Labels = (), amount: float = 1) -> None:
        """Count so many more."""
        with self._lock:
            self.values[labels] = self.values.get(labels, 0) + amount

    def total(self) -> float:
        """The sum over all label values."""
        return sum(self.values.values())

    def lines(self) -> Iterator[str]:
        """The family as text."""
        yield from _head(self.name, self._text, self.kind)
        for labels, value in sorted(self.values.copy().items()):
            yield f"{self.name}{_braces(self._labels, labels)} {_number(value)}"


class Gauge(Counter):
    """Values that rise and fall."""

    kind = "gauge"

    def set(self, value: float, labels: _Labels = ()) -> None:
        """The value now."""
        self.values[labels] = value


class Histogram:
    """How often values fell under each bound, by label values."""

    def __init__(self, name: str, text: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        self.name = name
        self._text = text
        self._labels = tuple(labels)
        self._bounds = tuple(bounds)
        self._values: dict[_Labels, list[float]] = {}

    def observe(self, value: float, labels: _Labels = ()) -> None:
        """Count one value."""
        cells = self._cells(labels)
        cells[bisect_left(self._bounds, value)] += 1
        cells[-1] += value

    def observe_all(self, values: Iterable[float], labels: _Labels = ()) -> None:
        """Count many values at once, which takes a fraction of the time."""
        ordered, cells, below = sorted(values), self._cells(labels), 0
        for at, bound in enumerate(self._bounds):
            reached = bisect_right(ordered, bound)
            cells[at] += reached - below
            below = reached
        cells[len(self._bounds)] += len(ordered) - below
        cells[-1] += sum(ordered)

    def _cells(self, labels: _Labels) -> list[float]:
        """The counts under each bound and above the last one, then the sum."""
        cells = self._values.get(labels)
        if cells is None:
            cells = self._values[labels] = [0] * (len(self._bounds) + 1) + [0.0]
        return cells

    def lines(self) -> Iterator[str]:
        """The family as text."""
        yield from _head(self.name, self._text, "histogram")
        for labels, cells in sorted(self._values.copy().items()):
            running = 0.0
            for bound, count in zip((*self._bounds, math.inf), cells, strict=False):
                running += count
                braces = _braces((*self._labels, "le"), (*labels, _number(bound)))
                yield f"{self.name}_bucket{braces} {_number(running)}"
            yield f"{self.name}_sum{_braces(self._labels, labels)} {_number(cells[-1])}"
            yield f"{self.name}_count{_braces(self._labels, labels)} {_number(running)}"


class Metrics:
    """All families of the prediction server."""

    def __init__(self) -> None:
        prefix = "stackcanvas_predict"
        self.requests = Counter(f"{prefix}_requests_total", "HTTP requests answered.", ("endpoint", "protocol", "code"))
        self.seconds = Histogram(
            f"{prefix}_request_duration_seconds",
            "Time from a whole request to its answer.",
            SECONDS,
            ("endpoint", "protocol"),
        )
        self.rows = Counter(f"{prefix}_rows_total", "Rows answered.", ("endpoint", "variant", "status"))
        self.batches = Histogram(
            f"{prefix}_batch_rows", "Rows that a model ran at once.", ROWS, ("endpoint", "variant")
        )
        self.fallbacks = Counter(
            f"{prefix}_fallback_rows_total", "Rows that the fallback answered.", ("endpoint", "variant")
        )
        self.failures = Counter(
            f"{prefix}_model_failures_total", "Runs in which a model raised.", ("endpoint", "variant")
        )
        self.checks = Counter(
            f"{prefix}_check_failures_total", "Rows that broke a check.", ("endpoint", "column", "action")
        )
        self.shadow_dropped = Counter(
            f"{prefix}_shadow_dropped_rows_total", "Rows not shown to a shadow, which could not keep up.", ("endpoint",)
        )
        self.log_rows = Counter(f"{prefix}_log_rows_total", "Rows written to the prediction log.", ("endpoint",))
        self.log_sampled = Counter(f"{prefix}_log_sampled_out_rows_total", "Rows left out by sampling.", ("endpoint",))
        self.log_dropped = Counter(
            f"{prefix}_log_dropped_rows_total", "Rows that the prediction log could not take.", ("endpoint",)
        )
        self.log_errors = Counter(f"{prefix}_log_write_errors_total", "Writes of the prediction log that failed.")
        self.feature_rows = Counter(
            f"{prefix}_feature_rows_total", "Rows read from the online store.", ("view", "state")
        )
        self.feature_age = Histogram(
            f"{prefix}_feature_age_seconds", "Age of the events that were read.", AGES, ("view",)
        )
        self.feature_until = Gauge(
            f"{prefix}_feature_online_until_seconds", "Until when a view has come online, since 1970-01-01.", ("view",)
        )
        self.lookup_missing = Counter(
            f"{prefix}_lookup_missing_rows_total",
            "Rows whose features were looked up and not found, or too old.",
            ("endpoint", "view"),
        )
        self.revision = Gauge(f"{prefix}_route_revision", "Revision of the routes that are served.")
        self.failing = Gauge(f"{prefix}_routes_failing", "Endpoints whose newest route could not be loaded.")
        self.swaps = Counter(f"{prefix}_route_changes_total", "Route documents taken into service.")
        self.started = Gauge("process_start_time_seconds", "Start of the process since 1970-01-01.")

    def text(self) -> bytes:
        """The answer of `/metrics`."""
        families = [one for one in vars(self).values() if isinstance(one, Counter | Histogram)]
        return "".join(f"{line}\n" for family in families for line in family.lines()).encode()


def _head(name: str, text: str, kind: str) -> Iterator[str]:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {name} {escaped}"
    yield f"# TYPE {name} {kind}"


def _braces(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{pairs}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if value == math.inf:
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))

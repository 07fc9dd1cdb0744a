"""The text that Prometheus reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.serving.server.metrics import Counter, Histogram, Metrics


def test_a_histogram_counts_up() -> None:
    """Each bucket counts what is at or below its bound; the last one and the count are all."""
    histogram = Histogram("size_rows", "Rows.", (1, 10), ("endpoint",))
    for value in (1, 2, 10, 11):
        histogram.observe(value, ("a",))

    assert list(histogram.lines()) == [
        "# HELP size_rows Rows.",
        "# TYPE size_rows histogram",
        'size_rows_bucket{endpoint="a",le="1"} 1',
        'size_rows_bucket{endpoint="a",le="10"} 3',
        'size_rows_bucket{endpoint="a",le="+Inf"} 4',
        'size_rows_sum{endpoint="a"} 24',
        'size_rows_count{endpoint="a"} 4',
    ]


@given(st.lists(st.floats(-5, 20) | st.sampled_from([1.0, 10.0])))
def test_many_values_at_once_count_as_each_by_itself(values: list[float]) -> None:
    """On a bound, below the first and above the last."""
    one, all_of_them = (Histogram("age_seconds", "Ages.", (1, 10)) for _ in range(2))
    for value in sorted(values):
        one.observe(value)
    if values:
        all_of_them.observe_all(values[: len(values) // 2])
        all_of_them.observe_all(values[len(values) // 2 :])

    def counted(histogram: Histogram) -> list[str]:
        return [line for line in histogram.lines() if "_sum" not in line]

    assert counted(one) == counted(all_of_them)


def test_labels_are_escaped() -> None:
    """Quotes, backslashes and line ends in a name do not break the text."""
    counter = Counter("rows_total", "Rows.", ("endpoint",))
    counter.add(('a"b\\c\nd',), 2)

    assert list(counter.lines())[-1] == 'rows_total{endpoint="a\\"b\\\\c\\nd"} 2'


def test_a_counter_without_labels_starts_at_zero() -> None:
    """What has not happened yet is there to be watched."""
    lines = Metrics().text().decode().splitlines()

    assert "stackcanvas_predict_log_write_errors_total 0" in lines
    assert "stackcanvas_predict_route_revision 0" in lines

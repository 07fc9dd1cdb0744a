"""The text that Prometheus reads."""

from __future__ import annotations

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

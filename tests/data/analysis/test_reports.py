"""Profiles and comparisons: what they find, how they are drawn, what they record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from stackcanvas.data import Data
from stackcanvas.data.analysis import Analysis
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.metadata import Ref, Spine

_VOID = {"meta", "link", "br", "img", "hr"}


class Sound(HTMLParser):
    """Holds that a page loads nothing, runs nothing and closes what it opens."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102
        names = dict(attrs)
        assert tag not in {"script", "img", "iframe", "link", "object"}
        assert not [name for name in names if name.startswith("on") or name in {"style", "src"}]
        assert (names.get("href") or "#").startswith("#")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:  # noqa: D102
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:  # noqa: D102
        self.text += data


def wrong(rows: int = 400) -> pl.DataFrame:
    """Everything that data can have wrong."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=rows)
    return pl.DataFrame(
        {
            "x": x,
            "y": -3 * x + rng.normal(size=rows) / 50,
            "group": ["a" if one > 0 else "b" for one in x],
            "empty": [None] * rows,
            "mostly": [1.0, *[None] * (rows - 1)],
            "one": [7] * rows,
            "stand": np.where(rng.random(rows) < 0.005, -999.0, rng.normal(15, 3, rows)),
            "holes": np.where(rng.random(rows) < 0.1, np.nan, x),
            "wild": [float("inf"), -float("inf"), 1e308, -1e308, *[0.5] * (rows - 4)],
            "far": [1e12, *rng.normal(size=rows - 1)],
            "words": [["", "N/A", "ok", "OK", " ok "][place % 5] for place in range(rows)],
            "number": [f"{place / 7:.2f}" for place in range(rows)],
            "day": [str(date(2020 + place % 5, 1 + place % 12, 3)) for place in range(rows)],
            "id": [f"user-{place}" for place in range(rows)],
            "when": [datetime(1970, 1, 1, tzinfo=UTC), *[datetime(2030, 1, 1, tzinfo=UTC)] * (rows - 1)],
            "tags": [["a"]] * rows,
            "raw": [b"\0"] * rows,
            "time": pl.Series([place * 10**9 for place in range(rows)]).cast(pl.Time),
            "<script>alert(1)</script>": [f"</td><script>{place % 3}" for place in range(rows)],
        },
        strict=False,
    )


def test_everything_wrong_is_found_and_shown(analysis: Analysis, data: Data) -> None:
    """Each fault has its sentence, and the page stays sound whatever names and values say."""
    data.commit("wrong", pl.concat([wrong(), wrong().head(3)]))

    report = analysis.profile("wrong")

    said = {(one.column, one.said.split(",")[0].split(" (")[0]) for one in report.findings}
    assert said >= {
        (None, "Some rows are there more than once"),
        ("empty", "has no value in any row"),
        ("mostly", "is missing in 100% of the rows"),
        ("one", "has one value only"),
        ("stand", "holds -999"),
        ("wild", "holds infinite values"),
        ("words", "has values that begin or end with a blank"),
        ("number", "holds numbers as text"),
        ("day", "holds dates as text"),
        ("when", "reaches into the future"),
        ("tags", "holds lists"),
        ("x", "all but tells y"),
    }
    assert report.repeated == 3
    page = Sound(report.html)
    assert "<script>alert(1)</script>" in page.text
    assert "is missing" in page.text
    notebook = report._repr_html_()
    Sound(notebook)
    assert "<html" not in notebook


def test_what_goes_together(analysis: Analysis, data: Data) -> None:
    """Numbers by rank, categories by Cramer's V, one of each by the correlation ratio; independent ones by nothing."""
    rng = np.random.default_rng(11)
    x = rng.lognormal(size=5000)
    kind = rng.choice(["a", "b", "c"], 5000)
    data.commit(
        "t",
        pl.DataFrame(
            {
                "x": x,
                "falls": -np.sqrt(x),
                "noise": rng.normal(size=5000),
                "kind": kind,
                "code": [{"a": 1, "b": 2, "c": 3}[one] + 0.1 * rng.random() for one in kind],
                "same": [one.upper() for one in kind],
                "other": rng.choice(["u", "v"], 5000),
            }
        ),
    )

    found = {(pair.left, pair.right): pair for pair in analysis.profile("t").associations.pairs}

    assert found["x", "falls"].strength == pytest.approx(-1, abs=1e-3)
    assert found["kind", "same"].method == "Cramer's V"
    assert found["kind", "same"].strength == pytest.approx(1)
    assert found["kind", "code"].strength > 0.9
    assert abs(found["x", "noise"].strength) < 0.05
    assert found["kind", "other"].strength < 0.05
    assert found["noise", "kind"].strength < 0.06


def test_ranks_agree_with_the_exact_ones(analysis: Analysis, data: Data) -> None:
    """The rank correlation from histograms is the one of all values to two digits, missing ones left out by pair."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=8000)
    frame = pl.DataFrame({"x": x, "y": x + rng.normal(size=8000)}).with_columns(
        pl.when(pl.col("x") > 1.5).then(None).otherwise(pl.col("y")).alias("y")
    )
    data.commit("t", frame)

    (pair,) = analysis.profile("t").associations.pairs

    exact = frame.drop_nulls().select(pl.corr("x", "y", method="spearman")).item()
    assert pair.rows == frame.drop_nulls().height
    assert pair.strength == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"x": []}),
        pl.DataFrame({"x": [1]}),
        pl.DataFrame({"x": [None]}),
        pl.DataFrame({"x": [float("nan")] * 3}),
        pl.DataFrame({"x": [1e308, -1e308, 5e-324]}),
        pl.DataFrame({"x": [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]}),
        pl.DataFrame({"x": [True, False]}),
        pl.DataFrame({"x": pl.Series(["a", "b"], dtype=pl.Categorical)}),
        pl.DataFrame({"x": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))}),
        pl.DataFrame({"x": [{"a": 1}]}),
        pl.DataFrame({f"c{place}": [place, 1] for place in range(200)}),
        pl.DataFrame({" " * 40: ["\n", "\u202e"], "ü" * 300: ["x" * 5000, ""]}),
    ],
    ids=lambda frame: "-".join(map(str, frame.dtypes[:2])),
)
def test_tables_with_little_in_them(analysis: Analysis, data: Data, frame: pl.DataFrame) -> None:
    """A profile and a comparison with itself are made and drawn of any table."""
    data.commit("t", frame)

    Sound(analysis.profile("t").html)
    compared = analysis.compare("t", "t")
    Sound(compared.html)
    assert compared.drift.drifted_columns == []


def test_what_moved_is_told(analysis: Analysis, data: Data) -> None:
    """Columns that came, went, changed their type or their values, and pairs that no longer go together."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=3000)
    before = pl.DataFrame({"x": x, "y": x, "kind": rng.choice(["a", "b"], 3000), "gone": x, "type": [1] * 3000})
    after = pl.DataFrame(
        {"x": x + 1, "y": rng.normal(size=3000), "kind": rng.choice(["a", "b"], 3000), "new": x, "type": ["1"] * 3000}
    )
    data.commit("t", before)
    data.commit("t", after)

    report = analysis.compare("t@1", "t@2")

    said = {(one.column, one.said.split(" (")[0]) for one in report.findings}
    assert said >= {("gone", "is gone"), ("new", "is new"), ("x", "has moved"), ("type", "was Int64 and is String")}
    assert report.drift.drifted_columns == ["type", "x"]
    assert [(one.left, one.right) for one in report.moved] == [("x", "y")]
    Sound(report.html)


def test_reports_are_on_record(analysis: Analysis, data: Data, spine: Spine) -> None:
    """A report is an artifact that leads back to the version; its page can be asked for again."""
    data.commit("t", pl.DataFrame({"x": [1, 2]}))

    report = analysis.profile("t")

    assert report.ref is not None
    assert [str(one) for one in spine.lineage.upstream(Ref.parse(report.ref)).refs] == [report.ref, "data:t@1"]
    assert analysis.report(report.ref) == report.html
    assert [one.kind for one in analysis.reports()] == ["profile"]
    with pytest.raises(NotFound):
        analysis.report("profile/t@none")


def test_what_has_no_profile(analysis: Analysis, data: Data) -> None:
    """No data set, and files that are no table, are said so."""
    data.commit("f", __file__)
    with pytest.raises(BadInput, match="is no table"):
        analysis.profile("f")
    with pytest.raises(NotFound):
        analysis.profile("nothing")


def test_the_time_of_the_report(analysis: Analysis, data: Data) -> None:
    """It comes from the clock of the records."""
    data.commit("t", pl.DataFrame({"x": [1, 2]}))
    assert analysis.profile("t").made == datetime(2026, 11, 23, 9, tzinfo=UTC)

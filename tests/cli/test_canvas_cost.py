"""`stackcanvas canvas cost`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcanvas.cli.main import main

CANVAS = """\
stackcanvas: 1
project: {name: delays, currency: USD}
data: {labelling: {needed: true, backlog: 1000, price_per_label: 0.1}}
experiments: {training_infrastructure: {people: 0.5, runs_per_month: 20}}
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The canvas of the project where one stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    return tmp_path / "canvas.yaml"


def run(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    """What a command prints, and what it says."""
    capfd.readouterr()
    assert main(["canvas", "cost", *words]) == code
    found = capfd.readouterr()
    return found.out, found.err


def test_answered_rows_stand_apart_from_assumptions(capfd: pytest.CaptureFixture[str]) -> None:
    """Two tables, sums, the first year; assumptions carry a star."""
    out, _ = run(capfd)

    answered, assumed = out.split("With assumptions")
    assert "labels at the start" in answered
    assert "*" not in answered
    assert "machines for experiments" in assumed
    assert "First year" in out


def test_where_a_figure_comes_from(capfd: pytest.CaptureFixture[str]) -> None:
    """The place of the answer, the arithmetic, the price with date and source."""
    out, _ = run(capfd, "--explain", "experiments.people")

    assert "canvas.yaml:4:" in out
    assert "0.5 people, full time x 15,000" in out
    assert "2026-06" in out
    assert "lazar-milicevic.com" in out


def test_programs_get_everything(capfd: pytest.CaptureFixture[str]) -> None:
    """JSON has rows, drivers, sums by phase."""
    found = json.loads(run(capfd, "--format", "json")[0])

    assert found["total"]["once"]["p50"] == "100.00"
    assert {phase["name"] for phase in found["by_phase"]} >= {"data engineering"}
    assert found["rows"][0]["drivers"][0]["origin"].startswith("canvas.yaml:3")


def test_what_if_and_compare(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The same change, tried and written, costs the same."""
    other = tmp_path / "other.yaml"
    other.write_text(CANVAS.replace("1000", "10000"))

    tried, _ = run(capfd, "--what-if", "data.labelling.backlog=10x")
    written, _ = run(capfd, "--compare", "other.yaml")

    assert tried == written
    assert "900.00" in tried


def test_prices_beside_the_canvas_are_taken(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """prices.yaml of the project needs no option; a wrong one is told and nothing else."""
    (tmp_path / "prices.yaml").write_text(
        "prices: {people.usd_year: {value: 24000, unit: person year, date: 2026-11}}\n"
    )
    assert "1,000.00" in run(capfd)[0]

    (tmp_path / "prices.yaml").write_text("prices: {people.usd_year: {value: much}}\n")
    assert "'much'" in run(capfd, code=3)[1]


def test_an_empty_canvas_says_how_to_begin(capfd: pytest.CaptureFixture[str], file: Path) -> None:
    """Nothing answered is no error and no made-up figure."""
    file.write_text("stackcanvas: 1\nproject: {name: empty}\n")
    out, err = run(capfd)

    assert not out
    assert "Nothing that costs" in err

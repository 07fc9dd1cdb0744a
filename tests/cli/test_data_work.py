"""Queries, profiles, splits and annotation at the command line."""

from __future__ import annotations

import io
import json
from importlib.resources import files
from pathlib import Path

import pytest

from stackcanvas.cli.main import main

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a committed table."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    lines = [f"{number},{'EWR' if number % 3 else 'JFK'},{number % 7}" for number in range(120)]
    (tmp_path / "flights.csv").write_text("\n".join(["flight,origin,delay_s", *lines]))
    monkeypatch.chdir(tmp_path)
    assert main(["data", "commit", "flights", "flights.csv", "--key", "flight"]) == 0
    return tmp_path


def run(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    """What a command prints, and what it says."""
    capfd.readouterr()
    assert main(words) == code
    found = capfd.readouterr()
    return found.out, found.err


def asked(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> object:
    """What a command answers to a program."""
    return json.loads(run(capfd, *words, "--format", "json", code=code)[0])


def test_queries(project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows for people, for programs, into files and versions; what is wrong with its place."""
    out, err = run(capfd, "data", "query", "select * from flights order by flight")
    assert "delay_s" in out
    assert "first 50 rows" in err
    assert len(asked(capfd, "data", "query", "select * from flights")) == 120  # type: ignore[arg-type]
    run(capfd, "data", "query", "select * from flights", "--out", "out.parquet")
    assert (project / "out.parquet").exists()
    out, _ = run(capfd, "data", "query", "select flight from flights", "--commit", "few", "--key", "flight")
    assert "data:few@1" in out
    _, err = run(capfd, "data", "query", "select nope from flights", code=3)
    assert err.startswith("query:1:8: there is no column 'nope'")
    run(capfd, "data", "query", "select 1", "--commit", "x", "--out", "y.csv", code=2)
    run(capfd, "data", "query", "select 1", "--key", "x", code=2)
    monkeypatch.setattr("sys.stdin", io.StringIO("select count(*) as n from flights"))
    assert asked(capfd, "data", "query", "-") == [{"n": 120}]


def test_cells_cannot_steer_the_terminal(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What a value holds is shown as it is written."""
    out, _ = run(capfd, "data", "query", "select '\x1b[31mred' as x from flights limit 1")
    assert "\x1b" not in out
    assert "\\x1b[31mred" in out


def test_profiles_and_comparisons(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In the terminal, as JSON, and as a page."""
    out, _ = run(capfd, "data", "profile", "flights", "--html", "p.html")
    assert "origin" in out
    assert (project / "p.html").read_text().startswith("<!doctype html>")
    assert asked(capfd, "data", "profile", "flights")["subject"]["ref"] == "data:flights@1"  # type: ignore[index]
    run(capfd, "data", "query", "select * from flights where delay_s > 4", "--commit", "late")
    out, _ = run(capfd, "data", "compare", "flights", "late", "--html", "c.html")
    assert out.splitlines()[1].startswith("delay_s")
    run(capfd, "data", "profile", "flights", "--html", "none/p.html", code=4)


def test_splits_and_leakage(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A split is made and listed; leakage has an exit code."""
    out, _ = run(capfd, "data", "split", "flights", "--method", "stratified", "--by", "origin", "--seed", "3")
    assert "data:flights/train@1" in out
    run(capfd, "data", "leakage", "flights/train", "flights/test")
    out, _ = run(capfd, "data", "leakage", "flights/train", "flights/test", "--entity", "origin", code=1)
    assert "leak" in out
    assert "stratified by origin" in run(capfd, "data", "splits")[0]
    for wrong in (["--part", "a"], ["--part", "a=x"], ["--part", "a=.5", "--part", "a=.5"], ["--by", "origin"]):
        run(capfd, "data", "split", "flights", *wrong, code=2)


def test_a_queue(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """From the rows to a version of labels, and to Label Studio and back."""
    asks = ["--choice", "late", "--choice", "in time", "--question", "Late?", "--limit", "2"]
    out, err = run(capfd, "annotation", "create", "q", "flights", *asks)
    assert "2 items" in err
    for number, value in ((1, "late"), (2, "in time")):
        out, err = run(capfd, "annotation", "next", "q", "--by", "ada")
        assert f"annotation label q {number} late | 'in time'" in err
        run(capfd, "annotation", "label", "q", str(number), value, "--by", "ada")
    out, _ = run(capfd, "annotation", "next", "q", "--by", "ada", code=1)
    assert "Nothing is left" in out
    assert "2 of 2 done" in run(capfd, "annotation", "show", "q")[0]
    assert "in time" in run(capfd, "annotation", "items", "q")[0]
    run(capfd, "annotation", "decide", "q", "2", "late", "--by", "eve")
    run(capfd, "annotation", "agreement", "q")
    run(capfd, "annotation", "export", "q", "--to", "labelled", "--label-studio", "t.json", "--config", "v.xml")
    rows = asked(capfd, "data", "query", "select annotation, annotation_by from labelled order by flight")
    assert rows == [{"annotation": "late", "annotation_by": "people"}, {"annotation": "late", "annotation_by": "eve"}]
    assert "new items" in run(capfd, "annotation", "import", "q2", "t.json")[0]
    assert [one["done"] for one in asked(capfd, "annotation", "ls")] == [2, 2]  # type: ignore[attr-defined]
    run(capfd, "annotation", "add", "q", "flights")
    run(capfd, "annotation", "close", "q")
    run(capfd, "annotation", "next", "q", code=5)
    run(capfd, "annotation", "open", "q")
    (project / "bad.json").write_text("{")
    run(capfd, "annotation", "import", "q3", "bad.json", code=3)
    run(capfd, "annotation", "export", "q", code=2)
    run(capfd, "annotation", "create", "p", "flights", "--price", "free", "--choice", "a", "--choice", "b", code=2)

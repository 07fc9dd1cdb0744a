"""`stackcanvas canvas show`: the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcanvas.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\nvalue: {goal: 予約 in time}\n")
    return tmp_path


def test_the_page_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a block the whole canvas is drawn."""
    assert main(["canvas", "show"]) == 0

    assert "Goal: 予約 in time" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.pdf", b"%PDF"),
        ("a.PNG", b"\x89PNG"),
        ("a.svg", b"<svg"),
        ("a.html", b"<!doctype"),
        ("a.md", b"# delays"),
        ("a.txt", b"delays"),
    ],
)
def test_the_ending_says_what_is_drawn(folder: Path, name: str, start: bytes) -> None:
    """Each kind of file begins as it must."""
    assert main(["canvas", "show", "--out", name]) == 0

    assert (folder / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--out", "a.doc"], 2),
        (["--out", "missing/a.md"], 6),
        (["data", "--out", "a.md"], 2),
        (["--out", "a.md", "--model", "x"], 2),
    ],
)
def test_what_cannot_be_drawn(folder: Path, words: list[str], code: int) -> None:
    """Told, and no file is left behind."""
    before = sorted(folder.iterdir())

    assert main(["canvas", "show", *words]) == code
    assert sorted(folder.iterdir()) == before


def test_a_page_that_was_there_is_replaced_whole(folder: Path) -> None:
    """Writing twice leaves one file."""
    for _ in range(2):
        assert main(["canvas", "show", "--out", "a.md"]) == 0

    assert sorted(one.name for one in folder.iterdir()) == ["a.md", "canvas.yaml"]


def test_each_part_tells_where_it_comes_from(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """An environment that changes a part, a default beside what is written, an answer of one model."""
    (folder / "canvas.yaml").write_text(
        "stackcanvas: 1\nproject: {name: demo}\nserving: {distributed: {needed: true}, log: {sample: 50%}}\n"
        "models: {delay: {serving.volume: {predictions: 5}}}\n"
        "environments:\n  production: {serving.distributed.replicas: 3}\n"
    )
    capfd.readouterr()
    words = ["canvas", "show", "serving", "--effective", "--model", "delay", "--env", "production", "--format", "json"]
    assert main(words) == 0
    rows = {row["question"]: (row["answer"], row["from"]) for row in json.loads(capfd.readouterr().out)}

    assert rows["serving.distributed.replicas"] == (3, "canvas.yaml:6:46 (environment production)")
    assert rows["serving.distributed"][1] == "canvas.yaml:3:24"
    assert rows["serving.log.keep"] == ("90d", "default")
    assert rows["serving.volume"][1] == "canvas.yaml:4:34 (model delay)"
    assert rows["serving.volume.latency_p99"] == ("100ms", "default")
    assert rows["serving.mode"][1] == "default"

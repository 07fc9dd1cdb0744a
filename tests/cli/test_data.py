"""`stackcanvas data` on a project with a table."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from stackcanvas.cli.main import main

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a CSV file."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "flights.csv").write_text("flight,delay\n1,5\n2,\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    """What a command prints, and what it says."""
    capfd.readouterr()
    assert main(["data", *words]) == code
    found = capfd.readouterr()
    return found.out, found.err


def asked(capfd: pytest.CaptureFixture[str], *words: str) -> object:
    """What a command answers to a program."""
    return json.loads(run(capfd, *words, "--format", "json")[0])


def test_the_way_of_a_table(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Commit, commit again, look at it, compare, go back."""
    out, _ = run(capfd, "commit", "flights", "data/flights.csv", "-m", "first", "--key", "flight", "--tag", "raw")
    assert "data:flights@1" in out
    _, err = run(capfd, "commit", "flights", "data/flights.csv", "--key", "flight")
    assert "Nothing has changed since flights@1" in err
    (project / "data" / "flights.csv").write_text("flight,delay,carrier\n1,6,UA\n3,0,AA\n")
    assert "changed" in run(capfd, "status")[0]
    _, err = run(capfd, "commit", "flights", "data/flights.csv", "--key", "flight")
    assert "carrier String is new" in err

    out, _ = run(capfd, "diff", "flights@raw", "flights")
    assert "rows by flight: 1 added, 1 removed, 1 changed" in out
    assert "changed: flight 1, delay 5 -> 6" in out
    run(capfd, "checkout", "flights@1", "data")
    assert (project / "data" / "flights.csv").read_text() == "flight,delay\n1,5\n2,\n"
    assert "unchanged" in run(capfd, "status")[0]


def test_files_of_a_version(project: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Listed, written out one by one, and checked out in part."""
    (project / "data" / "odd.bin").write_bytes(b"\xff\0\n")
    assert main(["data", "commit", "all", "data"]) == 0
    capfdbinary.readouterr()

    assert main(["data", "files", "all"]) == 0
    out = capfdbinary.readouterr().out.decode()
    assert "flights.csv" in out
    assert "odd.bin" in out
    assert main(["data", "cat", "all@1", "odd.bin"]) == 0
    assert capfdbinary.readouterr().out == b"\xff\0\n"
    assert main(["data", "cat", "all"]) == 3
    assert main(["data", "checkout", "all", "some", "--only", "*.bin"]) == 0
    assert [path.name for path in (project / "some").iterdir()] == ["odd.bin"]
    assert main(["data", "checkout", "--only", "*.bin"]) == 2


def test_what_programs_read(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every command answers in JSON."""
    made = asked(capfd, "commit", "flights", "data/flights.csv")
    assert isinstance(made, dict)
    assert (made["ref"], made["rows"], made["existed"]) == ("data:flights@1", 2, False)
    listed, log, status = (asked(capfd, *words) for words in (["ls"], ["log", "flights"], ["status"]))
    assert listed == log == [{**made, "existed": False}]
    assert isinstance(status, list)
    assert status[0]["state"] == "unchanged"
    shown = asked(capfd, "show", "flights@1")
    assert isinstance(shown, dict)
    assert shown["profile"]["columns"]["delay"]["nulls"] == 1
    compared = asked(capfd, "diff", "flights@1", "flights@1")
    assert isinstance(compared, dict)
    assert compared["rows"] is None
    assert asked(capfd, "tag", "flights", "raw") == {**made, "tags": ["raw"]}
    assert asked(capfd, "verify") == []
    checked = asked(capfd, "checkout", "flights", "out", "--link")
    assert isinstance(checked, dict)
    assert checked["written"] == 1


def test_what_people_read(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A list before there is anything says how to begin; a version shows its columns."""
    assert "Commit one: stackcanvas data commit NAME PATH" in run(capfd, "ls")[1]
    run(capfd, "commit", "flights", "data/flights.csv")

    assert "flights" in run(capfd, "ls")[0]
    assert "delay   Int64  nulls 1, minimum 5" in run(capfd, "show", "flights")[0]
    assert "All is as it was committed: 1 versions" in run(capfd, "verify")[1]


def test_damage(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Damage is named, and the exit code says no."""
    run(capfd, "commit", "flights", "data/flights.csv")
    (pack,) = (project / ".stackcanvas" / "objects" / "data" / "packs").glob("*.pack")
    content = pack.read_bytes()
    pack.write_bytes(bytes([content[0] ^ 1]) + content[1:])

    out, err = run(capfd, "verify", code=1)

    assert pack.name in out
    assert "flights.csv" in out
    assert "Committing the same data again from a good copy mends" in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["commit", "flights", "data/flihgts.csv"], 4, "Did you mean"),
        (["commit", "flights", "data/broken.csv"], 3, "data/broken.csv:3: the row has 1 fields, the header 2"),
        (["commit", "flights", "data/note.txt", "--table"], 3, "the file is no table"),
        (["commit", "flights", "data/flights.csv", "--key", "dleay"], 3, "Did you mean 'delay'"),
        (["commit", "flights"], 2, "PATH"),
        (["show", "flihgts"], 4, "There is no data set 'flihgts'"),
        (["diff", "known@1", "known@7"], 4, "There is no version 'known@7'"),
        (["tag", "known", "7"], 3, "cannot be a tag"),
        (["log", "model:x"], 3, "names a model"),
    ],
)
def test_mistakes(project: Path, capfd: pytest.CaptureFixture[str], words: list[str], code: int, said: str) -> None:
    """Each is a sentence with the way out, and an exit code."""
    (project / "data" / "broken.csv").write_text("a,b\n1,2\n3\n")
    (project / "data" / "note.txt").write_text("hello")
    run(capfd, "commit", "known", "data/flights.csv")

    out, err = run(capfd, *words, code=code)

    assert said in err
    assert out == ""
    assert "Traceback" not in err


def test_what_is_expected(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """By the canvas a version is refused with its rows; by a file that says so it is marked, and `check` tells it."""
    canvas = project / "canvas.yaml"
    rule = "{name: delay, least: 10, nulls: 0%}"
    sources = f"\ndata:\n  sources: [{{name: flights, ownership: owned, expectations: {{columns: [{rule}]}}}}]\n"
    canvas.write_text(canvas.read_text().replace("\ndata:\n", sources))

    _, err = run(capfd, "commit", "flights", "data/flights.csv", code=1)
    assert "delay: 1 rows are below 10: row 1 (flight 1, delay 5)" in err
    (project / "rules.yaml").write_text(f"columns: [{rule}]\nbroken: mark\n")
    _, err = run(capfd, "commit", "flights", "data/flights.csv", "--expect", "rules.yaml")
    assert "kept with a mark" in err
    out, _ = run(capfd, "check", "flights", code=1)
    assert "1 of 2 rows have no value" in out
    assert run(capfd, "check", "flights", "--expect", "data/flights.csv", code=3)[0] == ""


def test_ingest(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """From the source that the canvas names, or from an address."""
    canvas = project / "canvas.yaml"
    sources = "\ndata:\n  sources: [{name: flights, ownership: owned, url: data/flights.csv}]\n"
    canvas.write_text(canvas.read_text().replace("\ndata:\n", sources))

    assert "data:flights@1" in run(capfd, "ingest", "flights", "-m", "first", "--key", "flight")[0]
    assert "Nothing has changed" in run(capfd, "ingest", "flights", "--key", "flight")[1]
    assert "data:copy@1" in run(capfd, "ingest", "copy", "--from", "data/flights.csv")[0]
    assert "Did you mean 'flights'" in run(capfd, "ingest", "flight", code=4)[1]


def test_sheet_and_croissant(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Both are printed, or written to a file."""
    run(capfd, "commit", "flights", "data/flights.csv")

    out, err = run(capfd, "sheet", "flights")
    assert "# Data sheet: flights, version 1" in out
    assert "questions are open" in err
    run(capfd, "sheet", "flights", "--new")
    assert (project / "docs" / "data" / "flights.yaml").is_file()
    run(capfd, "croissant", "flights", "--out", "out/flights.json")
    assert json.loads((project / "out" / "flights.json").read_text())["name"] == "flights"
    assert asked(capfd, "croissant", "flights") == json.loads(run(capfd, "croissant", "flights")[0])

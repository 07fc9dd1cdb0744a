"""`stackcanvas features` on a project with a view."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.cli.main import main

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"
DEFINED = """
import stackcanvas as sc

usage = sc.FeatureView("usage", entity=["customer"], source="usage", event_time="day", ttl="30d", features=["calls"])
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one view, its data and the rows of a training set."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    (tmp_path / "features.py").write_text(DEFINED)
    monkeypatch.chdir(tmp_path)
    days = [datetime.now(UTC) - timedelta(days=ago) for ago in (3, 1)]
    with sc.open(tmp_path) as stack:
        stack.data.commit("usage", pl.DataFrame({"customer": [42, 42], "day": days, "calls": [5, 7]}))
        asked = [days[0] + timedelta(hours=1), datetime.now(UTC)]
        stack.data.commit("customers", pl.DataFrame({"customer": [42, 42], "asked": asked, "left": [False, True]}))
    return tmp_path


def printed(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints."""
    capfd.readouterr()
    assert main(["features", *words]) == code
    return capfd.readouterr().out


def test_ls_show_materialize_get(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """From the definition to a value that is read online."""
    assert json.loads(printed(capfd, "ls", "--format", "json"))[0]["online_until"] is None
    assert json.loads(printed(capfd, "show", "usage", "--format", "json"))["ttl"] == "30d"

    done = json.loads(printed(capfd, "materialize", "--format", "json"))
    found = json.loads(printed(capfd, "get", "usage:*", "--key", "customer=42", "--format", "json"))

    assert [(one["view"], one["rows"]) for one in done] == [("usage", 1)]
    assert found == {"calls": 7}
    assert "usage" in printed(capfd, "ls")
    assert json.loads(printed(capfd, "show", "usage", "--format", "json"))["models"] == []


def test_materialize_until_an_instant(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What became known later waits; an instant without a zone is refused."""
    then = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    printed(capfd, "materialize", "usage", "--until", then)

    assert json.loads(printed(capfd, "get", "usage:calls", "--key", "customer=42", "--format", "json")) == {"calls": 5}
    printed(capfd, "materialize", "--until", "2013-05-01T00:00:00", code=2)
    printed(capfd, "materialize", "--until", "soon", code=2)


def test_training_set(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A data version, joined as known at the time of each row."""
    words = ("training-set", "training", "customers", "--time", "asked", "--view", "usage", "--format", "json")

    made = json.loads(printed(capfd, *words))

    assert made["ref"] == "data:training@1"
    with sc.open(project) as stack:
        assert stack.data.read("training")["calls"].to_list() == [5, 7]


def test_training_set_of_a_file(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Rows that are in no data set yet."""
    with sc.open(project) as stack:
        stack.data.read("customers").write_csv(project / "customers.csv")
    words = ("training-set", "training", "customers.csv", "--time", "asked", "--view", "usage", "--format", "json")

    assert json.loads(printed(capfd, *words))["rows"] == 2


def test_what_is_not_there(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A sentence with what is."""
    assert main(["features", "show", "usgae"]) == 4
    assert "Did you mean 'usage'" in capfd.readouterr().err
    assert main(["features", "get", "usage:calls", "--key", "customer"]) == 2
    assert "customer=VALUE" in capfd.readouterr().err
    assert main(["features", "get", "usage:calls", "--key", 'customer="42"']) == 0

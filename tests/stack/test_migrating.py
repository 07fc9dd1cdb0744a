"""`stackcanvas migrate` reaches the database that the canvas names."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

import stackcanvas.examples
from stackcanvas.cli.main import main
from stackcanvas.errors import Conflict
from stackcanvas.metadata.migrate import HISTORY
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.doctor import examine
from stackcanvas.stack.migrating import migrate


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a canvas and no state yet."""
    shutil.copy(Path(next(iter(stackcanvas.examples.__path__))) / "minimal" / "canvas.yaml", tmp_path)
    (tmp_path / ".stackcanvas").mkdir()
    return tmp_path


def test_a_project_that_was_never_opened_has_nothing_to_migrate(project: Path) -> None:
    """No tables are made on the way."""
    with pytest.raises(Conflict, match="no workspace to migrate"):
        migrate(project)


def test_a_migrated_project_stays_as_it_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The door says the version before and after."""
    open_stack(project).close()

    done = migrate(project)
    code = main(["--project", str(project), "migrate", "--format", "json"])

    assert (done.before, done.after) == (HISTORY.version, HISTORY.version)
    assert done.url.endswith("/.stackcanvas/metadata.db")
    assert code == 0
    told = {"url": done.url, "before": done.before, "after": done.after, "known": done.after, "workspaces": 0}
    assert json.loads(capsys.readouterr().out) == told


def test_a_newer_release_was_here(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has only added: the stack opens and records, doctor and migrate say so; what copies every table refuses."""
    open_stack(project).close()
    with sqlite3.connect(project / ".stackcanvas" / "metadata.db") as connection:
        connection.execute("ALTER TABLE event ADD COLUMN later TEXT")
        connection.execute("UPDATE stackcanvas_version SET version_num = '0900', oldest = ?", (HISTORY.version,))

    with open_stack(project) as stack, stack.experiments.run("depths") as run:
        run.log(auc=0.8)
    assert main(["--project", str(project), "migrate"]) == 0
    assert f"has version 0900 already, newer than {HISTORY.version}" in capsys.readouterr().out
    warned = [one for one in examine(project) if one.area == "database" and one.level == "warn"]
    assert f"works with releases that know {HISTORY.version} and later" in warned[0].what
    assert main(["--project", str(project), "backup", str(project / "kept")]) != 0
    assert "every table must be known here" in capsys.readouterr().err

    with sqlite3.connect(project / ".stackcanvas" / "metadata.db") as connection:
        connection.execute("UPDATE stackcanvas_version SET oldest = '0899'")
    for words in (("data", "ls"), ("migrate",)):
        assert main(["--project", str(project), *words]) == 1
        assert "Run: pip install --upgrade stackcanvas" in capsys.readouterr().err

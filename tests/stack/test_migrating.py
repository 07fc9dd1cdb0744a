"""`stackcanvas migrate` reaches the database that the canvas names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import stackcanvas.examples
from stackcanvas.cli.main import main
from stackcanvas.errors import Conflict
from stackcanvas.metadata.migrate import HISTORY
from stackcanvas.stack import open as open_stack
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
    told = {"url": done.url, "before": done.before, "after": done.after, "workspaces": 0}
    assert json.loads(capsys.readouterr().out) == told

"""What a project leaves out of its versions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.data import Data
from stackcanvas.data.ignored import Ignored
from stackcanvas.errors import BadInput

_PATHS = ["d", "b.tmp", "a/b", "a/b.tmp", "c/a/b", "c/b[1]", "c/a.b/tmp", "tmp/a", "c/tmp/d/a"]
_PIECES = ["a", "b", "c", "tmp", "*", "**", "?", ".", "/", "[ab]", "[!a]", "d"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns=st.lists(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=5).map("".join), max_size=3))
def test_as_git_does(tmp_path: Path, patterns: list[str]) -> None:
    """Files are left out where git leaves them out, for the patterns that both know."""
    project = tmp_path / "project"
    if not project.exists():
        subprocess.run(["git", "init", "-q", project], check=True)
        for path in _PATHS:
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).touch()
    odd = ("//", "***", "/./", "**a", "a**")
    chosen = [one for one in patterns if not any(bit in one for bit in odd) and "**" not in one.replace("/**/", "/")]
    (project / ".gitignore").write_text("\n".join([*chosen, ".gitignore"]) + "\n")
    listed = ["git", "-C", str(project), "ls-files", "--others", "--exclude-standard", "-z"]
    said = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0")[:-1]

    ignored = Ignored(project, chosen)

    assert sorted(_taken(project, ignored, project)) == sorted(path for path in said if path != ".gitignore")


def _taken(project: Path, ignored: Ignored, folder: Path) -> list[str]:
    found = []
    for path in folder.iterdir():
        if path.is_dir():
            found += [] if ignored.folder(str(path)) else _taken(project, ignored, path)
        elif not ignored.file(str(path)) and path.name != ".gitignore":
            found.append(path.relative_to(project).as_posix())
    return found


def test_a_commit_and_its_status(data: Data, root: Path) -> None:
    """Commit and status leave out the same files; the whole project may be committed without the stack itself."""
    for path in ("notes.txt", "images/1.png", "images/Thumbs.db", ".stackcanvas/metadata.db", ".git/config"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / "data.ignore").write_text("# of a file manager\nThumbs.db\n")

    data.commit("images", root / "images")
    assert [file.path for file in data.files("images")] == ["1.png"]
    (status,) = data.status()
    assert status.state == "unchanged"

    data.commit("all", root)
    assert [file.path for file in data.files("all")] == ["data.ignore", "data.lock", "images/1.png", "notes.txt"]


def test_what_cannot_be_said(data: Data, root: Path) -> None:
    """A pattern that brings back is refused with its line."""
    (root / "a").write_text("a")
    (root / "data.ignore").write_text("*.tmp\n!a.tmp\n")

    with pytest.raises(BadInput, match=r"data\.ignore:2: a pattern cannot bring back"):
        data.commit("a", root / "a")

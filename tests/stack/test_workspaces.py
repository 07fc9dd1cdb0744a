"""Workspaces of a project: made whole or not at all, apart from each other, and never left behind."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from stackcanvas.cli.main import main
from stackcanvas.errors import BadInput, Conflict, NotFound, Refused
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.backups import backup, restore
from stackcanvas.stack.doctor import examine
from stackcanvas.stack.moving import move

CANVAS = "stackcanvas: 1\nproject: {name: churn}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with two workspaces, each with a run, a file of it and a token."""
    root = tmp_path / "churn"
    root.mkdir()
    (root / "canvas.yaml").write_text(CANVAS)
    with open_stack(root) as stack:
        for name in ("a", "b.2"):
            stack.workspaces.add(name)
            with open_stack(root, workspace=name) as own:
                with own.experiments.run(f"in {name}") as run:
                    run.log_artifact("note.txt", name.encode())
                own.tokens.add("ada", role="reader")
    return root


def seen(root: Path, name: str | None, **environ: str) -> tuple[list[bytes], list[str]]:
    """What a user finds in a workspace: the files of its runs, and its tokens."""
    with open_stack(root, workspace=name, environ={**os.environ, **environ}) as stack:
        runs = stack.experiments.search()
        notes = [stack.objects.get(f"runs/{run.id}/artifacts/note.txt") for run in runs]
        return notes, [token.name for token in stack.tokens.ls()]


def whole(root: Path, **environ: str) -> None:
    """Everything is there, and apart."""
    assert seen(root, "a", **environ) == ([b"a"], ["ada"])
    assert seen(root, "b.2", **environ) == ([b"b.2"], ["ada"])
    assert seen(root, None, **environ) == ([], [])


def test_names(root: Path) -> None:
    """What is no name, is taken, or is the project's own is refused in a sentence; what is missing is told."""
    with open_stack(root) as stack:
        for name in ("", ".", "..", "../a", "a/b", "A", "é", "-a", "a" * 51, "a b", "a\n", ".a"):
            with pytest.raises(BadInput, match="cannot name a workspace"):
                stack.workspaces.add(name)
        for name in ("a", "churn"):
            with pytest.raises(Conflict):
                stack.workspaces.add(name)
        with pytest.raises(NotFound, match="workspaces add c"):
            stack.workspaces.open("c")
        assert [one.name for one in stack.workspaces.ls()] == ["a", "b.2"]
    with open_stack(root / ".stackcanvas" / "workspaces" / "a") as own, pytest.raises(Refused, match="no workspaces"):
        own.workspaces.ls()


def test_a_canvas_of_its_own_holds(root: Path) -> None:
    """What it answers is enforced there and nowhere else; where records lie is not its to say."""
    file = root / ".stackcanvas" / "workspaces" / "a" / "canvas.yaml"
    file.write_text("stackcanvas: 1\nproject: {name: a}\nvalue: {goal: fewer losses}\n")
    with open_stack(root, workspace="a") as own:
        assert own.answers().get("value.goal") == "fewer losses"
    with open_stack(root, workspace="b.2") as own:
        assert own.answers().get("value.goal") is None
    file.write_text("stackcanvas: 1\nproject: {name: a}\nmetadata: {store: {url: 'sqlite:///else.db'}}\n")
    with pytest.raises(BadInput, match="follows from its project"):
        open_stack(root, workspace="a")


def test_removed_is_gone(root: Path) -> None:
    """One made again under the name is empty, and the others stay."""
    with open_stack(root) as stack:
        stack.workspaces.rm("a")
        with pytest.raises(NotFound):
            stack.workspaces.rm("a")
        stack.workspaces.add("a")
        decided = [
            entry.action for entry in stack.spine.audit.entries(limit=10) if entry.action.startswith("workspace.")
        ]
    assert seen(root, "a") == ([], [])
    assert seen(root, "b.2") == ([b"b.2"], ["ada"])
    assert sorted(decided) == ["workspace.made"] * 3 + ["workspace.removed"]


def test_killed_while_one_is_made_there_is_none_or_a_whole_one(root: Path) -> None:
    """Whatever the moment, each that is listed opens, and the name can be used."""
    chance = random.Random(7)
    for attempt in range(8):
        child = os.fork()
        if child == 0:
            with open_stack(root) as stack:
                for number in range(1000):
                    stack.workspaces.make(f"k{attempt}-{number}")
            os._exit(0)
        time.sleep(chance.uniform(0.05, 0.6))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with open_stack(root) as stack:
        made = [name for name in stack.workspaces.names() if name.startswith("k")]
        assert made
        for name in made:
            with stack.workspaces.open(name) as own:
                assert own.experiments.search() == []
        begun = {folder.name for folder in (root / ".stackcanvas" / "workspaces").iterdir()} - {*made, "a", "b.2"}
        for name in begun:
            stack.workspaces.add(name)


def test_backup_and_restore_hold_them(root: Path, tmp_path: Path) -> None:
    """Also where the bytes of the project and of its workspaces lie in one place."""
    move(root, objects=str(tmp_path / "bytes"))
    done = backup(tmp_path / "kept", root)
    again = tmp_path / "again"
    (again).mkdir()
    (again / "canvas.yaml").write_text(CANVAS)

    assert done.workspaces == ("a", "b.2")
    restore(tmp_path / "kept", again)
    whole(again)
    assert not list((tmp_path / "kept" / "objects").glob("workspaces*"))


def test_they_move_with_the_project(root: Path, tmp_path: Path, postgres_url: str, s3_url: str) -> None:
    """To PostgreSQL and S3, and back into files."""
    there = move(root, database="${NEW_HOME}", objects=s3_url, environ={**os.environ, "NEW_HOME": postgres_url})

    assert there.workspaces == ("a", "b.2")
    whole(root, NEW_HOME=postgres_url)
    move(
        root,
        database="sqlite:///back.db",
        objects=str(tmp_path / "back"),
        environ={**os.environ, "NEW_HOME": postgres_url},
    )
    whole(root)


def test_doctor_names_one_that_does_not_open(root: Path) -> None:
    """With what is wrong."""
    assert [one.level for one in examine(root) if one.area == "workspaces"] == ["good"]
    (root / ".stackcanvas" / "workspaces" / "a" / "metadata.db").write_bytes(b"no database at all" * 100)
    found = [one for one in examine(root) if one.area == "workspaces"]
    assert [one.level for one in found] == ["bad", "good"]
    assert found[0].what.startswith("a: ")


def test_commands_take_one_or_say_that_they_take_all(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--workspace` is never silently left aside."""
    where = ("--project", str(root), "--workspace", "a")
    assert main([*where, "canvas", "set", "value.goal", "fewer losses"]) == 0
    assert "fewer losses" in (root / ".stackcanvas" / "workspaces" / "a" / "canvas.yaml").read_text()
    assert "fewer" not in (root / "canvas.yaml").read_text()
    assert main([*where, "fsck"]) == 0
    assert main([*where, "backup", str(root / "kept")]) == 1
    assert "with all its workspaces" in capsys.readouterr().err
    assert main(["--project", str(root), "--workspace", "c", "data", "ls"]) == 4

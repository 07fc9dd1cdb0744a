"""A backup holds everything as of one moment, says when it does not, and comes back whole or not at all."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stackcanvas.cli.main import main
from stackcanvas.errors import Conflict, Refused
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.backups import MANIFEST, Broken, backup, read_backup, restore


def seen(root: Path) -> dict[str, object]:
    """What a user finds in the stack of a project."""
    with open_stack(root) as stack:
        return {
            "data": [(one.name, one.digest) for one in stack.data.ls()],
            "damaged": stack.data.verify().problems,
            "runs": sorted((run.name, repr(sorted(run.metrics.items()))) for run in stack.experiments.search()),
            "audit": stack.spine.audit.verify(),
        }


def fresh(tmp_path: Path, canvas: str = "") -> Path:
    """An empty project."""
    root = tmp_path / "fresh"
    root.mkdir()
    (root / "canvas.yaml").write_text(f"stackcanvas: 1\nproject: {{name: churn}}\n{canvas}")
    return root


def test_the_state_itself_is_no_place_for_its_backup(project: Path) -> None:
    """It would write over the database that it copies."""
    before = (project / ".stackcanvas" / "metadata.db").read_bytes()
    for place in (".stackcanvas", ".stackcanvas/backup"):
        with pytest.raises(Refused, match="cannot lie in the state"):
            backup(project / place, project)
    assert (project / ".stackcanvas" / "metadata.db").read_bytes() == before


def test_there_and_back(project: Path, tmp_path: Path) -> None:
    """In a folder without a project, the canvas of the backup is taken too; the stack goes on from there."""
    made = backup(tmp_path / "saved", project)
    target = tmp_path / "elsewhere"

    told = restore(tmp_path / "saved", target)

    assert told == made == read_backup(tmp_path / "saved")
    assert (target / "canvas.yaml").read_text() == (project / "canvas.yaml").read_text()
    assert seen(target) == seen(project)
    with open_stack(target) as stack, stack.experiments.run("goes on"):
        pass


def test_from_a_file_into_postgresql_and_s3(project: Path, tmp_path: Path, postgres_url: str, s3_url: str) -> None:
    """The addresses are those of the project that it is restored into."""
    backup(tmp_path / "saved", project)
    stores = f"metadata: {{store: {{url: '{postgres_url}'}}}}\ndata: {{storage: {{objects: '{s3_url}'}}}}\n"
    target = fresh(tmp_path, stores)

    restore(tmp_path / "saved", target)

    assert seen(target) == seen(project)


def test_a_second_backup_copies_what_changed(project: Path, tmp_path: Path) -> None:
    """And what is gone from the stack is gone from it."""
    first = backup(tmp_path / "saved", project)
    with open_stack(project) as stack, stack.experiments.run("new") as run:
        run.log_artifact("note.txt", b"one more")

    second = backup(tmp_path / "saved", project)

    assert second.objects.objects == second.objects.sent + first.objects.objects
    assert 0 < second.objects.sent < second.objects.objects
    assert second.rows > first.rows


def test_the_prediction_log_is_part_of_it(project: Path, tmp_path: Path) -> None:
    """Days and open segments, as they lie."""
    day = project / ".stackcanvas" / "predictions" / "delay" / "2026-11-23.parquet"
    day.parent.mkdir(parents=True)
    day.write_bytes(b"rows")

    made = backup(tmp_path / "saved", project)
    restore(tmp_path / "saved", fresh(tmp_path))

    assert made.predictions.objects == 1
    assert (tmp_path / "fresh/.stackcanvas/predictions/delay/2026-11-23.parquet").read_bytes() == b"rows"


def test_a_stack_with_records_is_not_restored_over(project: Path, tmp_path: Path) -> None:
    """Not even over its own."""
    backup(tmp_path / "saved", project)
    before = seen(project)

    with pytest.raises(Conflict, match="other records"):
        restore(tmp_path / "saved", project)

    assert seen(project) == before


@pytest.mark.parametrize("what", ["metadata.db", "objects", MANIFEST])
def test_a_damaged_backup_is_found_before_it_is_used(project: Path, tmp_path: Path, what: str) -> None:
    """A flipped bit, a missing file or half a manifest: refused as bad input, and nothing at all is put anywhere."""
    saved = tmp_path / "saved"
    backup(saved, project)
    if what == MANIFEST:
        (saved / MANIFEST).write_text((saved / MANIFEST).read_text()[:-40])
    else:
        victim = (
            saved / what
            if what == "metadata.db"
            else max(saved.glob("objects/*/**/*"), key=lambda one: one.is_file() and one.stat().st_size)
        )
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    target = fresh(tmp_path)

    with pytest.raises(Broken):
        restore(saved, target)

    assert main(["--project", str(target), "restore", str(saved)]) == 3
    assert [one.name for one in target.iterdir()] == ["canvas.yaml"]


def test_a_folder_with_something_else_in_it_is_left_alone(project: Path, tmp_path: Path) -> None:
    """Nothing there is touched."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"meow")

    with pytest.raises(Conflict, match=r"something else \(cat.png\)"):
        backup(tmp_path / "photos", project)

    assert [one.name for one in (tmp_path / "photos").iterdir()] == ["cat.png"]


def test_a_backup_that_was_cut_off_is_none(project: Path, tmp_path: Path) -> None:
    """Its manifest goes first and comes last."""
    saved = tmp_path / "saved"
    backup(saved, project)
    (project / ".stackcanvas/objects").rename(project / ".stackcanvas/gone")
    kept = sorted(saved.glob("objects/**/*"))

    with pytest.raises(Refused, match="gone from the stack"):
        backup(saved, project)

    assert sorted(saved.glob("objects/**/*")) == kept

    with pytest.raises(Broken, match="no whole backup"):
        read_backup(saved)


def test_the_stack_may_be_written_meanwhile(project: Path, tmp_path: Path) -> None:
    """What is saved is one moment of the records: every run in it is whole."""
    stop = threading.Event()

    def work(stack: Stack) -> None:
        while not stop.is_set():
            with stack.experiments.run("meanwhile") as run:
                run.log({"first": 1.0, "second": 2.0})

    with open_stack(project) as stack:
        writer = threading.Thread(target=work, args=(stack,))
        writer.start()
        try:
            for _ in range(3):
                backup(tmp_path / "saved", project)
        finally:
            stop.set()
            writer.join()
    restore(tmp_path / "saved", fresh(tmp_path))

    assert seen(tmp_path / "fresh")["audit"] == []
    assert seen(tmp_path / "fresh")["damaged"] == seen(project)["damaged"]


def test_the_commands(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people and for programs."""
    assert main(["--project", str(project), "backup", str(tmp_path / "saved"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["project"] == "churn"
    assert main(["--project", str(fresh(tmp_path)), "restore", str(tmp_path / "saved")]) == 0
    assert "Restored churn as of" in capsys.readouterr().out


_RESTORE = """
import sys
from stackcanvas.stack.backups import restore
sys.stdout.write("ready\\n")
sys.stdout.flush()
restore(__import__("pathlib").Path(sys.argv[1]), sys.argv[2])
"""


def kill_and_check(project: Path, tmp_path: Path, seed: int) -> None:
    """A restore that is killed somewhere leaves an empty stack or a whole one."""
    saved, target = tmp_path / "saved", fresh(tmp_path)
    backup(saved, project)
    child = subprocess.Popen(
        [sys.executable, "-c", _RESTORE, str(saved), str(target)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    timer = threading.Timer(random.Random(seed).uniform(0, 0.6), child.send_signal, [signal.SIGKILL])
    timer.start()
    child.wait()
    timer.cancel()
    child.stdout.close()

    if not seen(target)["data"]:
        restore(saved, target)
    assert seen(target) == seen(project)


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_restore(project: Path, tmp_path: Path, seed: int) -> None:
    """A seeded sample."""
    kill_and_check(project, tmp_path, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 200))
def test_many_killed_restores(project: Path, tmp_path: Path, seed: int) -> None:
    """The same by the hundred."""
    kill_and_check(project, tmp_path, seed)

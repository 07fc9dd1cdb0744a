"""What is wrong is named with the command that mends it; nothing is changed by looking."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import update

from stackcanvas.cli.main import main
from stackcanvas.metadata import Ref
from stackcanvas.metadata.tables import audit
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.doctor import Finding, examine
from stackcanvas.stack.fsck import fsck
from stackcanvas.stack.usage import usage


def bad(found: list[Finding]) -> list[Finding]:
    """Those that say that something does not work."""
    return [one for one in found if one.level == "bad"]


def test_a_sound_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every area is looked at, and the exit code says yes."""
    found = examine(project)

    assert bad(found) == []
    assert {"canvas", "disk", "database", "objects", "online store", "code", "processes", "audit log"} <= {
        one.area for one in found
    }
    assert main(["--project", str(project), "doctor", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(found)


def test_a_canvas_with_mistakes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each mistake with its place; nothing else is opened."""
    (project / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: churn, nam: x}\nvalu: 1\n")

    code = main(["--project", str(project), "doctor"])

    said = capsys.readouterr().out
    assert code == 1
    assert "canvas.yaml:2:24" in said
    assert "canvas.yaml:3:1" in said


def test_a_database_that_is_none(project: Path) -> None:
    """The file was overwritten by something else."""
    for extra in ("", "-wal", "-shm"):
        (project / f".stackcanvas/metadata.db{extra}").unlink(missing_ok=True)
    (project / ".stackcanvas/metadata.db").write_bytes(b"not a database, though long enough to look like one" * 50)

    (finding,) = bad(examine(project))

    assert finding.area == "database"


def test_an_altered_audit_log(project: Path) -> None:
    """One entry was changed by hand."""
    with open_stack(project) as stack:
        with stack.spine.write() as tx:
            stack.spine.audit.add(tx, "tested", Ref("data", "odd"))
            tx.execute(update(audit).where(audit.c.sequence == 1).values(action="other"))
        damaged = fsck(stack).damage

    assert [(one.area, one.what) for one in bad(examine(project))] == [("audit log", "entry 1 was altered")]
    assert [(one.ref, one.what) for one in damaged] == [("audit log", "entry 1 was altered")]


def test_a_process_that_was_killed(project: Path) -> None:
    """It said that it runs, and it does not."""
    place = project / ".stackcanvas" / "run"
    place.mkdir(exist_ok=True)
    (place / "worker.json").write_text(json.dumps({"pid": 2**22 - 1, "started": "2026-11-23T09:00:00+00:00"}))

    (finding,) = bad(examine(project))

    assert (finding.area, finding.fix) == ("processes", "stackcanvas up")


def test_a_flipped_bit_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the version that suffers, by exit code 1."""
    victim = max(
        (project / ".stackcanvas/objects/data").rglob("*"), key=lambda one: one.is_file() and one.stat().st_size
    )
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)

    code = main(["--project", str(project), "fsck", "--format", "json"])

    told = json.loads(capsys.readouterr().out)
    assert code == 1
    assert {one["ref"] for one in told["damage"]} == {"data:large@1"}


def test_what_takes_space(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of it, once."""
    with open_stack(project) as stack:
        found = usage(stack)

    kept = sum(one.size_bytes for one in found if one.what.startswith("objects: "))
    lying = [one for one in (project / ".stackcanvas/objects").rglob("*") if one.is_file()]
    assert kept == sum(one.stat().st_size for one in lying)
    assert found == sorted(found, key=lambda one: (-one.size_bytes, one.what))
    assert main(["--project", str(project), "du"]) == 0
    assert "objects: data" in capsys.readouterr().out

"""A stack moves to other addresses with every record and byte, or stays where it is."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.cli.main import main
from stackcanvas.errors import BadInputs, Conflict, Refused, Usage
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.moving import move
from stackcanvas.stack.running import announce


def seen(stack: Stack) -> dict[str, object]:
    """What a user finds in a stack."""
    return {
        "data": [(one.name, one.digest, one.message) for one in stack.data.ls()],
        "damaged": stack.data.verify().problems,
        "runs": sorted((run.name, repr(sorted(run.metrics.items()))) for run in stack.experiments.search()),
        "audit": stack.spine.audit.verify(),
        "events": [event.name for event in stack.spine.events.after(0)],
    }


def look(root: Path) -> dict[str, object]:
    """The same, of the project as it is opened anew."""
    with open_stack(root) as stack:
        return seen(stack)


def test_to_postgresql_and_s3_and_back(project: Path, postgres_url: str, s3_url: str) -> None:
    """Everything is there after each move, new records get new numbers, and the canvas keeps every other byte."""
    before, text = look(project), (project / "canvas.yaml").read_text()

    there = move(project, database="${NEW_HOME}", objects=s3_url, environ={**os.environ, "NEW_HOME": postgres_url})

    assert there.copied is not None
    assert (there.copied.sent, there.copied.objects) == (there.copied.objects, len(list(open_objects(s3_url).list())))
    assert there.left is not None
    assert there.left.is_file()
    assert (project / "canvas.yaml").read_text().startswith(text)
    assert postgres_url not in (project / "canvas.yaml").read_text()
    environ = {**os.environ, "NEW_HOME": postgres_url}
    with open_stack(project, environ=environ) as stack:
        assert seen(stack) == before
        with stack.experiments.run("a new one"):
            pass
        after = seen(stack)

    back = move(project, database="sqlite:///back.db", objects="back", environ=environ)

    assert look(project) == after
    assert back.rows > there.rows


def test_what_is_wrong_is_said_before_anything_is_copied(project: Path, tmp_path: Path) -> None:
    """No address, the same address, no address at all: one sentence each, and the canvas as it was."""
    text = (project / "canvas.yaml").read_bytes()
    with pytest.raises(Usage, match="lie there already"):
        move(project)
    with pytest.raises(Usage, match="lie there already"):
        move(project, database="sqlite:///.stackcanvas/metadata.db")
    with pytest.raises(BadInputs):
        move(project, database="mysql://here/there")
    assert (project / "canvas.yaml").read_bytes() == text


def test_other_records_are_never_written_over(project: Path, tmp_path: Path) -> None:
    """A database that belongs to another project is refused."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: other}\n")
    with open_stack(other) as stack, stack.experiments.run("theirs"):
        pass
    taken = f"sqlite:///{other}/.stackcanvas/metadata.db"

    with pytest.raises(Conflict, match="other records"):
        move(project, database=taken)

    assert look(project)["runs"]
    with open_stack(other) as stack:
        assert [run.name for run in stack.experiments.search()] != []


def test_nothing_moves_while_a_process_runs(project: Path) -> None:
    """The worker would go on writing to the old place."""
    with open_stack(project) as stack:
        announce(stack.folder, "worker", started=stack.spine.clock.now())

    with pytest.raises(Refused, match="the stack runs: worker"):
        move(project, database="sqlite:///new.db")


def test_an_empty_database_does_not_hide_the_records(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody edits the address by hand: the way that takes the records along is named."""
    with (project / "canvas.yaml").open("a") as file:
        file.write("metadata: {store: {url: 'sqlite:///elsewhere.db'}}\n")

    code = main(["--project", str(project), "experiments", "ls"])

    assert code == 1
    assert "stackcanvas move --to URL" in capsys.readouterr().err


def test_the_command_tells_what_it_did(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON for programs."""
    code = main(["--project", str(project), "move", "--to", "sqlite:///new.db", "--format", "json"])

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["database"].endswith("/new.db")
    assert sum(table["rows"] for table in told["tables"]) > 20


_MOVE = """
import sys
from stackcanvas.stack.moving import move
sys.stdout.write("ready\\n")
sys.stdout.flush()
move(sys.argv[1], database="sqlite:///new.db", objects="new")
"""


def kill_and_check(project: Path, seed: int) -> None:
    """A move that is killed somewhere leaves a project that works, and the next one ends it."""
    before = look(project)
    child = subprocess.Popen([sys.executable, "-c", _MOVE, str(project)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    timer = threading.Timer(random.Random(seed).uniform(0, 0.6), child.send_signal, [signal.SIGKILL])
    timer.start()
    child.wait()
    timer.cancel()
    child.stdout.close()

    assert look(project) == before
    if "new.db" not in (project / "canvas.yaml").read_text():
        move(project, database="sqlite:///new.db", objects="new")
    assert look(project) == before


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_a_random_moment(project: Path, seed: int) -> None:
    """A seeded sample."""
    kill_and_check(project, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 200))
def test_killed_at_many_random_moments(project: Path, seed: int) -> None:
    """The same by the hundred."""
    kill_and_check(project, seed)

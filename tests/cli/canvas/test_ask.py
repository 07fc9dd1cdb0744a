"""`stackcanvas canvas ask` on a terminal: a person who has never seen a canvas, and who changes their mind."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stackcanvas.canvas import load


class Person:
    """Somebody at a terminal, who reads until something is asked and then types a line."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self.seen = ""

    def reads(self, text: str) -> str:
        """Read on until `text` has appeared and a line is asked for; gives what was read."""
        raw, read = b"", ""
        while text not in read or not read.rstrip(" ").endswith(">"):
            ready, _, _ = select.select([self._terminal], [], [], 30)
            assert ready, f"{text!r} was never read; the end was: {read[-600:]}"
            raw += os.read(self._terminal, 65536)
            read = re.sub(r"\x1b\[[0-9;]*m", "", raw.decode("utf-8", "replace"))
        self.seen += read
        return read

    def types(self, line: str) -> None:
        """Type a line."""
        os.write(self._terminal, f"{line}\n".encode())

    def interrupts(self) -> None:
        """Press Ctrl-C, as the terminal hears it, and once more where nothing happens."""
        for _ in range(3):
            os.killpg(self.process.pid, signal.SIGINT)
            ready, _, _ = select.select([self._terminal], [], [], 5)
            if ready:
                return

    def leaves_out_until(self, text: str) -> None:
        """Answer nothing to what comes, until something is asked for."""
        while text not in self.reads(""):
            self.types("")

    def ends(self) -> str:
        """Read to the end; gives what was read."""
        read = b""
        while True:
            ready, _, _ = select.select([self._terminal], [], [], 30)
            assert ready, f"it does not end; the end was: {read[-600:].decode('utf-8', 'replace')}"
            try:
                more = os.read(self._terminal, 65536)
            except OSError:
                break
            if not more:
                break
            read += more
        assert self.process.wait(20) == 0, read.decode()
        return read.decode()


@contextmanager
def interview(folder: Path, *options: str) -> Iterator[Person]:
    """An interview on a terminal of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stackcanvas.cli", "canvas", "ask", *options],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        # A shell starts what runs in its background with interrupts ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads are started here
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    try:
        yield Person(process, ours)
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
        process.wait(20)


def test_a_beginner_is_led_through_and_can_go_on_later(tmp_path: Path) -> None:
    """No canvas yet, help, a wrong answer, a step back, a stop; the next sitting goes on with what is open."""
    with interview(tmp_path) as person:
        person.reads("How far is the team?")
        person.types("?")
        person.reads("nobody is graded")
        person.types("1")
        person.reads("How far does it want to be?")
        person.types("tactical")
        person.reads("Does a law or an auditor ask")
        person.types("perhaps")
        person.reads("Write yes or no.")
        person.types("n")
        person.reads("In which currency")
        person.types("<")
        person.reads("Enter: no")
        person.types("yes")
        person.reads("In which currency")
        person.types("EUR")
        person.reads("What is this, for whom")
        person.types("skip")
        person.reads("What are we trying to do")
        person.types("Nobody waits, not even on Fridays")
        person.reads("Which problem does it solve?")
        person.types("stop")
        assert "2 questions answered" not in person.ends()

    canvas = load(tmp_path / "canvas.yaml")
    assert canvas.project.maturity.now == "tactical"
    assert canvas.project.regulated is True
    assert canvas.answered == ("value.goal",)

    with interview(tmp_path) as person:
        person.reads("What is this, for whom")
        person.types("skip")
        person.reads("Which problem does it solve?")
        person.types("stop")
        person.ends()


def test_an_answer_of_parts_is_asked_part_by_part(tmp_path: Path) -> None:
    """Entries of a list, choices by number, a wrong size told at once, back into the part before."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: x}  # ours\n")
    with interview(tmp_path, "--block", "data", "--all") as person:
        person.reads("Must data be versioned")
        person.types("2")
        person.reads("Which data do we use")
        person.types("y")
        person.reads("Name:")
        person.types("orders")
        person.reads("Ownership:")
        person.types("<")
        person.reads("Enter: orders")
        person.types("baskets")
        person.reads("Ownership:")
        person.types("1")
        person.reads("More details")
        person.types("y")
        person.leaves_out_until("Size:")
        person.types("huge")
        person.reads("is not a size")
        person.types("20GB")
        person.leaves_out_until("Another one?")
        person.types("")
        person.reads("Where do the data live?")
        person.types("stop")
        person.ends()

    canvas = load(tmp_path / "canvas.yaml")
    assert canvas.locate("data") == (
        {"versioning": "mandatory", "sources": ({"name": "baskets", "ownership": "owned", "size": "20GB"},)},
        "canvas.yaml:5:3",
    )
    assert "# ours" in (tmp_path / "canvas.yaml").read_text()


def test_a_contradiction_is_told_when_it_arises(tmp_path: Path) -> None:
    """Right after the answer that causes it, and once."""
    text = "stackcanvas: 1\nproject: {name: x}\ndata: {versioning: mandatory}\n"
    (tmp_path / "canvas.yaml").write_text(text)
    with interview(tmp_path, "--block", "data", "--all") as person:
        for question in ("Which data do we use", "Where do the data live", "Must people label"):
            person.reads(question)
            person.types("skip")
        person.reads("How are the data of each trained model kept?")
        person.types("0")
        person.reads("More details")
        person.types("")
        assert "Mind: data.versioning is mandatory" in person.reads("Which tools prepare data?")
        person.types("stop")
        assert "1 contradiction" in person.ends()


@pytest.mark.parametrize("way", ["end of input", "interrupt"])
def test_leaving_in_the_middle_loses_nothing(tmp_path: Path, way: str) -> None:
    """Ctrl-D and Ctrl-C end the interview; the answers are in the file."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: x}\n")
    with interview(tmp_path, "--block", "registry", "--all") as person:
        person.reads("Is a model registry needed")
        person.types("mandatory")
        person.reads("Where are models kept?")
        if way == "interrupt":
            person.interrupts()
        else:
            os.write(person._terminal, b"\x04")
        person.ends()

    assert load(tmp_path / "canvas.yaml").get("registry.needed") == "mandatory"


def test_all_that_is_answered_can_be_asked_again(tmp_path: Path) -> None:
    """With --again Enter keeps an answer; nothing is written, so not a byte changes."""
    text = "stackcanvas: 1\nproject: {name: x}\nregistry: {needed: optional, versioning: semantic}\n"
    (tmp_path / "canvas.yaml").write_text(text)
    with interview(tmp_path, "--block", "registry", "--again") as person:
        person.reads("Enter: optional")
        person.types("")
        person.reads("Where are models kept?")
        person.types("skip")
        person.reads("Enter: semantic")
        person.types("")
        person.reads("May models that run Python")
        person.types("")
        person.ends()

    assert (tmp_path / "canvas.yaml").read_text() == text

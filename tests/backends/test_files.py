"""Whole files or none, and errors said plainly."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from stackcanvas.backends.files import Scratch, make_folder, unavailable

_KILLED = """
import os, signal, sys
from pathlib import Path
from stackcanvas.backends.files import Scratch
with Scratch(Path(sys.argv[1])).room() as room, Scratch(Path(sys.argv[1])).file() as (file, path):
    (room / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_scratch_file_is_gone_at_the_end(tmp_path: Path) -> None:
    """What was not moved to its place is removed, also after an error."""
    scratch = Scratch(tmp_path / "deep" / "scratch")
    with scratch.file() as (file, path):
        file.write(b"whole")
        file.flush()
        path.rename(tmp_path / "kept")
    with pytest.raises(RuntimeError), scratch.room() as room:
        (room / "file").write_text("")
        raise RuntimeError

    assert (tmp_path / "kept").read_bytes() == b"whole"
    assert list((tmp_path / "deep" / "scratch").iterdir()) == []


def test_left_overs_of_the_killed_are_swept(tmp_path: Path) -> None:
    """Files and rooms of a process that was killed are removed by the next, those of a living one are not."""
    for _ in range(2):
        subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    assert list(tmp_path.rglob("half"))

    with Scratch(tmp_path).room() as living:
        (living / "mine").write_text("mine")
        with Scratch(tmp_path).file():
            pass
        assert (living / "mine").read_text() == "mine"

    assert list(tmp_path.iterdir()) == []


def test_folders(tmp_path: Path) -> None:
    """Folders are made with those above them; a file in the way is an error of the system."""
    make_folder(tmp_path / "a" / "b" / "c")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")

    assert (tmp_path / "a" / "b" / "c").is_dir()
    with pytest.raises(NotADirectoryError):
        make_folder(tmp_path / "file" / "b")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "x: the disk is full. Free some space"),
        (errno.EROFS, "x: the file system is read-only"),
        (errno.EACCES, "x: permission denied"),
        (errno.EIO, "x: Input/output error"),
        (None, "x: no number"),
    ],
)
def test_sentences(number: int | None, said: str) -> None:
    """Each error of the system is a sentence with what can be done."""
    error = OSError("no number") if number is None else OSError(number, "Input/output error")

    assert str(unavailable(error, "x")).startswith(said)

"""The file that ties versions of data to a state of the code."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.backends.files import Scratch
from stackcanvas.data.lockfile import Locked, LockFile
from stackcanvas.errors import BadInput, Conflict

_AB = "ab" * 32


@pytest.fixture
def lock(tmp_path: Path) -> LockFile:
    """The lock file of a project without one."""
    (tmp_path / "project").mkdir()
    return LockFile(tmp_path / "project", Scratch(tmp_path / "cache" / "writing"))


def test_no_file_is_no_versions(lock: LockFile) -> None:
    """A project without the file has no line."""
    assert lock.read() == {}


def test_one_line_for_each_data_set(lock: LockFile) -> None:
    """Lines are sorted by name; a new version takes the place of the old, others stay."""
    lock.note("weather", Locked(1, _AB))
    lock.note("flights", Locked(1, _AB))
    lock.note("flights", Locked(2, "cd" * 32))

    assert lock.path.read_text().splitlines()[1:] == [
        f"flights: {{number: 2, digest: {'cd' * 32}}}",
        f"weather: {{number: 1, digest: {_AB}}}",
    ]
    assert lock.read() == {"flights": Locked(2, "cd" * 32), "weather": Locked(1, _AB)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12) | st.just("no"))
def test_any_name(lock: LockFile, name: str) -> None:
    """Names that YAML would read as something else come back as they were."""
    lock.path.unlink(missing_ok=True)
    lock.note(name, Locked(1, _AB))

    assert lock.read() == {name: Locked(1, _AB)}


def test_writers_at_the_same_time(lock: LockFile) -> None:
    """No line is lost when several write at once."""
    threads = [
        threading.Thread(target=lock.note, args=(f"set{number:02d}", Locked(number, _AB))) for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(lock.read()) == [f"set{number:02d}" for number in range(20)]


def test_the_marks_of_a_merge(lock: LockFile) -> None:
    """A merge conflict is explained with its line, and nothing is written over it."""
    text = "a: {number: 1, digest: ab}\n<<<<<<< HEAD\nb: {number: 1, digest: ab}\n=======\n"
    lock.path.write_text(text)

    with pytest.raises(Conflict, match=r"data\.lock:2: a merge left its marks"):
        lock.note("c", Locked(1, _AB))
    assert lock.path.read_text() == text


@pytest.mark.parametrize("text", ["- a", "a: 1", "a: {number: x, digest: y}", "a: {", "just text", b"\xff\xfe"])
def test_what_is_no_lock_file(lock: LockFile, text: str | bytes) -> None:
    """Anything else is refused with the way out."""
    lock.path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(BadInput, match="lock file cannot be read"):
        lock.read()

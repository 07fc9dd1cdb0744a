"""The folder as an object store."""

from __future__ import annotations

import errno
import os
import resource
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.backends.objects.folder import FolderObjects
from stackcanvas.errors import Conflict, Unavailable
from stackcanvas.testing.objects import ObjectsSuite

_WRITE_FOREVER = """
import sys
from pathlib import Path
from stackcanvas.backends.objects import open_objects
objects = open_objects(sys.argv[1])
print("ready", flush=True)
for number in range(10**9):
    objects.put("value", (b"%d" % (number % 10)) * 500_000)
"""


class TestFolderObjects(ObjectsSuite):
    @pytest.fixture
    def open_empty(self, tmp_path: Path) -> Callable[[], Objects]:
        """Opens a new folder."""
        return lambda: FolderObjects(tmp_path / secrets.token_hex(4))


def test_a_key_that_is_the_folder_of_another(tmp_path: Path) -> None:
    """A folder cannot hold `a` and `a/b`: the second is a conflict, whichever it is."""
    objects = FolderObjects(tmp_path)
    objects.put("a", b"1")
    objects.put("b/c", b"1")

    with pytest.raises(Conflict):
        objects.put("a/b", b"2")
    with pytest.raises(Conflict):
        objects.put("b", b"2")


def test_two_stores_on_one_folder(tmp_path: Path) -> None:
    """What one store writes, another on the same folder reads."""
    open_objects(tmp_path / "store").put("key", b"value")

    assert open_objects((tmp_path / "store").as_uri()).get("key") == b"value"


def test_a_killed_writer(tmp_path: Path) -> None:
    """Killed while it writes, it leaves a whole value and no file that anybody sees or that stays."""
    url = tmp_path.as_uri()
    for number in range(5):
        with subprocess.Popen([sys.executable, "-c", _WRITE_FOREVER, url], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            threading.Event().wait(0.02 * number)
            writer.send_signal(signal.SIGKILL)

    objects = open_objects(url)
    assert [info.key for info in objects.list()] in ([], ["value"])
    if objects.size("value") is not None:
        assert set(objects.get("value")) <= set(b"0123456789")
        assert objects.size("value") == 500_000
        assert len(set(objects.get("value"))) == 1
    objects.put("other", b"")
    assert list((tmp_path / ".writing").iterdir()) == []


def test_a_living_writer_is_not_swept(tmp_path: Path) -> None:
    """The file of a put that is still running survives another store's first write."""
    source = tmp_path / "source"
    os.mkfifo(source)
    written = threading.Thread(target=lambda: FolderObjects(tmp_path / "store").put_file("slow", source))
    written.start()
    with source.open("wb") as pipe:
        pipe.write(b"first ")
        pipe.flush()
        FolderObjects(tmp_path / "store").put("quick", b"")
        pipe.write(b"second")
    written.join()

    assert FolderObjects(tmp_path / "store").get("slow") == b"first second"


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old value stands, nothing half is left, and the sentence says so."""
    objects = FolderObjects(tmp_path)
    objects.put("key", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(Unavailable, match="the disk is full"):
        objects.put("key", b"new")

    assert objects.get("key") == b"old"
    assert list((tmp_path / ".writing").iterdir()) == []


def test_a_limit_of_the_system(tmp_path: Path) -> None:
    """A write that the system cuts short is undone."""
    code = "import sys; from stackcanvas.backends.objects import *; open_objects(sys.argv[1]).put('k', b'x' * 10**6)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )

    assert "larger than this system allows" in done.stderr
    assert list(open_objects(tmp_path).list()) == []


def test_a_store_that_is_a_file(tmp_path: Path) -> None:
    """A store whose folder is a file says so."""
    (tmp_path / "store").write_text("a file")

    with pytest.raises(Unavailable):
        FolderObjects(tmp_path / "store").put("key", b"")

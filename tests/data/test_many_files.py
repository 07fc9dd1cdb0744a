"""A hundred thousand small files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.data import Data

_LONG_AGO = 1_600_000_000


@pytest.mark.soak
def test_a_hundred_thousand_small_files(data: Data, root: Path, tmp_path: Path) -> None:
    """Committed, changed, looked at, pushed, pulled, cleared and checked out, in few packs."""
    folder = root / "many"
    for number in range(100_000):
        path = folder / f"{number % 100:02}" / f"{number}"
        if number < 100:
            path.parent.mkdir(parents=True)
        path.write_bytes(b"%d" % number * 20)
        os.utime(path, (_LONG_AGO, _LONG_AGO))

    made = data.commit("many", folder)
    assert (made.files, data.commit("many", folder).existed) == (100_000, True)
    assert [one.state for one in data.status()] == ["unchanged"]
    (folder / "00" / "0").write_bytes(b"changed")
    (folder / "01" / "1").unlink()
    (one,) = data.status()
    assert (one.changed, one.removed) == (("00/0",), ("01/1",))
    second = data.commit("many", folder)
    assert second.new_bytes < made.new_bytes
    found = data.diff("many@1", "many@2")
    assert (found.changed, found.removed, found.added) == (("00/0",), ("01/1",), ())

    sent = data.push(to=str(tmp_path / "remote"))
    assert sent.packs < 10
    assert len(list(open_objects(tmp_path / "remote").list())) < 40
    assert data.push(to=str(tmp_path / "remote")).packs == 0
    data.forget("many@1")
    data.gc()
    assert data.verify().sound
    data.checkout("many", tmp_path / "out")
    assert (tmp_path / "out" / "99" / "99999").read_bytes() == b"99999" * 20
    assert sum(len(names) for _, _, names in os.walk(tmp_path / "out")) == 99_999

"""Several processes commit to one store at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from stackcanvas.backends.objects import open_objects
from stackcanvas.data import Data
from stackcanvas.metadata import Spine

_WORKER = Path(__file__).with_name("data_worker.py")


def test_three_processes(shared_url: str, shared_spine: Spine, tmp_path: Path) -> None:
    """Every commit of every process is there under a number of its own, and all is sound."""
    command = [sys.executable, str(_WORKER), shared_url, str(tmp_path)]
    workers = [subprocess.Popen([*command, str(seed), "4"], stdout=subprocess.PIPE, text=True) for seed in range(3)]
    answers = [worker.communicate(timeout=120)[0] for worker in workers]

    assert [worker.returncode for worker in workers] == [0] * 3
    made = [tuple(line.split()) for answer in answers for line in answer.splitlines()[1:]]
    assert len(made) == 12
    assert len(set(made)) == 12
    data = Data(shared_spine, open_objects(tmp_path / "objects"), tmp_path, tmp_path / "cache")
    assert {(str(version.ref), version.digest) for version in data._parts.versions.every()} == set(made)
    assert data.verify().problems == ()
    data.close()

"""DVC on the folder or file of `bench_data`: the seconds of one piece of work in process, the import not counted."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from dvc.repo import Repo  # type: ignore[import-not-found,unused-ignore]

work, source = sys.argv[1], Path(sys.argv[2])
# On the disk of the source, or copying would be measured against another disk.
with tempfile.TemporaryDirectory(dir=source.parent) as folder:
    os.chdir(folder)
    (shutil.copytree if source.is_dir() else shutil.copy2)(source, "set")
    repo = Repo.init(no_scm=True)
    if work != "add":
        repo.add(["set"])
    if work == "checkout":
        shutil.rmtree("set")
    if work in {"push", "pull"}:
        (Path(folder) / "remote").mkdir()
        with repo.config.edit() as settings:
            settings["remote"]["store"] = {"url": f"{folder}/remote"}
            settings["core"]["remote"] = "store"
        repo = Repo()
    if work == "pull":
        repo.push()
        shutil.rmtree(Path(folder) / ".dvc" / "cache")
    if work == "gc":
        for path in sorted(Path("set").iterdir())[1::2]:
            path.unlink()
        repo.add(["set"])
    os.sync()
    start = time.perf_counter()
    if work in {"add", "again"}:
        repo.add(["set"])
    elif work == "status":
        repo.status()
    elif work == "push":
        repo.push()
    elif work == "pull":
        repo.fetch()
    elif work == "gc":
        repo.gc(workspace=True)
    else:
        repo.checkout()
    print(json.dumps({"value": time.perf_counter() - start}))

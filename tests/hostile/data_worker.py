"""Commits again and again and says so after each: `data_worker.py URL ROOT SEED TIMES`, for ever when TIMES is 0."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import polars as pl

from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import SystemClock
from stackcanvas.data import Data, DataVersion
from stackcanvas.data.store import writer
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine


def open_data(url: str, root: Path) -> Data:
    """The block over a workspace whose tables exist."""
    clock = SystemClock()
    spine = Spine(open_database(url), clock=clock, ids=Ids(clock.now), actor=Actor("worker"))
    return Data(spine, open_objects(root / "objects"), root, root / "cache")


def change_files(data: Data, folder: Path, draw: random.Random) -> DataVersion:
    """Change one file of a folder."""
    folder.mkdir(exist_ok=True)
    for number in range(5):
        if not (folder / f"{number}.bin").exists():
            (folder / f"{number}.bin").write_bytes(draw.randbytes(3000))
    (folder / f"{draw.randrange(5)}.bin").write_bytes(draw.randbytes(3000))
    return data.commit("files", folder)


def change_large(data: Data, path: Path, draw: random.Random) -> DataVersion:
    """Change a few bytes of a large file."""
    content = bytearray(path.read_bytes() if path.exists() else draw.randbytes(1_500_000))
    start = draw.randrange(len(content))
    content[start : start + 5] = draw.randbytes(9)
    path.write_bytes(content)
    return data.commit("large", path)


def change_rows(data: Data, draw: random.Random) -> DataVersion:
    """Commit some rows."""
    rows = [draw.randrange(10**9) for _ in range(20_000)]
    return data.commit("rows", pl.DataFrame({"x": rows}), tags=["last"] if draw.random() < 0.01 else [])


def main(url: str, root: Path, seed: int, times: int) -> None:
    """Commit in turns."""
    vars(writer)["PACK_BYTES"] = 300_000  # several packs to a commit, so that a kill falls between them
    draw = random.Random(seed)
    data = open_data(url, root)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    done = 0
    while done < times or not times:
        turn = draw.randrange(3)
        if turn == 0:
            made = change_files(data, root / f"files-{seed}", draw)
        elif turn == 1:
            made = change_large(data, root / f"large-{seed}", draw)
        else:
            made = change_rows(data, draw)
        done += 1
        sys.stdout.write(f"{made.ref} {made.digest}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))

"""Versions of data: adding, checking out and editing, beside bare hashing and copying, and beside DVC."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from blake3 import blake3

from benchmarks.harness import Peer, Row, run
from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import SystemClock
from stackcanvas.data import Data
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load

_FILES, _FILE_BYTES = 10_000, 10_000
_LARGE_BYTES = 1 << 30
_TABLE_ROWS = 2_300_000
_LONG_AGO = 1_600_000_000
_DVC = ("dvc>=3.60",)


@contextmanager
def opened(root: Path) -> Iterator[Data]:
    """A block over a workspace of its own."""
    root.mkdir(exist_ok=True)
    database = open_database(f"sqlite:///{root}/metadata.db")
    prepare(database, load)
    clock = SystemClock()
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("benchmark"))
    data = Data(spine, open_objects(root / "objects"), root, root / "cache")
    yield data
    data.close()
    database.close()


@contextmanager
def fresh(folder: Path, *, keep: bool = False) -> Iterator[Path]:
    """A new folder; removed at the end unless kept: a file system that has just lost many files is slow to make new."""
    made = Path(tempfile.mkdtemp(dir=folder))
    yield made
    if not keep:
        shutil.rmtree(made)


def make_files(folder: Path) -> Path:
    """Ten thousand files, half of each compressible."""
    draw = random.Random(0)
    folder.mkdir()
    for number in range(_FILES):
        path = folder / f"{number:05d}"
        path.write_bytes(draw.randbytes(_FILE_BYTES // 2) + b"x" * (_FILE_BYTES // 2))
        os.utime(path, (_LONG_AGO, _LONG_AGO))
    return folder


def make_large(path: Path, *, text: bool) -> Path:
    """One gigabyte of noise, or of lines like those of a table."""
    draw = random.Random(0)
    with path.open("wb") as file:
        while file.tell() < _LARGE_BYTES:
            if text:
                days = (
                    f"2013-{draw.randrange(1, 13)},{draw.randrange(9999)},EWR,{draw.random():.3f}\n"
                    for _ in range(1 << 16)
                )
                file.write("".join(days).encode())
            else:
                file.write(draw.randbytes(1 << 24))
    os.utime(path, (_LONG_AGO, _LONG_AGO))
    return path


def table(rows: int, seed: int = 0) -> pl.DataFrame:
    """A table of twelve columns, about 45 bytes a row when stored."""
    draw = np.random.default_rng(seed)
    minutes = np.sort(draw.integers(0, 525_600, rows))
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "time": pl.Series(minutes * 60_000_000).cast(pl.Datetime("us")),
            "price": np.round(draw.lognormal(3, 1, rows), 2),
            "score": draw.random(rows),
            "amount": draw.normal(size=rows),
            "x": draw.normal(size=rows),
            "y": draw.normal(size=rows).astype(np.float32),
            "count": draw.poisson(3, rows),
            "user": draw.integers(0, 10**6, rows),
            "origin": pl.Series(draw.choice(["EWR", "JFK", "LGA"], rows)),
            "city": pl.Series(draw.choice([f"city{number:03d}" for number in range(200)], rows)),
            "note": pl.Series([f"n{number:x}" for number in draw.integers(0, 2**40, rows)]),
        }
    )


def edits(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The table with one percent changed, in several ways."""
    half, few = frame.height // 2, frame.height // 100
    new = table(few, seed=1)
    scores = pl.concat([frame["score"].head(half), new["score"], frame["score"].slice(half + few)])
    return {
        "1 % of the rows changed in one place": pl.concat([frame.head(half), new, frame.slice(half + few)]),
        "1 % of the rows inserted in one place": pl.concat([frame.head(half), new, frame.slice(half)]),
        "1 % of the rows deleted in one place": pl.concat([frame.head(half), frame.slice(half + few)]),
        "1 % of one column changed in one place": frame.with_columns(scores),
    }


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    os.sync()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def add(folder: Path, source: Path) -> float:
    """Commit into an empty store."""
    with fresh(folder, keep=source.is_dir()) as root, opened(root) as data:
        return timed(lambda: data.commit("set", source))


def add_bare(folder: Path, source: Path) -> float:
    """Hash and copy."""
    with fresh(folder, keep=source.is_dir()) as target:

        def work() -> None:
            for path in sorted(source.iterdir()) if source.is_dir() else [source]:
                blake3(max_threads=blake3.AUTO).update_mmap(path)
            command = ["cp", "-r", str(source), str(target)]
            subprocess.run(command, check=True)

        return timed(work)


def checkout(folder: Path, data: Data, *, link: bool) -> float:
    """Check out into a new folder."""
    with fresh(folder, keep=True) as target:
        return timed(lambda: data.checkout("set", target / "out", link=link))


def checkout_bare(folder: Path, source: Path, *, link: bool) -> float:
    """Copy or link the folder."""
    with fresh(folder, keep=True) as target:
        command = ["cp", "-rl" if link else "-r", str(source), str(target / "out")]
        return timed(lambda: subprocess.run(command, check=True))


def push(folder: Path, data: Data) -> float:
    """Send everything to an empty remote in a folder."""
    with fresh(folder) as remote:
        return timed(lambda: data.push(to=str(remote / "store")))


def pull(folder: Path, remote: Path) -> float:
    """Bring everything into an empty workspace."""
    with fresh(folder) as root, opened(root) as data:
        return timed(lambda: data.pull(source=str(remote)))


def clear(folder: Path, source: Path) -> float:
    """Clear up after a version of 10,000 files was given up of which half are needed."""
    with fresh(folder) as root, opened(root) as data:
        data.commit("set", source)
        data.commit("set", sorted(source.iterdir())[::2])
        data.forget("set@1")
        return timed(data.gc)


def copy_bare(folder: Path, source: Path) -> float:
    """Copy a store."""
    with fresh(folder) as target:
        return timed(lambda: subprocess.run(["cp", "-r", str(source), str(target)], check=True))


def scan_bare(source: Path) -> float:
    """List and stat the files."""

    def work() -> None:
        with os.scandir(source) as entries:
            for entry in entries:
                entry.stat()

    return timed(work)


def status_command(project: Path) -> float:
    """The whole command, from the start of the interpreter."""
    command = [sys.executable, "-m", "stackcanvas.cli", "--project", str(project), "data", "status", "--format", "json"]
    return timed(lambda: subprocess.run(command, check=True, capture_output=True))


def new_share(folder: Path, before: pl.DataFrame, after: pl.DataFrame) -> float:
    """New bytes of the second version in percent of its size."""
    with fresh(folder) as root, opened(root) as data:
        data.commit("table", before)
        version = data.commit("table", after)
        return 100 * version.new_bytes / version.size_bytes


def new_share_csv(folder: Path) -> float:
    """The same for a CSV file that is kept byte for byte, one percent of its rows inserted in one place."""
    lines = table(400_000).write_csv().splitlines(keepends=True)
    with fresh(folder) as root, opened(root) as data:
        path = root / "table.csv"
        path.write_text("".join(lines))
        data.commit("table", path)
        new = table(4000, seed=1).write_csv().splitlines(keepends=True)[1:]
        path.write_text("".join([*lines[:200_000], *new, *lines[200_000:]]))
        version = data.commit("table", path)
        return 100 * version.new_bytes / version.size_bytes


def rows(stack: ExitStack) -> Sequence[Row]:
    """The rows of this family."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    small = make_files(folder / "small")
    noise, text = make_large(folder / "noise", text=False), make_large(folder / "text", text=True)
    project = folder / "project"
    project.mkdir()
    shutil.copy(str(files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"), project)
    shutil.copytree(small, project / "small")
    (project / ".stackcanvas").mkdir()
    data = stack.enter_context(opened(project))
    command = [sys.executable, "-m", "stackcanvas.cli", "--project", str(project), "data", "commit", "set", "small"]
    subprocess.run(command, check=True, capture_output=True, cwd=project)
    data.commit("set", project / "small")
    data.checkout("set", folder / "warm", link=True)

    def peer(work: str, source: Path) -> Peer:
        return Peer("dvc", _DVC, "peer_dvc.py", (work, str(source)))

    frame = table(_TABLE_ROWS)
    remote = folder / "remote"
    data.push(to=str(remote))
    return [
        Row(
            "add 10,000 files of 10 KB",
            "s",
            partial(add, folder, small),
            partial(add_bare, folder, small),
            peer("add", small),
            aim=0.9,
        ),
        Row(
            "the same again, nothing changed",
            "s",
            partial(timed, lambda: data.commit("set", project / "small")),
            peer=peer("again", small),
            aim=0.2,
        ),
        Row(
            "status of 10,000 unchanged files, in process",
            "s",
            partial(timed, data.status),
            partial(scan_bare, small),
            peer("status", small),
            aim=0.06,
        ),
        Row("status of 10,000 unchanged files, whole command", "s", partial(status_command, project), aim=0.3),
        Row(
            "add 1 GB that does not compress",
            "s",
            partial(add, folder, noise),
            partial(add_bare, folder, noise),
            peer("add", noise),
            aim=1.2,
        ),
        Row(
            "add 1 GB of text",
            "s",
            partial(add, folder, text),
            partial(add_bare, folder, text),
            peer("add", text),
            aim=2.0,
        ),
        Row(
            "check out 10,000 files, copies from packs",
            "s",
            partial(checkout, folder, data, link=False),
            partial(checkout_bare, folder, small, link=False),
            peer("checkout", small),
            aim=0.8,
        ),
        Row(
            "check out 10,000 files, links",
            "s",
            partial(checkout, folder, data, link=True),
            partial(checkout_bare, folder, small, link=True),
            aim=0.5,
        ),
        Row(
            "push 10,000 files to a remote in a folder",
            "s",
            partial(push, folder, data),
            partial(copy_bare, folder, project / "objects"),
            peer("push", small),
        ),
        Row(
            "pull 10,000 files into an empty workspace",
            "s",
            partial(pull, folder, remote),
            partial(copy_bare, folder, remote),
            peer("pull", small),
        ),
        Row("clear up, half of 10,000 files needed", "s", partial(clear, folder, small), peer=peer("gc", small)),
        *(
            Row(f"100 MB table, {name}", "% new bytes", partial(new_share, folder, frame, edited), aim=8)
            for name, edited in edits(frame).items()
        ),
        Row(
            "CSV file kept byte for byte, 1 % of the rows inserted in one place",
            "% new bytes",
            partial(new_share_csv, folder),
            aim=3,
        ),
    ]


if __name__ == "__main__":
    run("data", rows, packages=("polars", "pyarrow", "blake3", "pyfastcdc", "zstandard"))

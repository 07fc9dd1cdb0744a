"""Live runs: what they keep, in which form, and what stays when the process is killed."""

from __future__ import annotations

import contextvars
import io
import json
import os
import random
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.errors import BadInput, NotFound, StackCanvasError, Usage
from stackcanvas.experiments import Experiments, Wanted
from stackcanvas.metadata import Ref, Spine

# What a process that logs needs; it is forked again and again, because importing takes longer than logging.
PREPARE = textwrap.dedent("""
    import os, signal, sys, time
    from pathlib import Path
    from stackcanvas.backends.database import open_database
    from stackcanvas.backends.objects import open_objects
    from stackcanvas.clock import SystemClock
    from stackcanvas.experiments import Experiments
    from stackcanvas.ids import Ids
    from stackcanvas.metadata import Actor, Spine
    from stackcanvas.metadata.migrate import prepare
    from stackcanvas.stack.tables import load
    folder = Path(sys.argv[1])
    database = open_database(f"sqlite:///{folder}/metadata.db")
    prepare(database, load)
    clock = SystemClock()
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("ada"))
    experiments = Experiments(spine, open_objects(folder / "objects"))
""")


def script(tmp_path: Path, body: str, *words: str) -> str:
    """What a script over the workspace prints."""
    command = [sys.executable, "-c", PREPARE + textwrap.dedent(body), str(tmp_path), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout.strip()


def test_metrics_are_written_without_being_asked(experiments: Experiments) -> None:
    """A run that logs once and then computes for long has its value on record."""
    run = experiments.run("delay")
    run.log(loss=0.5)
    deadline = time.monotonic() + 30
    while not experiments.metrics(run.id, "loss") and time.monotonic() < deadline:
        threading.Event().wait(0.01)

    assert [one.value for one in experiments.metrics(run.id, "loss")] == [0.5]


def test_flush_and_end_leave_nothing_waiting(experiments: Experiments) -> None:
    """Every value is there when they return."""
    run = experiments.run("delay")
    for step in range(5000):
        run.log({"loss": step}, step=step)
    run.flush()
    assert len(experiments.metrics(run.id, "loss")) == 5000
    run.log({"loss": 0}, step=5000)
    run.end()
    assert len(experiments.metrics(run.id, "loss")) == 5001


def test_threads_log_beside_each_other(experiments: Experiments) -> None:
    """Eight threads, two runs, nothing lost and nothing twice."""
    runs = [experiments.run("delay"), experiments.run("churn")]

    def work(number: int) -> None:
        for step in range(500):
            runs[number % 2].log({f"loss{number}": step}, step=step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in runs:
        run.end()

    for number in range(8):
        history = experiments.metrics(runs[number % 2].id, f"loss{number}")
        assert [one.value for one in history] == list(range(500))


def test_metrics_that_could_not_be_written_are_not_lost(
    experiments: Experiments, spine: Spine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wait for the next time, in order."""
    run = experiments.run("delay")

    def full(**_: object) -> None:
        raise StackCanvasError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(spine.database, "write", full)
        run.log(loss=1.0)
        with pytest.raises(StackCanvasError):
            run.flush()
        with pytest.raises(StackCanvasError):
            run.end()
        run.log({"loss": 2.0}, step=1)
    run.end()

    assert [one.value for one in experiments.metrics(run.id, "loss")] == [1.0, 2.0]
    assert experiments.get(run.id).status == "finished"


@pytest.mark.parametrize(
    ("key", "value", "step"),
    [
        ("", 1, 0),
        ("a\0b", 1, 0),
        ("x" * 251, 1, 0),
        ("x", 1, 1 << 63),
        ("\udc80", 1, 0),
        ("x", 1, "3"),
        ("x", 10**400, 0),
        (5, 1, 0),
    ],
)
def test_what_no_database_can_hold_is_refused_at_once(
    experiments: Experiments, key: str, value: float, step: int
) -> None:
    """And does not stop what comes after it."""
    with experiments.run("delay") as run:
        with pytest.raises(BadInput):
            run.log({key: value}, step=step)
        with pytest.raises(BadInput, match="no metrics"):
            run.log(["loss", 1])  # type: ignore[arg-type]
        run.log({"fine": np.float32(1.0)}, step=np.int64(3))  # type: ignore[dict-item, arg-type]

    assert [(one.key, one.value, one.step) for one in experiments.get(run.id).metrics.values()] == [("fine", 1.0, 3)]


def test_metrics_are_durable_when_the_process_ends_without_a_word(tmp_path: Path) -> None:
    """A script that never ends its run, and a forked child of multiprocessing that returns."""
    said = script(
        tmp_path,
        """
        import multiprocessing
        run = experiments.run("delay")
        child = multiprocessing.get_context("fork").Process(target=lambda: run.log(child=0.5))
        child.start()
        child.join()
        run.log(loss=0.5)
        print(run.id)
        """,
    )

    names = "print(sorted(experiments.get(sys.argv[2]).metrics))"
    assert script(tmp_path, names, said) == "['child', 'loss']"


@pytest.mark.parametrize("processes", [1, 4])
def test_a_killed_process_leaves_what_it_logged_before(tmp_path: Path, processes: int) -> None:
    """Two dozen kills at any moment: a prefix of what was logged is there without a gap, and all that was flushed."""
    rounds = 24 // processes
    printed = script(
        tmp_path,
        f"""
        import json, random
        random.seed(7)
        told = []
        for number in range({rounds}):
            children = []
            for _ in range({processes}):
                reader, writer = os.pipe()
                child = os.fork()
                if child == 0:
                    run = experiments.run("delay")
                    run.log({{"loss": 0.0}}, step=0)
                    run.flush()
                    os.write(writer, run.id.encode())
                    step = 1
                    while True:
                        run.log({{"loss": float(step)}}, step=step)
                        step += 1
                        if step == 3000:
                            run.flush()
                            os.write(writer, b"!")
                        if step > 3000:
                            time.sleep(0.0001)
                children.append((child, reader))
            ids = [os.read(reader, 32).decode() for _, reader in children]
            # One round waits until all is flushed, however slow the machine is.
            said = [os.read(reader, 1) if number == 0 else b"" for _, reader in children]
            time.sleep(random.random() * 0.3)
            for child, _ in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            for run_id, (_, reader), waited in zip(ids, children, said):
                os.set_blocking(reader, False)
                try:
                    flushed = 3000 if waited or os.read(reader, 1) else 1
                except BlockingIOError:
                    flushed = 1
                told.append((run_id, flushed))
        found = [[flushed, [one.step for one in experiments.metrics(run_id, "loss")]] for run_id, flushed in told]
        print(json.dumps([[flushed, len(steps), steps == list(range(len(steps)))] for flushed, steps in found]))
        """,
    )
    found = json.loads(printed)

    assert len(found) == rounds * processes
    assert all(whole and count >= flushed for flushed, count, whole in found)
    assert any(count >= 3000 for _, count, _ in found), "the kills came too early to show anything"


def test_runs_are_nested(experiments: Experiments) -> None:
    """By the block of code, or by name where threads know nothing of the block."""
    with experiments.run("search") as outer:
        with experiments.run("search") as inner:
            inner.log(auc=0.5)
        outer.log(auc=0.6)
    with experiments.run("search", parent=str(outer.ref)) as other:
        pass

    parents = [experiments.get(run.id).parent for run in (outer, inner, other)]
    assert parents == [None, outer.id, outer.id]


def test_a_run_is_gone_on_with(experiments: Experiments) -> None:
    """In its own experiment, without repeating what is known; its parameters hold."""
    with pytest.raises(ValueError, match="power"), experiments.run("delay", parameters={"depth": 6}, seed=7) as run:
        run.log({"loss": 0.5}, step=0)
        raise ValueError("power")
    assert experiments.get(run.id).status == "failed"

    with experiments.run(id=run.id, parameters={"depth": 6}) as again:
        again.log({"loss": 0.25}, step=1)

    found = experiments.get(run.id)
    assert (found.status, found.experiment, found.seed, found.parent) == ("finished", "delay", 7, None)
    assert [one.value for one in experiments.metrics(run.id, "loss")] == [0.5, 0.25]
    with pytest.raises(NotFound):
        experiments.run(id="f" * 32)
    for wrong in ({}, {"experiment": "delay", "id": run.id}):
        with pytest.raises(Usage):
            experiments.run(**wrong)  # type: ignore[arg-type]


def test_what_was_read_through_the_stack_is_an_input(experiments: Experiments, spine: Spine) -> None:
    """Without saying it, in the run and in the work that it holds."""
    for number in (1, 2):
        with spine.write() as tx:
            spine.artifacts.add(tx, Ref.parse(f"data:flights@{number}"), digest=str(number) * 64)
    with experiments.run("delay") as run:
        with spine.record("features.join") as work:
            work.used(Ref.parse("data:flights@1"))
        run.log_input("flights@2", digest="2" * 64, context="training")

    inputs = experiments.get(run.id).inputs
    assert [(one.source, one.digest[:1], one.tags) for one in inputs] == [
        ("data:flights@1", "1", {}),
        ("data:flights@2", "2", {"context": "training"}),
    ]


class Figure:
    """Draws like the figures of plotting libraries."""

    def savefig(self, file: io.BytesIO, *, format: str) -> None:  # noqa: A002 - the libraries' own word
        """Write it."""
        file.write(f"drawn as {format}".encode())


def test_files_of_every_kind_are_kept(experiments: Experiments, tmp_path: Path) -> None:
    """Text, JSON, tables, figures, images, files and folders."""
    (tmp_path / "plots" / "deep").mkdir(parents=True)
    (tmp_path / "plots" / "deep" / "roc.txt").write_text("curve")
    rows = pl.DataFrame({"id": [1, 2], "name": ["a", "b"]})
    with experiments.run("delay") as run:
        run.log_artifact("notes.txt", "fine")
        run.log_artifact("scores.json", {"auc": 0.5, "worst": float("nan"), "each": np.array([1, 2])})
        run.log_artifact("rows.parquet", rows)
        run.log_artifact("rows.csv", rows)
        run.log_artifact("roc.svg", Figure())
        run.log_artifact("grey.png", np.array([[0.0, 1.0]]))
        run.log_artifact("plots", tmp_path / "plots")
        run.log_split(train=rows.select("id"), test=np.array([3, 4]))
        run.log_split(hold=pd.Series([5, 6]))
        for strange in (None, "abc", 3):
            with pytest.raises(BadInput, match="are no rows for 'hold'"):
                run.log_split(hold=strange)
        with pytest.raises(BadInput, match="is no table"):
            run.log_artifact("column.parquet", pd.Series([1]))
        refused = {
            "rows.xyz": rows,
            "nested.csv": pl.DataFrame({"each": [[1, 2]]}),
            "x.json": object(),
            "half.json": {"a": "\ud800"},
            "half.txt": "\ud800",
            "x.png": np.zeros((2, 2, 7)),
            "reproduce/changes.patch": "what is run again is the stack's own",
        }
        for path, content in refused.items():
            with pytest.raises(BadInput):
                run.log_artifact(path, content)
        with pytest.raises(NotFound):
            run.log_artifact("x", tmp_path / "nothing")

    def get(path: str) -> bytes:
        return experiments.files.get(run.id, path)

    assert get("notes.txt") == b"fine"
    assert json.loads(get("scores.json")) == {"auc": 0.5, "worst": "NaN", "each": [1, 2]}
    assert pl.read_parquet(get("rows.parquet")).equals(rows)
    assert get("rows.csv") == b"id,name\n1,a\n2,b\n"
    assert get("roc.svg") == b"drawn as svg"
    assert get("plots/deep/roc.txt") == b"curve"
    assert pl.read_parquet(get("split/train.parquet"))["id"].to_list() == [1, 2]
    assert json.loads(get("split/test.json")) == [3, 4]
    assert json.loads(get("split/hold.json")) == [5, 6]
    assert pixels(get("grey.png")) == (2, 1, b"\0\x00\xff")


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the lines of a PNG image; its checksums are looked at."""
    parts, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + data)
        parts[kind] = data
        at += 12 + length
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    return width, height, zlib.decompress(parts[b"IDAT"])


def test_how_busy_the_machine_is_becomes_metrics(experiments: Experiments) -> None:
    """A sample at the start; none when nobody asked."""
    with experiments.run("delay", system_metrics=60) as run:
        deadline = time.monotonic() + 30
        while not experiments.get(run.id).metrics and time.monotonic() < deadline:
            run.flush()
    with experiments.run("delay") as quiet:
        pass

    found = experiments.get(run.id).metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(found)
    assert 0 < found["system/system_memory_usage_percentage"].value <= 100
    assert experiments.get(quiet.id).metrics == {}
    with pytest.raises(BadInput):
        experiments.run("delay", system_metrics=-1)
    with experiments.run(id=run.id, system_metrics=60):
        pass
    assert (
        experiments.get(run.id).metrics["system/cpu_utilization_percentage"].step
        == len(experiments.metrics(run.id, "system/cpu_utilization_percentage")) - 1
    )


@pytest.fixture
def demanding(spine: Spine, tmp_path: Path) -> Experiments:
    """The block of a team that wants everything recorded."""
    kinds = ("code", "data", "parameters", "metrics", "artifacts", "environment", "seeds", "hardware", "notes")
    wanted = Wanted(kinds, ("auc", "revenue"))
    return Experiments(spine, open_objects(tmp_path / "objects"), wanted=wanted)


def test_a_run_that_lacks_what_the_canvas_wants_is_marked(demanding: Experiments) -> None:
    """Until it has it; a run that failed is not judged."""
    with demanding.run("delay", system_metrics=False) as run:
        pass
    lacking = ("data", "parameters", "metrics", "artifacts", "seeds", "notes", "metric auc", "metric revenue")
    assert demanding.get(run.id).missing == lacking

    with demanding.run(id=run.id, parameters={"depth": 6}, tags={"note": "better"}, system_metrics=False) as again:
        again.log(auc=0.5, revenue=3.0)
        again.log_artifact("x.txt", "x")
        again.log_input("flights@1", digest="1" * 64)
    assert demanding.get(run.id).missing == ("seeds",)
    assert [one.id for one in demanding.search(where=["tag.stackcanvas.incomplete LIKE '%seeds%'"])] == [run.id]

    with pytest.raises(ValueError, match="power"), demanding.run("delay", system_metrics=False) as failed:
        raise ValueError("power")
    assert demanding.get(failed.id).missing == ()


def test_a_notebook_leaves_its_cells(experiments: Experiments, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a script; and a run is shown as tables in which nothing is markup of its own."""
    history = ["", "import numpy", "%time fit()", "with run: ..."]
    shell = SimpleNamespace(user_ns={"In": history}, transform_cell=lambda cell: cell.replace("%time ", "timed: "))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    history.append("del run")
    with experiments.run("delay", name="<b>bold</b>", parameters={"depth": "<6>"}) as run:
        kept = experiments.files.get(run.id, "reproduce/notebook.py").decode()  # were the kernel killed now
        assert kept.endswith("# %%\ndel run\n")
        assert getattr(experiments.origins.get(run.id), "notebook", None)
        history.pop()
        run.log(auc=0.75)
        shown = run._repr_html_()

    script_of = experiments.files.get(run.id, "reproduce/notebook.py").decode()
    assert script_of == "# %%\nimport numpy\n\n# %%\ntimed: fit()\n\n# %%\nwith run: ...\n"
    assert "0.75" in shown
    assert "&lt;b&gt;bold" in shown
    assert "<6>" not in shown
    origin = experiments.origins.get(run.id)
    assert origin is not None
    assert origin.command == ()


def git(folder: Path, *words: str) -> str:
    """Call git as somebody."""
    named = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    return subprocess.run(["git", "-C", str(folder), *named, *words], check=True, capture_output=True, text=True).stdout


def test_what_a_run_needs_to_run_again_is_recorded(make_spine: Callable[..., Spine], tmp_path: Path) -> None:
    """Command, machine, uncommitted changes and the lock of the environment."""
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q")
    (project / "train.py").write_text("print(1)\n")
    (project / "requirements.lock").write_text("blake3==0.0.1 \\\n    --hash=sha256:aa\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "first")
    (project / "train.py").write_text("print(2)\n")
    (project / "new.py").write_text("print(3)\n")
    (project / "large.bin").write_bytes(random.Random(7).randbytes(1_100_000))
    spine = make_spine()
    spine.code = lambda: SimpleNamespace(commit=git(project, "rev-parse", "HEAD").strip(), dirty=True)  # type: ignore[assignment,return-value]
    experiments = Experiments(spine, open_objects(tmp_path / "objects"), root=project)
    with experiments.run("delay", seed=7) as run:
        pass

    origin: Any = experiments.origins.get(run.id)
    patch = experiments.files.get(run.id, "reproduce/changes.patch").decode()
    assert "+print(2)" in patch
    assert "+print(3)" in patch
    assert origin.left_out == ("large.bin",)
    assert origin.command == tuple(sys.orig_argv)
    assert origin.hardware["cores"] == os.cpu_count()
    environment = experiments.environment(str(experiments.get(run.id).environment))
    assert f"polars=={environment.packages['polars']}" in str(environment.lock)
    assert git(project, "status", "--porcelain").split() == ["M", "train.py", "??", "large.bin", "??", "new.py"]


def test_a_signal_that_ends_python_in_order_writes_what_waits(tmp_path: Path) -> None:
    """As Ctrl-C does."""
    body = """
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run where it is ignored
        run = experiments.run("delay")
        print(run.id, flush=True)
        run.log(loss=0.5)
        os.kill(os.getpid(), signal.SIGINT)
    """
    command = [sys.executable, "-c", PREPARE + textwrap.dedent(body), str(tmp_path)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=dict(os.environ))

    assert ended.returncode in {-signal.SIGINT, 130}
    assert script(tmp_path, "print(list(experiments.get(sys.argv[2]).metrics))", ended.stdout.strip()) == "['loss']"


def test_a_run_ends_as_its_block_is_left(tmp_path: Path) -> None:
    """A script that says it is done is; a forked child that leaves the block does not end the run of its parent."""
    body = """
        for number, code in enumerate((0, None, 3, "no")):
            try:
                with experiments.run("delay", name=f"{number}"):
                    sys.exit(code)
            except SystemExit:
                pass
        with experiments.run("delay", name="forked") as run:
            child = os.fork()
            if child == 0:
                run.log(child=1)
                sys.exit(7)
            os.waitpid(child, 0)
            run.log(parent=experiments.get(run.id).status == "running")
        found = experiments.search(order_by="name")
        print([one.status for one in found], sorted(found[-1].metrics), found[-1].metrics["parent"].value)
    """
    ends = "['finished', 'finished', 'failed', 'failed', 'finished']"
    assert script(tmp_path, body) == f"{ends} ['child', 'parent'] 1.0"


def test_a_run_ends_once(experiments: Experiments, spine: Spine) -> None:
    """As was said first, whatever the block comes to; what is logged afterwards is kept all the same."""
    with experiments.run("delay") as given_up:
        given_up.end("failed", error="too slow")
    with pytest.raises(ValueError, match="later"), experiments.run("delay") as done:
        done.end()
        done.log(after=1.0)
        raise ValueError("later")

    found = {one.id: one for one in experiments.search()}
    assert [found[run.id].status for run in (given_up, done)] == ["failed", "finished"]
    assert [spine.executions.get(run.id).state for run in (given_up, done)] == ["failed", "done"]
    assert list(found[done.id].metrics) == ["after"]


def test_a_block_may_end_in_another_context(experiments: Experiments) -> None:
    """As it does over several cells of a notebook, which have a context each."""
    run = experiments.run("delay")
    contextvars.copy_context().run(run.__enter__)
    run.__exit__(None, None, None)

    assert experiments.get(run.id).status == "finished"
    assert experiments.get(experiments.run("delay").id).parent is None


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_parameters_and_tags_have_names(experiments: Experiments, name: Any) -> None:
    """Nobody could ask for them without."""
    run = experiments.run("delay")
    for attempt in (
        lambda: run.log_parameters({name: 1}),
        lambda: run.set_tag(name, 1),
        lambda: experiments.run("delay", parameters={name: 1}),
        lambda: experiments.run("delay", tags={name: 1}),
    ):
        with pytest.raises(BadInput, match="is no name of a"):
            attempt()


def test_a_run_belongs_to_what_there_is(experiments: Experiments) -> None:
    """An experiment with a name, a parent that exists, an interval that is a number."""
    with pytest.raises(BadInput, match="empty"):
        experiments.run(" ")
    with pytest.raises(NotFound):
        experiments.run("delay", parent="f" * 32)
    with pytest.raises(BadInput, match="sampled"):
        experiments.run("delay", system_metrics=float("nan"))


def test_runs_of_dead_processes_are_marked(tmp_path: Path) -> None:
    """Those that still run are left alone."""
    body = """
        dead = os.fork()
        if dead == 0:
            run = experiments.run("delay", name="dead")
            run.log(loss=0.5)
            run.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(dead, 0)
        alive = experiments.run("delay", name="alive")
        marked = experiments.reap()
        print([(run.name == "alive", run.status, run.id in marked) for run in experiments.search(order_by="name")])
    """

    assert script(tmp_path, body) == "[(True, 'running', False), (False, 'killed', True)]"

"""Running a run again in a project under git: a pipeline, a script, a notebook; the same, and not the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.cli.main import main
from stackcanvas.errors import BadInput, Corrupt, NotFound, Unavailable
from stackcanvas.experiments import Environment, tables
from stackcanvas.experiments.tables import run_environment
from stackcanvas.stack import Stack
from stackcanvas.stack.moving import move
from stackcanvas.stack.reproduce import reproduce
from stackcanvas.stack.reproduce.packages import python_of

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"

PIPELINES = '''
import polars as pl
import stackcanvas as sc

@sc.step
def score(context: sc.Context, rows: pl.DataFrame, factor: int) -> float:
    """A score from data, a parameter, the seed and a file."""
    total = float(rows["x"].sum()) * factor + context.seed
    context.run.log(score=total)
    context.run.log_artifact("report.txt", (context.stack.root / "note.txt").read_text())
    return total

@sc.pipeline
def train(factor: int = 2) -> float:
    """One step."""
    return score(sc.dataset("numbers"), factor)
'''

SCRIPT = """
import os
import random
import sys
import stackcanvas as sc

with sc.open() as stack:
    for depth in (1, 2):
        with stack.experiments.run("delay", parameters={"depth": depth}, seed=int(os.environ.get("SEED", "7"))) as run:
            if os.path.exists("in/rows.csv"):
                run.log(read=len(open("in/rows.csv").readlines()), known=stack.data.read("rows@1").height)
            run.log(score=random.Random(7).random() * depth + len(sys.argv[1:]))
            run.log(luck=float(os.environ.get("LUCK", "0")))
            run.log_artifact("made.txt", open("note.txt").read())
"""


def git(folder: Path, *words: str) -> str:
    """Call git as somebody."""
    named = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    return subprocess.run(["git", "-C", str(folder), *named, *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project one folder below the top of its repository."""
    root = tmp_path / "repository" / "project"
    root.mkdir(parents=True)
    (root / "canvas.yaml").write_text(MINIMAL.read_text())
    (root / ".gitignore").write_text(".stackcanvas/\n__pycache__/\n")
    (root / "pipelines.py").write_text(PIPELINES)
    (root / "script.py").write_text(SCRIPT)
    (root / "note.txt").write_text("first\n")
    git(tmp_path / "repository", "init", "-q")
    git(tmp_path / "repository", "add", ".")
    git(tmp_path / "repository", "commit", "-qm", "first")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def stack(project: Path) -> Iterator[Stack]:
    """The stack of the project, with data and a file that differs from the commit."""
    (project / "note.txt").write_text("changed, not committed\n")
    with sc.open(project) as opened:
        opened.data.commit("numbers", _rows([1, 2, 3]))
        yield opened


def _rows(numbers: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"x": numbers})


def run_script(project: Path, *words: str) -> None:
    """As a person does."""
    command = [sys.executable, "script.py", *words]
    subprocess.run(command, cwd=project, check=True, env=dict(os.environ), capture_output=True)


def test_a_pipeline_runs_again_on_its_commit_its_changes_and_its_data(stack: Stack, project: Path) -> None:
    """Whatever has become of the files, the data and the cache since."""
    first = stack.pipelines.run("train", {"factor": 3}, seed=5).check()
    (project / "note.txt").write_text("later\n")
    (project / "pipelines.py").write_text("broken(\n")
    stack.data.commit("numbers", _rows([100]))

    found = reproduce(stack, first.id)

    assert found.same, found
    assert found.again != first.id
    assert [(one.name, one.first, one.same) for one in found.steps] == [("score", found.steps[0].first, True)]
    assert [one.name for one in found.files] == ["report.txt"]
    assert (found.reasons, found.circumstances) == ((), ())
    again = stack.experiments.get(found.again)
    assert again.tags["stackcanvas.reproduces"] == first.id
    assert [one.source for one in again.inputs] == ["data:numbers@1"]
    assert (project / "note.txt").read_text() == "later\n"
    assert (project / ".stackcanvas" / "metadata.db").exists()
    assert list((project / ".stackcanvas" / "reproduce").iterdir()) == []
    assert len(git(project, "worktree", "list").splitlines()) == 1


def test_a_run_says_that_it_had_rows_that_were_erased_since(stack: Stack) -> None:
    """The first thing that is told, and the first reason why it comes out otherwise."""
    first = stack.pipelines.run("train").check()
    stack.keeping.erase("numbers", key="x", values=[3])
    said: list[str] = []

    found = reproduce(stack, first.id, here=True, tell=said.append)

    assert said[0].startswith("Rows of data:numbers@1 were erased on")
    assert said[0].endswith("the run had more data than there are now")
    assert (found.same, found.reasons[0]) == (False, said[0])


def test_a_run_from_before_the_records_moved_runs_again_where_they_are_now(stack: Stack, project: Path) -> None:
    """The canvas of its commit names a place that is empty today."""
    first = stack.pipelines.run("train").check()
    stack.close()
    move(project, database="sqlite:///elsewhere.db", objects="bytes")
    with sc.open(project) as moved:
        found = reproduce(moved, first.id)

        assert found.same, found
        assert moved.experiments.get(found.again).code == moved.experiments.get(first.id).code
    assert not (project / ".stackcanvas" / "metadata.db").exists()


def test_a_script_runs_again_with_its_words(stack: Stack, project: Path) -> None:
    """Of several runs that one process makes, each is compared with its like; rows that git lacks are there."""
    (project / ".gitignore").write_text(".stackcanvas/\n__pycache__/\nin/\n")
    (project / "in").mkdir()
    (project / "in" / "rows.csv").write_text("x\n1\n2\n")
    stack.data.commit("rows", project / "in" / "rows.csv", table=True)
    run_script(project, "a", "b")
    shutil.rmtree(project / "in")
    left = project / ".stackcanvas" / "reproduce" / "killed.files" / "tree"
    left.mkdir(parents=True)
    left.parent.with_suffix("").touch()
    first, second = stack.experiments.search("delay", order_by="started")
    assert first.metrics["read"].value == 3

    for run in (first, second):
        found = reproduce(stack, run.id)
        again = stack.experiments.get(found.again)
        assert found.same, found
        assert again.parameters == run.parameters
        assert not left.exists()


def test_a_script_that_was_started_outside_of_the_project_is_found(stack: Stack, project: Path) -> None:
    """Its words say where it was from there."""
    surroundings = {**os.environ, "STACKCANVAS_PROJECT": str(project)}
    command = [sys.executable, f"{project.parent.name}/{project.name}/script.py"]
    opened = SCRIPT.replace("note.txt", str(project / "note.txt"))
    (project / "script.py").write_text(opened)
    subprocess.run(command, cwd=project.parent.parent, check=True, env=surroundings, capture_output=True)

    assert reproduce(stack, stack.experiments.search("delay")[0].id).same


def test_what_differs_is_told_with_the_reason(stack: Stack, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the tolerance it does not count."""
    monkeypatch.setenv("LUCK", "100")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    run_script(project)
    run = stack.experiments.search("delay", order_by="started")[0]
    monkeypatch.setenv("LUCK", "101")
    monkeypatch.setenv("SEED", "8")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    found = reproduce(stack, str(run.ref))

    assert not found.same
    assert "It had another seed" in found.reasons[0]
    assert {one.name: one.same for one in found.metrics} == {"luck": False, "score": True}
    assert not [one for one in found.circumstances if "OMP" in one.name], "it was set as it had been"
    assert reproduce(stack, run.id, tolerance=0.02).same


def test_the_cells_of_a_notebook_run_again(stack: Stack, project: Path) -> None:
    """From the script that they were kept as; as in a notebook, one that failed keeps no other from running."""
    cells = [
        "import stackcanvas as sc",
        "stack = sc.open()",
        "1 / 0",
        "with stack.experiments.run('delay') as run: run.log(x=1)",
    ]
    shell = (
        f"import sys, types; shell = types.SimpleNamespace(user_ns={{'In': {cells!r}}}, transform_cell=str);"
        "sys.modules['IPython'] = types.SimpleNamespace(get_ipython=lambda: shell)\n"
    )
    worked = "\n".join(cell for cell in cells if cell != "1 / 0")
    subprocess.run([sys.executable, "-c", shell + worked], cwd=project, check=True, env=dict(os.environ))
    (run,) = stack.experiments.search("delay")

    assert reproduce(stack, run.id).same
    stack.experiments.files.put(run.id, "reproduce/notebook.py", b"print('anything')")
    with pytest.raises(Corrupt):
        reproduce(stack, run.id)


def test_changes_that_somebody_altered_are_not_run(stack: Stack, project: Path) -> None:
    """Files of a run can be written by every client; what is executed is what the run recorded."""
    first = stack.pipelines.run("train").check()
    stack.experiments.files.put(first.id, "reproduce/changes.patch", b"anything")

    with pytest.raises(Corrupt, match="altered"):
        reproduce(stack, first.id)


def test_a_run_that_recorded_too_little_says_so(stack: Stack, project: Path) -> None:
    """No run, no commit, a run that goes on, a command that starts none."""
    with pytest.raises(NotFound):
        reproduce(stack, "f" * 32)
    with stack.experiments.run("delay") as run, pytest.raises(BadInput, match="running"):
        reproduce(stack, run.id)
    foreign = stack.experiments.tracking.create(1).id
    with stack.spine.write() as tx:
        stack.experiments.runs.end(tx, foreign, "finished")
    with pytest.raises(NotFound, match="commit"):
        reproduce(stack, foreign)
    with pytest.raises(BadInput, match="tolerance"):
        reproduce(stack, run.id, tolerance=2)


def test_a_run_whose_process_died_does_not_run_on_paper(stack: Stack, project: Path) -> None:
    """Whoever opens the stack next sees that it was killed, and may run it again to the same end."""
    dying = SCRIPT.replace("run.log(luck", "run.flush(); os._exit(9) if sys.argv[1:] else run.log(luck")
    (project / "script.py").write_text(dying)
    subprocess.run([sys.executable, "script.py", "die"], cwd=project, check=False, capture_output=True)
    stack.close()

    with sc.open(project) as later:
        (run,) = later.experiments.search("delay")
        assert run.status == "killed"
        assert reproduce(later, run.id, here=True).same


def test_a_command_that_starts_no_run_is_an_error(stack: Stack, project: Path) -> None:
    """The script needs what the folder of the commit does not have."""
    (project / "script.py").write_text(SCRIPT.replace("import os\n", "import os\nassert os.environ.get('ONCE')\n"))
    git(project, "commit", "-qam", "second")
    command = [sys.executable, "script.py"]
    subprocess.run(command, cwd=project, check=True, env={**os.environ, "ONCE": "1"}, capture_output=True)
    run = stack.experiments.search("delay", limit=1)[0]

    with pytest.raises(Unavailable, match="started no run"):
        reproduce(stack, run.id)
    assert list((project / ".stackcanvas" / "reproduce").iterdir()) == []


def test_the_command_ends_with_the_verdict(
    stack: Stack, project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 the same, 1 not the same; for people and for programs."""
    run_script(project)
    run = stack.experiments.search("delay", order_by="started")[0]
    stack.close()
    capfd.readouterr()

    assert main(["reproduce", run.id, "--here"]) == 0
    assert "the same" in capfd.readouterr().out
    monkeypatch.setenv("LUCK", "7")
    assert main(["reproduce", run.id, "--format", "json"]) == 1
    told = json.loads(capfd.readouterr().out)
    assert (told["same"], told["run"]) == (False, run.id)
    assert main(["reproduce", run.id]) == 1
    assert "metric luck: 0 then, 7 now" in capfd.readouterr().out


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A package of one line, as a wheel."""
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "answer = 42\n")
        info = "tiny-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.mark.parametrize("installer", ["uv", pytest.param("pip", marks=pytest.mark.soak)])
def test_an_environment_is_made_from_its_lock(
    tmp_path: Path, tiny: Path, installer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once; by uv, and by pip where there is no uv."""
    if installer == "pip":
        monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("UV_OFFLINE", "1")
    told: list[str] = []
    version = ".".join(str(part) for part in sys.version_info[:3])
    recorded = Environment(version, "any", {"tiny": "1.0"}, "d" * 64, lock=f"tiny @ {tiny.as_uri()}\n")

    with ThreadPoolExecutor(2) as both:
        made = [both.submit(python_of, recorded, tmp_path / "environments", tell=told.append) for _ in range(2)]
    (python,) = {one.result() for one in made}
    said = subprocess.run(
        [str(python), "-c", "import tiny; print(tiny.answer)"], check=True, capture_output=True, text=True
    )

    assert said.stdout.strip() == "42"
    assert told == [f"Making an environment of Python {sys.version_info[0]}.{sys.version_info[1]} and 1 packages"]


def test_an_environment_that_cannot_be_had_leaves_nothing_half_made(tmp_path: Path) -> None:
    """The sentence says what to do instead, and the next time is a new one."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    missing = (tmp_path / "gone-1.0-py3-none-any.whl").as_uri()
    recorded = Environment(version, "any", {"gone": "1.0"}, "d" * 64, lock=f"gone @ {missing}\n")

    for _ in range(2):
        with pytest.raises(Unavailable, match="--here"):
            python_of(recorded, tmp_path / "environments", tell=lambda _: None)
    with pytest.raises(Unavailable, match="no lock"):
        python_of(Environment(version, "any", {}, "e" * 64), tmp_path / "environments", tell=lambda _: None)


def test_other_packages_are_named(stack: Stack, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that had another version of a package, made again with those of this process."""
    run_script(project)
    run = stack.experiments.search("delay", order_by="started")[0]
    known = stack.experiments.environment(str(run.environment))
    other = {"digest": "d" * 64, "python": known.python, "platform": known.platform}
    with stack.spine.write() as tx:
        tx.execute(run_environment.insert().values(**other, packages={**known.packages, "polars": "0.1"}))
        tx.execute(tables.run.update().where(tables.run.c.id == run.id).values(environment="d" * 64))
    monkeypatch.setenv("LUCK", "7")

    found = reproduce(stack, run.id, here=True)

    assert [(one.name, one.first) for one in found.circumstances] == [("package polars", "0.1")]
    assert "Packages have other versions: polars" in found.reasons
    with pytest.raises(Unavailable, match="no lock"):
        reproduce(stack, run.id)


@pytest.mark.soak
def test_the_template_of_a_project_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file of its data, which lies in git."""
    monkeypatch.chdir(tmp_path)
    assert main(["init", "churn"]) == 0
    root = tmp_path / "churn"
    if not git(root, "log", "--oneline", "--all"):
        git(root, "add", ".")
        git(root, "commit", "-qm", "first")
    with sc.open(root) as stack:
        first = stack.pipelines.run("train").check()
        table = root / "data" / "customers.csv"
        table.write_text("\n".join(table.read_text().splitlines()[:60]) + "\n")
        found = reproduce(stack, first.id)

    assert found.same, found
    assert {one.name for one in found.metrics} == {"accuracy", "auc"}
    assert [one.same for one in found.steps if one.name == "fit"] == [True]

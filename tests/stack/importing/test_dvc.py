"""Versions that DVC holds come in with the times and names of their commits, compared with their md5."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.cli.main import main
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.testing.s3 import s3_server, s3_url

__all__ = ["s3_server", "s3_url"]

SURROUNDINGS = {
    **os.environ,
    **{f"GIT_{role}_{fact}": "x@y" for role in ("AUTHOR", "COMMITTER") for fact in ("NAME", "EMAIL")},
}


def commit(repo: Path, name: str, text: str) -> str:
    """Write a file of the repository and commit it; gives the commit."""
    (repo / name).parent.mkdir(parents=True, exist_ok=True)
    (repo / name).write_text(text)
    subprocess.run(["git", "-C", repo, "add", "-A"], check=True)
    subprocess.run(["git", "-C", repo, "commit", "-qm", f"changes {name}"], check=True, env=SURROUNDINGS)
    said = subprocess.run(["git", "-C", repo, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return said.stdout.strip()


def keep(repo: Path, data: bytes, *, layout: str = "files/md5/", end: str = "") -> str:
    """Put a content into the cache; gives its md5."""
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest() + end
    path = repo / ".dvc" / "cache" / f"{layout}{md5[:2]}" / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return md5


def test_every_commit_becomes_a_version(any_stack: Stack, dvc_repo: Path, tmp_path: Path) -> None:
    """Files, folders and outputs of pipelines, with time, message and tags; lost bytes are named."""
    done = any_stack.imports.dvc(dvc_repo)

    prices = any_stack.data.log("data/prices.csv")
    assert [(one.number, one.message, f"{one.created:%Y-%m-%d %H}") for one in prices] == [
        (2, "images, and a third price", "2026-03-02 12"),
        (1, "first prices", "2026-03-01 12"),
    ]
    assert prices[1].tags == (f"git-{prices[1].source[0].partition('@')[2][:12]}", "v1")
    assert any_stack.data.read("data/prices.csv@v1")["price"].to_list() == [2.5, 3.5]
    assert [one.path for one in any_stack.data.files("images")] == ["a.txt", "deep/b c.txt"]
    assert any_stack.data.get("doubled.csv").rows == 1
    assert [left.kind for left in done.left_out] == ["data version"]
    assert "dvc fetch" in done.left_out[0].why
    any_stack.data.checkout("images", tmp_path / "out")
    assert (tmp_path / "out" / "deep" / "b c.txt").read_text() == "b"
    assert any_stack.data.verify().problems == ()
    assert {event.name for event in any_stack.spine.events.after(0)} >= {"data.imported"}

    again = any_stack.imports.dvc(dvc_repo)
    assert (again.new, len(any_stack.data.log("data/prices.csv"))) == (0, 2)


def test_a_plan_writes_nothing_and_later_commits_are_added(stack: Stack, dvc_repo: Path) -> None:
    """It tells the bytes; what was lost and is found again comes with the next import."""
    planned = stack.imports.dvc(dvc_repo, plan=True)
    assert (planned.new, stack.data.ls()) == (4, [])
    done = stack.imports.dvc(dvc_repo, revisions=["v1"])
    assert [one.name for one in stack.data.ls()] == ["data/prices.csv"]
    done = stack.imports.dvc(dvc_repo)
    assert planned.size_bytes == done.size_bytes + 21

    keep(dvc_repo, b"id,price\n9,9.5\n")
    after = stack.imports.dvc(dvc_repo)

    assert (after.new, after.left_out) == (1, ())
    assert stack.data.read("data/prices.csv")["id"].to_list() == [9]


@pytest.mark.parametrize("layout", ["files/md5/", ""])
def test_a_remote_is_asked_where_the_cache_has_nothing(
    stack: Stack, dvc_repo: Path, tmp_path: Path, s3_url: str, layout: str
) -> None:
    """A folder, and S3; the layouts of release 2 and 3."""
    objects = open_objects(s3_url)
    for place in (dvc_repo / ".dvc/cache/files/md5").glob("*/*"):
        objects.put(f"{layout}{place.parent.name}/{place.name}", place.read_bytes())
    shutil.move(dvc_repo / ".dvc/cache", tmp_path / "cache")
    assert stack.imports.dvc(dvc_repo, plan=True).new == 0
    address, _, options = s3_url.partition("?")
    values = dict(pair.split("=", 1) for pair in options.split("&"))
    endpoint = values.get("endpoint", "").replace("%3A", ":").replace("%2F", "/")
    (dvc_repo / ".dvc/config").write_text(f"['remote \"store\"']\n    url = {address}\n    endpointurl = {endpoint}\n")

    assert stack.imports.dvc(dvc_repo).counts[0].new == 4


def test_damaged_and_hostile_contents_are_refused(stack: Stack, dvc_repo: Path, tmp_path: Path) -> None:
    """A wrong md5, paths that climb, manifests that make no sense: each costs its own version only."""
    wrong = keep(dvc_repo, b"right")
    (dvc_repo / ".dvc/cache/files/md5" / wrong[:2] / wrong[2:]).write_bytes(b"other")
    inner = keep(dvc_repo, b"x")
    manifests = [
        json.dumps([{"md5": inner, "relpath": "../../../climbed"}]),
        json.dumps([{"md5": inner, "relpath": "a"}, {"md5": inner, "relpath": "a/b"}]),
        "[1]",
        "{half",
    ]
    outs = [f"- md5: {wrong}\n  path: wrong\n  hash: md5\n"]
    for number, manifest in enumerate(manifests):
        md5 = keep(dvc_repo, manifest.encode(), end=".dir")
        outs.append(f"- md5: {md5}\n  path: folder{number}\n  hash: md5\n")
    outs += [f"- md5: {inner}\n  path: {path}\n" for path in ("/etc/passwd", "../up", "..", "good")]
    outs += [
        "- path: no-hash\n",
        "- md5: ../../../../etc/passwd\n  path: odd\n",
        f"- md5: {inner}\n  cache: false\n  path: m\n",
    ]
    commit(dvc_repo, "hostile.dvc", "outs:\n" + "".join(outs))
    commit(dvc_repo, "half.dvc", "outs: [")
    commit(dvc_repo, "list.dvc", "[1, 2]")

    done = stack.imports.dvc(dvc_repo)

    assert [one.name for one in stack.data.ls()] == ["data/prices.csv", "doubled.csv", "good", "images"]
    assert sum(one.left_out for one in done.counts) == 1 + 1 + 4 + 3 + 3 + 2
    assert not list(tmp_path.rglob("climbed"))


def test_releases_before_3_hashed_texts_without_returns(stack: Stack, dvc_repo: Path) -> None:
    """The old layout, and the md5 of line ends made one."""
    md5 = hashlib.md5(b"a\nb\n", usedforsecurity=False).hexdigest()
    place = dvc_repo / ".dvc/cache" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(b"a\r\nb\r\n")
    commit(dvc_repo, "old.txt.dvc", f"outs:\n- md5: {md5}\n  path: old.txt\n")
    commit(dvc_repo, "new.txt.dvc", f"outs:\n- md5: {md5}\n  path: new.txt\n  hash: md5\n")

    done = stack.imports.dvc(dvc_repo)

    assert stack.data.get("old.txt").size_bytes == 6
    assert [left.name.partition("@")[0] for left in done.left_out] == ["data/prices.csv", "new.txt"]


def test_a_data_set_of_ours_is_left_alone(stack: Stack, dvc_repo: Path, tmp_path: Path) -> None:
    """And the report says so."""
    (tmp_path / "x.csv").write_text("a\n1\n")
    stack.data.commit("images", tmp_path / "x.csv")

    done = stack.imports.dvc(dvc_repo)

    assert len(stack.data.log("images")) == 1
    assert [left.name.partition("@")[0] for left in done.left_out] == ["images", "data/prices.csv"]


@pytest.mark.parametrize(
    "waits_s", [(0.7, 1.2), pytest.param([0.1 * step for step in range(3, 23)], marks=pytest.mark.soak)]
)
def test_killed_again_and_again(project: Path, dvc_repo: Path, waits_s: Sequence[float]) -> None:
    """Whenever it dies, the next import ends with each version once."""
    for number in range(20):
        commit(dvc_repo, "many.txt.dvc", f"outs:\n- md5: {keep(dvc_repo, b'%d' % number)}\n  path: many.txt\n")
    words = [sys.executable, "-m", "stackcanvas.cli", "--project", str(project), "import", "dvc", str(dvc_repo)]
    for wait_s in waits_s:
        running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait_s)
        running.send_signal(signal.SIGKILL)
        running.wait()

    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    with open_stack(project) as stack:
        assert len(stack.data.log("many.txt")) == 20
        assert stack.data.verify().problems == ()


def test_the_command(project: Path, dvc_repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts for people, all for programs, and words for what is no repository."""
    words = ["--project", str(project), "import", "dvc"]

    assert main([*words, str(dvc_repo)]) == 0
    assert "data version" in capsys.readouterr().out
    assert main([*words, str(dvc_repo), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["size_bytes"] == 0
    assert main([*words, str(tmp_path)]) == BadInput.exit_code
    assert main([*words, str(dvc_repo), "--rev", "--all"]) == NotFound.exit_code
    capsys.readouterr()

"""Two canvases, or two revisions of one, in everything that follows from them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stackcanvas.canvas import loads
from stackcanvas.canvas.compare import compare
from stackcanvas.errors import NotFound
from stackcanvas.stack.comparing import canvas_at, compared

OLD = "stackcanvas: 1\nproject: {name: demo}\ndata: {versioning: optional}\nserving: {volume: {predictions: 1000}}\n"
NEW = (
    "stackcanvas: 1\nproject: {name: demo}\n"
    "data: {versioning: mandatory, version_method: {level: 0}}\n"
    "serving: {volume: {predictions: 5000000}, log: {keep: 7d}}\n"
    "dilemmas: {tooling: [{block: serving, choice: buy, tool: x, licences: 500, upkeep: 0}]}\n"
    "decisions: {serving.volume: {why: the season begins}}\n"
)


def test_decisions_that_changed() -> None:
    """Added, changed with its parts and its reason; comments and order are no change."""
    changes = {change.path: change for change in compare(loads(OLD), loads(NEW))}

    assert changes["serving.volume"].parts == ("predictions",)
    assert changes["serving.volume"].why == "the season begins"
    assert changes["serving.volume"].told(changes["serving.volume"].after) == "predictions 5000000"
    assert changes["data.version_method"].kind == "added"
    assert compare(loads(OLD), loads(f"# a comment\n{OLD}")) == ()


def test_what_the_change_means(tmp_path: Path) -> None:
    """Money, contradictions and the running stack."""
    found = compared(loads(OLD), loads(NEW), root=tmp_path)
    back = compared(loads(NEW), loads(OLD), root=tmp_path)

    assert found.cost is not None
    assert found.cost.monthly.p50 > 500
    assert "versioning-without-versions" in found.new_problems[0]
    assert back.solved_problems == found.new_problems
    assert str(found.stack[0].effect) == "destructive"


def test_revisions_of_git(tmp_path: Path) -> None:
    """The canvas as it was at a commit; a word that is no revision is told, and is no option of git."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "canvas.yaml").write_text(OLD)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    (tmp_path / "canvas.yaml").write_text(NEW)

    assert canvas_at("HEAD", root=tmp_path).get("data.versioning") == "optional"
    assert canvas_at(str(tmp_path), root=tmp_path).get("data.versioning") == "mandatory"
    for word in ("HEAD~7", "--output=x", "nothing.yaml", "a\0b", ""):
        with pytest.raises(NotFound):
            canvas_at(word or "-", root=tmp_path)

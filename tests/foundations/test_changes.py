"""Uncommitted changes as a patch that brings the same files back."""

from __future__ import annotations

import subprocess
from pathlib import Path

from stackcanvas.foundations import Git
from stackcanvas.foundations.submodules import fill


def git(folder: Path, *words: str, given: bytes | None = None) -> bytes:
    """Call git as somebody."""
    named = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    return subprocess.run(
        ["git", "-C", str(folder), *named, *words], check=True, capture_output=True, input=given
    ).stdout


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a work tree."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_patch_brings_back_what_differs(tmp_path: Path) -> None:
    """Changed, new, empty, binary, removed and strangely named files; index and repository stay as they were."""
    top = tmp_path / "repository"
    root = top / "project"
    root.mkdir(parents=True)
    git(top, "init", "-q")
    for name in ("kept.txt", "changed.txt", "removed.txt", "staged.txt"):
        (root / name).write_text(f"{name}\nsecond\n")
    git(top, "add", ".")
    git(top, "commit", "-qm", "first")
    assert Git(root).changes() is None

    (root / "changed.txt").write_bytes(b"other\r\nno newline")
    (root / "removed.txt").unlink()
    (root / "staged.txt").write_text("staged\n")
    git(root, "add", "staged.txt")
    (root / "new *[a].txt").write_text("new\n")
    (root / "deep").mkdir()
    (root / "deep" / "ünï\tcode").write_bytes(bytes(range(256)))
    (root / "empty").touch()
    before = git(top, "status", "--porcelain")
    found = Git(root).changes()
    assert found is not None
    assert git(top, "status", "--porcelain") == before

    copy = tmp_path / "copy"
    git(top, "worktree", "add", "--detach", "-q", str(copy))
    git(copy, "apply", "--whitespace=nowarn", "-", given=found.patch)
    assert contents(copy) == contents(top)


def test_what_is_no_code_or_too_large_is_left_out(tmp_path: Path) -> None:
    """The lock of the data and the state of the stack are no code; a large file is named, not kept."""
    git(tmp_path, "init", "-q")
    (tmp_path / "data.lock").write_text("a\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "data.lock").write_text("b\n")
    (tmp_path / ".stackcanvas").mkdir()
    (tmp_path / ".stackcanvas" / "metadata.db").write_text("rows")
    assert Git(tmp_path).changes() is None
    assert not Git(tmp_path).dirty()

    (tmp_path / "large.bin").write_bytes(bytes(2 << 20))
    found = Git(tmp_path).changes()
    assert found is not None
    assert (found.patch, found.left_out) == (b"", ("large.bin",))


def test_outside_a_repository_nothing_differs(tmp_path: Path) -> None:
    """Nor before the first commit, which there is nothing to differ from."""
    (tmp_path / "a.txt").write_text("a")
    assert Git(tmp_path).changes() is None
    git(tmp_path, "init", "-q")
    assert Git(tmp_path).changes() is None


def test_what_differs_inside_submodules_is_part_of_it(tmp_path: Path) -> None:
    """Changed, new and committed there since; together with `fill` the same files come back, two levels deep."""
    inner, middle, top = (tmp_path / name for name in ("inner", "middle", "top"))
    for repository in (inner, middle, top):
        repository.mkdir()
        git(repository, "init", "-q")
        (repository / "code.py").write_text(f"{repository.name}\n")
    for repository, below in ((inner, None), (middle, inner), (top, middle)):
        if below is not None:
            git(
                repository,
                "-c",
                "protocol.file.allow=always",
                "submodule",
                "add",
                "-q",
                str(below),
                f"libs/{below.name}",
            )
        git(repository, "add", ".")
        git(repository, "commit", "-qm", "first")
    git(top, "-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", "--recursive")
    assert Git(top).changes() is None

    middle, inner = top / "libs" / "middle", top / "libs" / "middle" / "libs" / "inner"
    (inner / "code.py").write_text("changed\n")
    (inner / "new.bin").write_bytes(bytes(range(256)))
    (middle / "code.py").write_text("committed\n")
    git(middle, "commit", "-qam", "second")
    (top / "code.py").write_text("top as well\n")
    found = Git(top).changes()
    assert found is not None
    assert found.left_out == ()

    copy = tmp_path / "copy"
    git(top, "worktree", "add", "--detach", "-q", str(copy))
    fill(top, "HEAD", copy)
    assert (copy / "libs" / "middle" / "libs" / "inner" / "code.py").read_text() == "inner\n"
    assert git(copy, "status", "--porcelain") == b""
    git(copy, "apply", "--whitespace=nowarn", "-", given=found.patch)
    assert contents(copy) == contents(top)

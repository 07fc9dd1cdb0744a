"""Random histories of a data set, against dictionaries: whatever is done in whatever order, work is safe."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from stackcanvas.data import Data
from stackcanvas.errors import Conflict, NotFound

_PATHS = ("a", "b", "s/c", "s/d", "s/t/e")
_STEPS = 60


class History:
    """A folder in the project with the versions that were made of it, as dictionaries of contents by path.

    Args:
        seed: decides everything.
    """

    def __init__(self, data: Data, root: Path, seed: int) -> None:
        self._data = data
        self._folder = root / "work"
        self._draw = random.Random(seed)
        self._contents = [self._draw.randbytes(size) for size in (0, 10, 1000, 300_000, 600_000)]
        self._versions: dict[int, dict[str, bytes]] = {}
        self._forgotten: set[int] = set()
        self._tags: dict[str, int] = {}
        self._steps: list[Callable[[], None]] = [self.commit, self.checkout, self.tag, self.forget, self.gc, self.diff]

    def step(self) -> None:
        """Do something: mostly what a user does to the files, else a verb."""
        if self._draw.random() < 0.4:
            self.edit()
        else:
            self._draw.choice(self._steps)()

    def edit(self) -> None:
        """Write, remove, or write through a link that a checkout made."""
        path = self._folder / self._draw.choice(_PATHS)
        if self._draw.random() < 0.3:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.chmod(0o644)
        if self._draw.random() < 0.5:
            path.unlink(missing_ok=True)
        path.write_bytes(self._draw.choice([*self._contents, self._draw.randbytes(500)]))

    def commit(self) -> None:
        """What lies there becomes a version, unless it is the newest one."""
        there = self._tree()
        if not there:
            return
        newest = max(self._versions, default=0)
        made = self._data.commit("set", self._folder)
        assert made.existed == (self._versions.get(newest) == there)
        assert made.number == newest + (not made.existed)
        self._versions[made.number] = there

    def checkout(self) -> None:
        """What was committed comes back, and nothing that no version holds is lost."""
        if not self._versions:
            return
        number, link = self._draw.choice(sorted(self._versions)), self._draw.random() < 0.5
        names = [str(number), *(tag for tag, at in self._tags.items() if at == number)]
        before, wanted = self._tree(), self._versions[number]
        refused = self._refusal(f"set@{self._draw.choice(names)}", link=link)
        if refused is not None:
            lost = any(before.get(path, one) != one and not self._held(before[path]) for path, one in wanted.items())
            assert self._tree() == before
            assert number in self._forgotten if isinstance(refused, NotFound) else lost
            return
        after = self._tree()
        assert after.items() >= wanted.items()
        assert all(after.get(path) == one or self._held(one) for path, one in before.items())

    def _refusal(self, ref: str, *, link: bool) -> Exception | None:
        try:
            self._data.checkout(ref, self._folder, link=link)
        except (Conflict, NotFound) as error:
            return error
        return None

    def tag(self) -> None:
        """A tag stands for one version."""
        if self._versions:
            tag, number = self._draw.choice("pq"), self._draw.choice(sorted(self._versions))
            self._data.tag(f"set@{number}", tag, move=True)
            self._tags[tag] = number

    def forget(self) -> None:
        """What nothing needs may go, and only that."""
        if self._versions:
            number = self._draw.choice(sorted(self._versions))
            with suppress(Conflict):
                self._data.forget(f"set@{number}")
                assert number != max(self._versions)
                assert number in self._forgotten or number not in self._tags.values()
                self._forgotten.add(number)

    def gc(self) -> None:
        """Nothing that a version needs goes."""
        self._data.gc(patience=timedelta(0))
        assert self._data.verify().sound

    def diff(self) -> None:
        """The files that differ."""
        here = sorted(self._versions.keys() - self._forgotten)
        if here:
            one, two = self._draw.choice(here), self._draw.choice(here)
            before, after = self._versions[one], self._versions[two]
            found = self._data.diff(f"set@{one}", f"set@{two}")
            assert set(found.added) == after.keys() - before.keys()
            assert set(found.removed) == before.keys() - after.keys()
            assert set(found.changed) == {path for path in before.keys() & after.keys() if before[path] != after[path]}

    def all_versions(self, target: Path) -> None:
        """Every version that was not given up is what it was."""
        for number in self._versions.keys() - self._forgotten:
            self._data.checkout(f"set@{number}", target / str(number))
            assert _tree(target / str(number)) == self._versions[number]

    def _tree(self) -> dict[str, bytes]:
        return _tree(self._folder)

    def _held(self, content: bytes) -> bool:
        return any(content in one.values() for number, one in self._versions.items() if number not in self._forgotten)


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("seed", range(3))
def test_any_history(data: Data, root: Path, tmp_path: Path, seed: int) -> None:
    """Edits, commits, checkouts, tags, forgetting and clearing in any order give what dictionaries give."""
    history = History(data, root, seed)
    for _ in range(_STEPS):
        history.step()
    history.all_versions(tmp_path / "all")


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
def test_any_long_history(data: Data, root: Path, tmp_path: Path, seed: int) -> None:
    """The same, longer and more of them."""
    history = History(data, root, seed)
    for _ in range(10 * _STEPS):
        history.step()
    history.all_versions(tmp_path / "all")

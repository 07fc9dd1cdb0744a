"""Random histories of a data set, against dictionaries: whatever is done in whatever order, work is safe."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.errors import Conflict, NotFound
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load

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
        self._pushed: set[int] = set()
        self._tags: dict[str, int] = {}
        self._remote = str(root / "remote")
        self._steps: list[Callable[[], None]] = [
            *(self.commit, self.checkout, self.some, self.restore, self.tag, self.forget, self.gc, self.diff, self.push)
        ]

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

    def some(self) -> None:
        """One file of a version comes, and all others stay as they are."""
        here = sorted(number for number in self._versions.keys() - self._forgotten if self._versions[number])
        if here:
            number, before = self._draw.choice(here), self._tree()
            path = self._draw.choice(sorted(self._versions[number]))
            refused = self._refusal(f"set@{number}", only=[path])
            after = before if refused is not None else {**before, path: self._versions[number][path]}
            assert self._tree() == after
            assert refused is None or not self._held(before[path])

    def restore(self) -> None:
        """What the lock names comes back: the version that was committed or checked out last, if it is not given up."""
        locked, before = self._locked(), self._tree()
        try:
            self._data.restore()
        except (Conflict, NotFound):
            assert self._tree() == before
            return
        assert locked is None or self._tree().items() >= self._versions[locked].items()

    def push(self) -> None:
        """What is sent stays on the remote, whatever is given up here."""
        self._data.push(to=self._remote)
        self._pushed |= self._versions.keys() - self._forgotten

    def elsewhere(self, other: Data, target: Path) -> None:
        """Another workspace gets every version that was ever sent."""
        self.push()
        other.pull(source=self._remote)
        assert {one.number for one in other.log("set") if one.forgotten is None} == self._pushed
        assert other.verify().sound
        for number in self._pushed:
            other.checkout(f"set@{number}", target / str(number))
            assert _tree(target / str(number)) == self._versions[number]

    def _locked(self) -> int | None:
        found = next((one.locked for one in self._data.status() if one.name == "set"), None)
        assert found is None or found in self._versions
        return found

    def _refusal(self, ref: str, *, link: bool = False, only: Sequence[str] = ()) -> Exception | None:
        try:
            self._data.checkout(ref, self._folder, link=link, only=only)
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


@pytest.fixture
def other(tmp_path: Path, clock: ManualClock) -> Iterator[Data]:
    """A workspace of its own, with nothing in it."""
    root = tmp_path / "other"
    root.mkdir()
    database = open_database(f"sqlite:///{root}/metadata.db")
    prepare(database, load)
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("bob"), wall=clock)
    made = Data(spine, open_objects(root / "objects"), root, root / "cache")
    yield made
    made.close()
    database.close()


@pytest.mark.parametrize("seed", range(3))
def test_any_history(data: Data, other: Data, root: Path, tmp_path: Path, seed: int) -> None:
    """Edits and every verb in any order give what dictionaries give, here and where it was sent."""
    history = History(data, root, seed)
    for _ in range(_STEPS):
        history.step()
    history.all_versions(tmp_path / "all")
    history.elsewhere(other, tmp_path / "there")


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
def test_any_long_history(data: Data, other: Data, root: Path, tmp_path: Path, seed: int) -> None:
    """The same, longer and more of them."""
    history = History(data, root, seed)
    for _ in range(10 * _STEPS):
        history.step()
    history.all_versions(tmp_path / "all")
    history.elsewhere(other, tmp_path / "there")

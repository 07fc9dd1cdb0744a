"""A project for tests, opened the same way in every process: a folder with code, tables, and the state beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
from blake3 import blake3

from stackcanvas.backends.database import open_database
from stackcanvas.backends.executor import open_executor
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import Clock, SystemClock
from stackcanvas.errors import NotFound
from stackcanvas.experiments import Experiments
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, CodeState, Ref, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.pipelines import Address, Definitions, Pipelines
from stackcanvas.stack.tables import load

OPENER = "opened_project:open_project"


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A file of a folder as a version of data."""

    ref: Ref
    digest: str


class Tables:
    """Data for tests: `tables/NAME@NUMBER.csv`."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "tables"

    def write(self, name: str, number: int, **columns: list[Any]) -> None:
        """Add a version."""
        self._folder.mkdir(exist_ok=True)
        pl.DataFrame(columns).write_csv(self._path(name, number))

    def get(self, ref: Ref) -> TableVersion:
        """The version that a ref names, the newest without a number."""
        numbers = [int(path.stem.partition("@")[2]) for path in self._folder.glob(f"{ref.name}@*.csv")]
        if not numbers:
            raise NotFound("data set", ref.name)
        number = ref.number or max(numbers)
        return TableVersion(ref.at(number), blake3(self._path(ref.name, number).read_bytes()).hexdigest())

    def read(self, ref: Ref, *, columns: Any = None) -> pl.DataFrame:
        """The rows of a version; of a name with a slash, those of a file that has none."""
        if "/" in ref.name:
            path = self._folder / f"{ref.name}.csv"
            if not path.exists():
                raise NotFound("data set", ref.name)
            return pl.read_csv(path)
        frame = pl.read_csv(self._path(ref.name, int(ref.selector or 0)))
        return frame if columns is None else frame.select(columns)

    def _path(self, name: str, number: int) -> Path:
        return self._folder / f"{name}@{number}.csv"


def open_project(root: str, *, clock: Clock | None = None, wall: Clock | None = None, **options: Any) -> Any:
    """The parts of a stack that pipelines need, over the state in the project's folder."""
    folder = Path(root)
    state = folder / ".stackcanvas"
    state.mkdir(exist_ok=True)
    database = open_database(options.pop("database", f"sqlite:///{state}/metadata.db"))
    prepare(database, load)
    now = clock or SystemClock()
    spine = Spine(
        database,
        clock=now,
        ids=Ids(now.now),
        actor=Actor("ada"),
        code=lambda: CodeState("c0ffee", dirty=True),
        wall=wall,
    )
    objects = open_objects(state / "objects")
    stack = SimpleNamespace(root=folder, spine=spine, objects=objects, tables=Tables(folder))
    stack.experiments = Experiments(spine, objects, wanted=options.pop("wanted", None))
    executor = open_executor(options.pop("executor", "inline:"))
    stack.executor = executor
    stack.pipelines = Pipelines(
        spine,
        objects,
        executor,
        Definitions(folder),
        experiments=stack.experiments,
        source=stack.tables,
        context=lambda: stack,
        address=Address(OPENER, root),
        wall=wall,
        **options,
    )
    return stack

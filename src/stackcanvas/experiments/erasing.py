"""A person in what runs keep: rows in the files of runs and logged models, values in parameters and tags."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, tuple_

from stackcanvas.backends.files import Scratch
from stackcanvas.backends.objects import Objects
from stackcanvas.data.persons import Person, rewrite
from stackcanvas.errors import StackCanvasError
from stackcanvas.experiments.logged.tables import logged_model, logged_model_parameter, logged_model_tag
from stackcanvas.experiments.places import own_model_place, own_run_place
from stackcanvas.experiments.tables import run, run_dataset, run_input, run_parameter, run_tag

if TYPE_CHECKING:
    from stackcanvas.backends.objects import ObjectInfo

_BATCH = 500
_LARGEST_BYTES = 64 << 20  # eight are looked through at once
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Trace:
    """A file with something of a person.

    Args:
        key: of the object.
        rows: of theirs in a table that can be written anew; 0 where it cannot.
        why: what it is otherwise.
    """

    key: str
    rows: int = 0
    why: str = ""


def readers(connection: Connection, data: Collection[tuple[str, str]]) -> set[str]:
    """The runs that said that they read data sets of some name and digest, whether or not lineage knows."""
    found: set[str] = set()
    joined = select(run_input.c.run).join(run_dataset, run_dataset.c.id == run_input.c.dataset)
    for some in _batches(sorted(data)):
        this = tuple_(run_dataset.c.name, run_dataset.c.digest).in_(some)
        found.update(connection.execute(joined.where(this)).scalars())
    return found


def folders(connection: Connection, runs: Collection[str]) -> tuple[list[str], list[str]]:
    """Where the files of some runs and of the models that they logged lie: below this store, and elsewhere."""
    here: list[str] = []
    elsewhere: list[str] = []
    for some in _batches(sorted(runs)):
        kept = connection.execute(select(run.c.id, run.c.artifact_location).where(run.c.id.in_(some)))
        models = connection.execute(
            select(logged_model.c.id, logged_model.c.artifact_location).where(logged_model.c.source_run.in_(some))
        )
        for rows, place in ((kept, own_run_place), (models, own_model_place)):
            for row in rows:
                own = row.artifact_location == place(row.id)
                (here if own else elsewhere).append(row.artifact_location)
    return here, elsewhere


def words_of(connection: Connection, runs: Collection[str], person: Person) -> list[str]:
    """Parameters and tags of some runs, and of the models that they logged, that hold a value of a person."""
    found: list[str] = []
    for some in _batches(sorted(runs)):
        models = select(logged_model.c.id).where(logged_model.c.source_run.in_(some))
        for what, table, owner in (
            ("parameter", run_parameter, run_parameter.c.run.in_(some)),
            ("tag", run_tag, run_tag.c.run.in_(some)),
            ("parameter", logged_model_parameter, logged_model_parameter.c.model.in_(models)),
            ("tag", logged_model_tag, logged_model_tag.c.model.in_(models)),
        ):
            found += [
                f"the {what} {row.key} of {table.c[0].name} {row[0]}"
                for row in connection.execute(table.select().where(owner))
                if mentions(row.value.encode(), person) or person.means(row.value)
            ]
    return found


def look(objects: Objects, folder: str, person: Person, scratch: Scratch, *, numeric: bool) -> Iterator[Trace]:
    """The files of a folder with something of a person, and those that cannot be looked into."""
    for info in objects.list(f"{folder}/"):
        found = _look(objects, info, person, scratch, numeric=numeric)
        if found is not None:
            yield found


def erase(objects: Objects, key: str, person: Person, scratch: Scratch, *, numeric: bool) -> None:
    """Write a table anew without the rows of a person, or with their columns empty."""
    with scratch.room() as room:
        source, target = room / "source", room / "target"
        source.write_bytes(objects.get(key))
        if rewrite(source, target, key, person, numeric=numeric):
            objects.put_file(key, target)


def mentions(content: bytes, person: Person) -> bool:
    """Whether a text holds a value of a person as a word; values of fewer than four letters are in any text.

    Example:
        >>> ada = Person("who", frozenset({"ada-1815", "7"}))
        >>> [mentions(text, ada) for text in (b'{"x": "ada-1815"}', b"ada-18150", b"7")]
        [True, False, False]
    """
    long = [re.escape(value.encode()) for value in person.values if len(value) >= _SHORTEST]
    return bool(long) and re.search(rb"(?<!\w)(?:" + b"|".join(long) + rb")(?!\w)", content) is not None


def _look(objects: Objects, info: ObjectInfo, person: Person, scratch: Scratch, *, numeric: bool) -> Trace | None:
    if info.size_bytes > _LARGEST_BYTES:
        return Trace(info.key, why="is too large to be looked through")
    content = objects.get(info.key)
    with scratch.room() as room:
        source = room / "source"
        source.write_bytes(content)
        try:
            rows = rewrite(source, room / "target", info.key, person, numeric=numeric)
        except (ValueError, StackCanvasError):  # it is not what its name says
            rows = 0
    if rows:
        return Trace(info.key, rows)
    if mentions(content, person) and not (person.blank and person.column not in person.blank):
        return Trace(info.key, why="holds a value of theirs and is no table")
    table = info.key.endswith((".parquet", ".csv", ".tsv"))
    return None if table or _is_text(content) else Trace(info.key)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def _batches(values: Sequence[object]) -> Iterator[Sequence[object]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]

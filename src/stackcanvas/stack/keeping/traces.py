"""What one person left beside data: rows in files of runs, values in models, copies from before a move."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.data.persons import Person
from stackcanvas.errors import StackCanvasError
from stackcanvas.experiments import erasing
from stackcanvas.metadata import Ref

if TYPE_CHECKING:
    from stackcanvas.backends.files import Scratch
    from stackcanvas.data import DataVersion
    from stackcanvas.stack.stack import Stack

_AT_ONCE = 8
# What a registered version holds of the rows that it was trained on, beside what it learned.
_SAMPLES = ("profile.json", "input_example.json", "serving_input_example.json")


@dataclass(slots=True)
class Traces:
    """What was found beside data.

    Args:
        tables: objects that can be written anew, with how many rows of theirs each has.
        said: what cannot be changed here, why, and what to do, a sentence each.
    """

    tables: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


class Tracer:
    """Looks for one person beside data, and erases what can be.

    Args:
        stack: where.
        person: whose rows.
    """

    def __init__(self, stack: Stack, person: Person) -> None:
        self._stack = stack
        self._person = person

    def look(self, versions: Collection[DataVersion], runs: Collection[str], models: Collection[str]) -> Traces:
        """What is there.

        Args:
            versions: of data that hold rows of the person, or held some until they were erased.
            runs: that read them.
            models: that learned from them.
        """
        found = Traces()
        with self._stack.spine.read() as connection:
            here, elsewhere = erasing.folders(connection, runs)
            words = erasing.words_of(connection, runs, self._person)
        numeric = self._numeric(versions)
        closed = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            seen = pool.map(lambda folder: self._look(folder, numeric=numeric), here)
            for one in chain.from_iterable(seen):
                if one.rows:
                    found.tables[one.key] = one.rows
                elif one.why:
                    found.said.append(f"the file {one.key} {one.why}: delete it, or its run")
                else:
                    closed.append(one.key)
        if closed:
            found.said.append(
                f"{len(closed):,} files of runs that read the data cannot be looked into, such as "
                f"{', '.join(closed[:3])}: delete those that hold rows"
            )
        found.said += [f"files of runs at {place}: look for the person there" for place in sorted(set(elsewhere))]
        found.said += [f"{one} holds a value of theirs: delete that run" for one in words]
        found.said += self._of_models(sorted(models))
        found.said += self._copies()
        return found

    def _look(self, folder: str, *, numeric: bool) -> list[erasing.Trace]:
        return list(erasing.look(self._stack.objects, folder, self._person, self._scratch, numeric=numeric))

    def erase(self, found: Traces, versions: Collection[DataVersion]) -> None:
        """Write the tables that were found anew; one that was deleted meanwhile is left."""
        numeric = self._numeric(versions)
        for key in found.tables:
            if self._stack.objects.size(key) is not None:
                erasing.erase(self._stack.objects, key, self._person, self._scratch, numeric=numeric)

    @property
    def _scratch(self) -> Scratch:
        return self._stack.data.parts.scratch

    def _numeric(self, versions: Collection[DataVersion]) -> bool:
        kinds = {one.columns.get(self._person.column, "") for one in versions}
        return any(kind.startswith(("Int", "UInt", "Float")) for kind in kinds)

    def _of_models(self, refs: Iterable[str]) -> Iterator[str]:
        """The files of registered versions that show rows of their training data: they cannot change, only go."""
        registry, way = self._stack.registry, "register another, then: stackcanvas models rm"
        sampled = []
        for ref in refs:
            try:
                version = registry.get(Ref.parse(ref))
                telling = [one for one in version.files if erasing.mentions(registry.file(ref, one), self._person)]
            except StackCanvasError:  # deleted since, or its bytes are not there
                continue
            if telling:
                yield f"{', '.join(telling)} of {ref} hold a value of theirs: {way} {ref.removeprefix('model:')}"
            if any(file.rpartition("/")[2] in _SAMPLES for file in version.files if file not in telling):
                sampled.append(ref)
        if sampled:
            named = ", ".join(sampled)
            yield f"profile and input example of {named} were made from their rows among others: {way} NAME@N"

    def _copies(self) -> Iterator[str]:
        """State that was left lying when the stack moved or was migrated."""
        stack = self._stack
        folder: Path = stack.folder
        for file in sorted(folder.glob("*.db.*")):
            if not file.name.endswith(("-wal", "-shm")):
                yield f"{file} is a copy of the records from before: delete it when it is not needed"
        left = folder / "objects"
        if stack.settings.objects != str(left) and left.is_dir() and any(left.iterdir()):
            yield f"{left} holds the objects from before a move: delete it when it is not needed"

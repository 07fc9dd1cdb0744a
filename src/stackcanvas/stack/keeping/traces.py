"""What one person left beside data: rows in files of runs, values in models, copies from before a move."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
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

_MOST_NAMED = 20
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
        for folder in here:
            for one in erasing.look(self._stack.objects, folder, self._person, self._scratch, numeric=numeric):
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
        for model in sorted(models):
            found.said += self._of_model(model)
        found.said += self._copies()
        found.said = _short(found.said)
        return found

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

    def _of_model(self, ref: str) -> Iterator[str]:
        """The files of a registered version that show rows of its training data: it never changes, and can only go."""
        registry = self._stack.registry
        try:
            version = registry.get(Ref.parse(ref))
            samples = [file for file in version.files if file.rpartition("/")[2] in _SAMPLES]
            telling = [one for one in version.files if erasing.mentions(registry.file(version.ref, one), self._person)]
        except StackCanvasError:  # deleted since, or its bytes are not there
            return
        way = f"register another, then: stackcanvas models rm {version.ref.name}@{version.number}"
        if telling:
            yield f"{', '.join(telling)} of {ref} hold a value of theirs: {way}"
        if rest := [one for one in samples if one not in telling]:
            yield f"{', '.join(rest)} of {ref} were made from its training data, their rows among it: {way}"

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


def _short(said: list[str]) -> list[str]:
    if len(said) <= _MOST_NAMED:
        return said
    return [
        *said[:_MOST_NAMED],
        f"{len(said) - _MOST_NAMED:,} more of the kind: mend these, then run the command again",
    ]

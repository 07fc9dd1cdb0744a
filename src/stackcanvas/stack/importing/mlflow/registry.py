"""The registry of a store of MLflow: models, versions with their numbers, stages, aliases, tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection

from stackcanvas.errors import BadInput, Conflict, NotFound, StackCanvasError, Unavailable
from stackcanvas.metadata import Entry, Ref
from stackcanvas.registry import Folder, stage_named
from stackcanvas.registry.taking import TakenModel, TakenVersion
from stackcanvas.stack.importing.mlflow.source import Source, SourceModel, SourceVersion, digest_of
from stackcanvas.stack.importing.report import CHANGED, NEW, SAME, Tally, instant_of
from stackcanvas.stack.registering import find_logged

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


class Models:
    """Takes over registered models and their versions, after the runs that made them.

    Args:
        places: where files of runs and logged models lay -> `runs:/ID` or `models:/ID`.
        troubles: tells what the source could not read.
    """

    def __init__(
        self, stack: Stack, source: Source, tally: Tally, places: Mapping[str, str], *, troubles: Callable[[], None]
    ) -> None:
        self._stack = stack
        self._source = source
        self._tally = tally
        self._places = {_plain(place): address for place, address in places.items() if place}
        self._troubles = troubles
        self._taking = stack.registry.taking
        self._taken = stack.spine.taken
        with stack.spine.read() as connection:
            kinds = ("model", "model version")
            self._known = {kind: self._taken.known(connection, source.address, kind) for kind in kinds}

    def run(self) -> None:
        """Every model."""
        for found in self._source.models():
            self._troubles()
            try:
                self._model(found)
            except Unavailable:
                raise
            except StackCanvasError as error:
                self._tally.leave("model", found.name[:200], error.sentence())
        self._troubles()

    def _model(self, found: SourceModel) -> None:
        digest, entry = digest_of(found), self._known["model"].get(found.name)
        Ref("model", found.name)  # a name that no ref can carry is refused before anything is written
        if entry is None and self._is_foreign(found):
            count = sum(1 for _ in self._source.versions(found.name))
            why = f"a model of that name is here already, and did not come from there: rename it; {count} versions wait"
            self._tally.leave("model", found.name, why)
            return
        changed = entry is None or entry.digest != digest
        if changed and not self._tally.plan:
            given = TakenModel(
                found.name,
                found.description,
                instant_of(found.created_ms),
                instant_of(found.updated_ms),
                found.tags,
            )
            with self._stack.spine.write() as tx:
                self._taking.model(tx, given)
        for version in self._source.versions(found.name):
            self._troubles()
            self._version(version)
        if changed and not self._tally.plan:
            with self._stack.spine.write() as tx:
                for alias, number in found.aliases.items():
                    self._alias(tx, found.name, alias, number)
                self._taken.note(tx, Entry(self._source.address, "model", found.name, digest, found.name))
        self._tally.count("model", NEW if entry is None else CHANGED if changed else SAME)

    def _is_foreign(self, found: SourceModel) -> bool:
        """Whether the name is taken by another model: one that began at another time."""
        try:
            return self._stack.registry.model(found.name).created != instant_of(found.created_ms)
        except NotFound:
            return False

    def _alias(self, tx: Connection, name: str, alias: str, number: int) -> None:
        if not self._taking.has(tx, name, number):
            self._tally.leave("alias", f"{name}@{alias}", f"the version {number} is not here")
            return
        try:
            self._taking.alias(tx, name, alias, number)
        except (BadInput, Conflict) as error:
            self._tally.leave("alias", f"{name}@{alias}", error.sentence())

    def _version(self, found: SourceVersion) -> None:
        said = f"{found.name}@{found.number}"
        digest, entry = digest_of(found), self._known["model version"].get(said)
        if entry is not None and entry.digest == digest:
            self._tally.count("model version", SAME)
            return
        try:
            if found.number < 1:
                raise BadInput(f"{found.number} is no number of a version", expected="1 or more")
            if entry is None and not self._is_free(found):
                raise BadInput("the number is taken by a version that did not come from there")
            if not self._tally.plan:
                self._write(found, Entry(self._source.address, "model version", said, digest, said))
        except Unavailable:
            raise
        except (StackCanvasError, ValueError) as error:
            text = error.sentence() if isinstance(error, StackCanvasError) else f"it cannot be kept ({error})"
            self._tally.leave("model version", said, text)
            return
        self._tally.count("model version", NEW if entry is None else CHANGED)

    def _is_free(self, found: SourceVersion) -> bool:
        """Whether nobody has the number, or the very same version that came by another way."""
        try:
            here = self._stack.registry.get(Ref("model", found.name, str(found.number)))
        except NotFound:
            return True
        return here.created == instant_of(found.created_ms)

    def _write(self, found: SourceVersion, entry: Entry) -> None:
        registry, spine = self._stack.registry, self._stack.spine
        given = self._given(found)
        if registry.has(Ref("model", found.name, str(found.number))):
            with spine.write() as tx:
                self._taking.change(tx, given)
                self._taken.note(tx, entry)
            return
        files = self._taking.read(self._folder(found))
        with spine.write() as tx:
            if not self._taking.has(tx, found.name, found.number):  # another import may have been faster
                self._taking.version(tx, given, files)
            self._taken.note(tx, entry)

    def _given(self, found: SourceVersion) -> TakenVersion:
        run = found.run
        if run is not None:
            with self._stack.spine.read() as connection:
                run = run if self._stack.experiments.taking.is_here(connection, run) else None
        try:
            stage = stage_named(found.stage)
        except BadInput:
            stage = stage_named("None")
        return TakenVersion(
            name=found.name,
            number=found.number,
            place=self._source.address,
            created=instant_of(found.created_ms),
            updated=instant_of(found.updated_ms),
            actor=found.user or "unknown",
            description=found.description,
            stage=stage,
            run=run,
            source=self._here(found) or found.source,
            storage=found.storage or found.source or None,
            run_link=found.run_link,
            tags=found.tags,
        )

    def _folder(self, found: SourceVersion) -> Folder | None:
        """The files of a version: of the run or the logged model that it came from, which are here by now."""
        address = self._here(found)
        said = f"{found.name}@{found.number}"
        if "mlflow.prompt.is_prompt" in found.tags:
            return None
        try:
            folder = None if address is None else find_logged(self._stack, address)
            if folder is None or next(iter(folder.walk()), None) is None:
                folder = self._source.files_at(found.storage or found.source)
        except (BadInput, NotFound, Unavailable) as error:
            self._tally.leave("files", f"model version {said}", error.sentence())
            return None
        if folder is None or next(iter(folder.walk()), None) is None:
            why = f"there are none at {found.source[:200]}; the version comes in as a pointer"
            self._tally.leave("files", f"model version {said}", why)
            return None
        return folder

    def _here(self, found: SourceVersion) -> str | None:
        """The address of a version's files as this stack knows them."""
        scheme = urlsplit(found.source).scheme
        if scheme in {"runs", "models"}:
            return found.source
        plain = _plain(found.source)
        parts = plain.split("/")
        for end in range(len(parts), 0, -1):
            address = self._places.get("/".join(parts[:end]))
            if address is not None:
                return "/".join([address, *parts[end:]])
        return None


def _plain(place: str) -> str:
    """An address as it can be compared: a file's path with or without its scheme is one place."""
    text = unquote(urlsplit(place).path) if place.startswith("file:") else place
    return text.rstrip("/")

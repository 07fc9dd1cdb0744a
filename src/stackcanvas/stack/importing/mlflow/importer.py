"""From a store of MLflow into this stack: experiments, runs with all that belongs to them, logged models, registry."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from stackcanvas.errors import BadInput, NotFound, StackCanvasError, Unavailable
from stackcanvas.experiments.logged.models import ModelMetric
from stackcanvas.experiments.metrics import Raw
from stackcanvas.experiments.places import own_model_place, own_run_place
from stackcanvas.experiments.runs import RUNNING, SCHEDULED, STATUSES
from stackcanvas.experiments.taking import TakenExperiment, TakenModel, TakenRun
from stackcanvas.metadata import Entry
from stackcanvas.stack.importing.carry import Carrier
from stackcanvas.stack.importing.folders import Reach
from stackcanvas.stack.importing.mlflow.files import Files, is_file_store
from stackcanvas.stack.importing.mlflow.registry import Models
from stackcanvas.stack.importing.mlflow.rest import Served
from stackcanvas.stack.importing.mlflow.server import Server
from stackcanvas.stack.importing.mlflow.source import (
    Point,
    Source,
    SourceExperiment,
    SourceLogged,
    SourceRun,
    digest_of,
)
from stackcanvas.stack.importing.mlflow.sql import Database
from stackcanvas.stack.importing.report import CHANGED, NEW, SAME, Advance, Imported, Tally, instant_of
from stackcanvas.stack.importing.work import Batches

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_COMMIT = "mlflow.source.git.commit"
_OPEN = {RUNNING, SCHEDULED}
INCOMPLETE = "+"
"""Ends the digest of an entry of which a file is missing, so that the next import tries again."""


def import_mlflow(
    stack: Stack,
    uri: str,
    *,
    plan: bool = False,
    artifacts: str | None = None,
    thorough: bool = False,
    advance: Advance = lambda _: None,
    environ: Mapping[str, str] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Imported:
    """Take over what a store of MLflow holds; see `Imports.mlflow`."""
    source = _opened(uri, artifacts=artifacts, environ=environ, pause=pause)
    tally = Tally(source.address, plan=plan, advance=advance)
    try:
        if plan:
            _Import(stack, source, tally, thorough=thorough).run()
        else:
            with stack.spine.record("import.mlflow", parameters={"source": source.address}) as recording:
                _Import(stack, source, tally, thorough=thorough).run()
                with stack.spine.write() as tx:
                    counts = {one.kind: one.new + one.changed for one in tally.done().counts}
                    stack.spine.audit.add(tx, "import.mlflow", recording.ref, {"from": source.address, **counts})
                    recording.finish(tx)
    finally:
        source.close()
    return tally.done()


def _opened(
    uri: str, *, artifacts: str | None, environ: Mapping[str, str] | None, pause: Callable[[float], None]
) -> Source:
    scheme = urlsplit(uri).scheme
    if scheme in {"http", "https"}:
        if artifacts is not None:
            raise BadInput("a tracking server gives the files itself", fix="Leave out --artifacts")
        return Served(Server(uri, environ=environ, pause=pause))
    if scheme in {"", "file"}:
        folder = Path(unquote(urlsplit(uri).path) if scheme else uri).absolute()
        if folder.is_file():
            return Database(f"sqlite:///{folder}", artifacts=artifacts)
        if not folder.is_dir():
            raise NotFound("folder or database", str(folder))
        if not is_file_store(folder):
            raise BadInput("the folder holds no experiments of MLflow", where=str(folder), expected="such as mlruns")
        return Files(folder, Reach(folder, artifacts))
    if scheme.startswith("databricks"):
        raise BadInput(
            "Databricks is reached by its own client only", fix="Export from there with mlflow-export-import"
        )
    return Database(uri, artifacts=artifacts)


class _Import:
    """One import; each entry comes in as a whole, in a transaction with the note that it did."""

    def __init__(self, stack: Stack, source: Source, tally: Tally, *, thorough: bool) -> None:
        self._stack = stack
        self._source = source
        self._tally = tally
        self._thorough = thorough
        self._taking = stack.experiments.taking
        self._taken = stack.spine.taken
        self._carrier = Carrier(stack.objects, tally, source.check)
        self._places: dict[str, str] = {}  # where the files of runs and logged models lay -> their address here
        with stack.spine.read() as connection:
            kinds = ("experiment", "run", "logged model")
            self._known = {kind: self._taken.known(connection, source.address, kind) for kind in kinds}

    def run(self) -> None:
        """Everything, in the order in which one thing names another."""
        for found in self._source.experiments():
            self._troubles()
            here = self._experiment(found)
            if here is not None:
                self._runs(found, here)
                self._logged(found, here[0])
        Models(self._stack, self._source, self._tally, self._places, troubles=self._troubles).run()
        for kind, number in self._source.not_taken():
            self._tally.leave(kind, f"{number:,} of them", "they are not taken over", number)
        self._troubles()

    def _troubles(self) -> None:
        for kind, name, why in self._source.broken():
            self._tally.leave(kind, name, why)

    def _experiment(self, found: SourceExperiment) -> tuple[int, str] | None:
        digest, entry = digest_of(found), self._known["experiment"].get(found.id)
        if entry is not None and entry.digest == digest:
            self._tally.count("experiment", SAME)
            return int(entry.here), found.name
        try:
            given = TakenExperiment(
                int(found.id) if found.id.isascii() and found.id.isdigit() else None,
                found.name,
                found.lifecycle,
                instant_of(found.created_ms),
                instant_of(found.updated_ms),
                found.tags,
            )
            number = self._planned(given) if self._tally.plan else self._write_experiment(found, given, digest)
        except Unavailable:
            raise
        except StackCanvasError as error:
            self._tally.leave("experiment", found.name[:200], error.sentence())
            return None
        self._tally.count("experiment", NEW if entry is None else CHANGED)
        if str(number) != found.id:
            self._tally.map("experiment", f"{found.id} ({found.name})", "a new number" if number < 0 else str(number))
        return number, found.name

    def _planned(self, given: TakenExperiment) -> int:
        for one in self._stack.experiments.catalog.ls(lifecycle=None):
            if one.name == given.name:
                return one.id
            if one.id == given.number:
                return -1
        return -1 if given.number is None else given.number

    def _write_experiment(self, found: SourceExperiment, given: TakenExperiment, digest: str) -> int:
        with self._stack.spine.write() as tx:
            entry = self._taken.get(tx, self._source.address, "experiment", found.id)
            if entry is None:
                number = self._taking.experiment(tx, given)
            else:
                number = int(entry.here)
                self._taking.change(tx, number, given)
            self._taken.note(tx, Entry(self._source.address, "experiment", found.id, digest, str(number)))
        return number

    def _runs(self, experiment: SourceExperiment, here: tuple[int, str]) -> None:
        with Batches(self._write_runs, plan=self._tally.plan) as batches:
            for found in self._source.runs(experiment.id):
                self._troubles()
                digest, entry = digest_of(found), self._known["run"].get(found.id)
                self._places[found.place] = f"runs:/{found.id}"
                if not _ID.fullmatch(found.id):
                    self._tally.leave("run", found.id[:100], "its id is none that can be kept")
                elif entry is not None and entry.digest == digest and not self._again(found.status):
                    self._tally.count("run", SAME)
                elif entry is None and self._is_foreign(found.id):
                    self._tally.leave("run", found.id, "a run of that id is here already, and did not come from there")
                else:
                    batches.add(partial(self._prepare, found, here, digest, entry))
        self._troubles()

    def _again(self, status: str) -> bool:
        return self._thorough or status in _OPEN

    def _is_foreign(self, run_id: str) -> bool:
        with self._stack.spine.read() as connection:
            return self._taking.is_here(connection, run_id) and not self._taken.as_here(connection, "run", run_id)

    def _prepare(
        self, found: SourceRun, here: tuple[int, str], digest: str, entry: Entry | None
    ) -> tuple[TakenRun, Entry, Entry | None] | None:
        """Read the rest of a run and bring its files; called by several threads."""
        try:
            complete = self._carrier.carry(
                lambda: self._source.files_of_run(found),
                own_run_place(found.id),
                name=f"run {found.id}",
                anew=entry is not None,
            )
            if self._tally.plan:
                self._tally.count("run", NEW if entry is None else CHANGED)
                return None
            given = _taken_run(found, here, self._source.history(found))
        except (BadInput, NotFound, ValueError, KeyError, TypeError) as error:
            said = error.sentence() if isinstance(error, StackCanvasError) else f"it cannot be read ({error})"
            self._tally.leave("run", found.id, said)
            return None
        now = Entry(self._source.address, "run", found.id, digest + ("" if complete else INCOMPLETE), found.id)
        return given, now, entry

    def _write_runs(self, prepared: list[tuple[TakenRun, Entry, Entry | None]]) -> None:
        """Write runs together, or one by one where one of them cannot be written."""
        try:
            with self._stack.spine.write() as tx:
                self._taking.runs(tx, [given for given, _, _ in prepared])
                self._taken.note(tx, *(now for _, now, _ in prepared))
        except Unavailable:
            raise
        except (StackCanvasError, ValueError, OverflowError) as error:
            if len(prepared) > 1:
                for one in prepared:
                    self._write_runs([one])
                return
            said = error.sentence() if isinstance(error, StackCanvasError) else f"it cannot be kept ({error})"
            self._tally.leave("run", prepared[0][1].id, said)
            return
        for _, now, before in prepared:
            same = before is not None and before.digest == now.digest
            self._tally.count("run", SAME if same else NEW if before is None else CHANGED)

    def _logged(self, experiment: SourceExperiment, number: int) -> None:
        for found in self._source.logged(experiment.id):
            self._troubles()
            digest, entry = digest_of(found), self._known["logged model"].get(found.id)
            self._places[found.place] = f"models:/{found.id}"
            if not _ID.fullmatch(found.id):
                self._tally.leave("logged model", found.id[:100], "its id is none that can be kept")
            elif entry is not None and entry.digest == digest and not self._thorough:
                self._tally.count("logged model", SAME)
            else:
                self._take_logged(found, number, digest, entry)
        self._troubles()

    def _take_logged(self, found: SourceLogged, number: int, digest: str, entry: Entry | None) -> None:
        place, name = own_model_place(found.id), f"logged model {found.id}"
        complete = self._carrier.carry(
            lambda: self._source.files_of_logged(found), place, name=name, anew=entry is not None
        )
        digest += "" if complete else INCOMPLETE
        try:
            if not self._tally.plan:
                given = _taken_model(found, number)
                with self._stack.spine.write() as tx:
                    self._taking.model(tx, given)
                    self._taken.note(tx, Entry(self._source.address, "logged model", found.id, digest, found.id))
        except Unavailable:
            raise
        except (StackCanvasError, ValueError) as error:
            said = error.sentence() if isinstance(error, StackCanvasError) else f"it cannot be kept ({error})"
            self._tally.leave("logged model", found.id, said)
            return
        same = entry is not None and entry.digest == digest
        self._tally.count("logged model", SAME if same else NEW if entry is None else CHANGED)


def _taken_run(found: SourceRun, here: tuple[int, str], points: list[Point]) -> TakenRun:
    ended = None if found.ended_ms is None else instant_of(found.ended_ms)
    deleted = None
    if found.lifecycle == "deleted":
        deleted = instant_of(found.deleted_ms or found.ended_ms or found.started_ms)
    return TakenRun(
        id=found.id,
        experiment=here,
        name=found.name or f"run-{found.id[-8:]}",
        status=found.status if found.status in STATUSES else "failed",
        started=instant_of(found.started_ms),
        ended=ended,
        lifecycle="deleted" if found.lifecycle == "deleted" else "active",
        deleted=deleted,
        actor=found.user or "unknown",
        code_commit=found.tags.get(_COMMIT) or None,
        parameters=found.parameters,
        tags=found.tags,
        points=[Raw(one.key, one.step, one.time_ms * 1000, one.value) for one in points],
        inputs=found.inputs,
        read_models=found.read_models,
        made_models=found.made_models,
    )


def _taken_model(found: SourceLogged, number: int) -> TakenModel:
    return TakenModel(
        id=found.id,
        experiment=number,
        name=found.name or f"model-{found.id[-8:]}",
        model_type=found.model_type,
        source_run=found.run,
        status=found.status if found.status in {"pending", "ready", "failed"} else "unknown",
        status_message=found.status_message,
        lifecycle="deleted" if found.lifecycle == "deleted" else "active",
        created=instant_of(found.created_ms),
        updated=instant_of(found.updated_ms),
        parameters=found.parameters,
        tags=found.tags,
        metrics=[
            ModelMetric(
                one.run,
                Raw(one.point.key, one.point.step, one.point.time_ms * 1000, one.point.value),
                one.dataset_name,
                one.dataset_digest,
            )
            for one in found.metrics
        ],
    )

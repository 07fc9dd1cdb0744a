"""The one place that knows Optuna: its storage as entries in our database, its states in our words.

Optuna's journal is a list of what happened, and its state is all of it played again. So a table of entries in order is
the whole storage: in our migrations, in our backups, the same on SQLite and PostgreSQL, and safe for many processes,
because there is one writer at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import func, select

from stackcanvas.backends.database import Database
from stackcanvas.errors import BadInput
from stackcanvas.experiments.space import Choice, Range, Space
from stackcanvas.experiments.tables import study_entry

STATES = {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
Pruned = optuna.TrialPruned

# What it says on stderr is said by the records and by who calls it.
optuna.logging.set_verbosity(optuna.logging.ERROR)


class Journal(BaseJournalBackend):
    """The entries of one study."""

    def __init__(self, database: Database, study: str) -> None:
        self._database = database
        self._study = study

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """The entries from a number on."""
        here = (study_entry.c.study == self._study) & (study_entry.c.number >= log_number_from)
        chosen = select(study_entry.c.entry).where(here).order_by(study_entry.c.number)
        with self._database.read() as connection:
            return [json.loads(text) for text in connection.execute(chosen).scalars()]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add entries after the last one."""
        here = select(func.max(study_entry.c.number)).where(study_entry.c.study == self._study)
        with self._database.write(durable=False) as tx:
            last = tx.execute(here).scalar()
            first = 0 if last is None else last + 1
            rows = [
                {"study": self._study, "number": number, "entry": json.dumps(entry)}
                for number, entry in enumerate(logs, start=first)
            ]
            if rows:
                tx.execute(study_entry.insert(), rows)


def open_study(
    database: Database,
    name: str,
    *,
    direction: Literal["maximize", "minimize"],
    seed: int | None,
    sampler: Any = None,
    pruner: Any = None,
) -> optuna.Study:
    """The study of a name, made when it is new.

    Raises:
        BadInput: it exists and goes in the other direction.
    """
    storage = JournalStorage(Journal(database, name))
    study = optuna.create_study(
        study_name=name, storage=storage, direction=direction, load_if_exists=True, sampler=sampler, pruner=pruner
    )
    known = study.direction.name.lower()
    if known != direction:
        raise BadInput(f"the study {name!r} exists, to {known}", expected=f"--direction {known}, or another name")
    if sampler is None and seed is not None:
        # Beside each other, processes must not try the same; gone on with, a study must not try the same again.
        study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.get_trials(deepcopy=False)))
    return study


def fail(study: optuna.Study, trial: FrozenTrial) -> bool:
    """End a trial whose process died; False when somebody else has done so."""
    try:
        study.tell(trial.number, state=TrialState.FAIL)
    except (ValueError, RuntimeError):
        return False
    return True


def suggest(trial: optuna.Trial, space: Mapping[str, Space]) -> dict[str, object]:
    """A value for each parameter of a space."""
    return {name: _suggest(trial, name, values) for name, values in space.items()}


def _suggest(trial: optuna.Trial, name: str, values: Space) -> object:
    if isinstance(values, Choice):
        return trial.suggest_categorical(name, list(values.values))
    assert isinstance(values, Range)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return trial.suggest_float(name, float(values.low), float(values.high), log=values.log)

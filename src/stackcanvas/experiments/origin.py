"""Where a run comes from: command, machine, uncommitted changes, cells of a notebook; what it needs to run again."""

from __future__ import annotations

import itertools
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil
from blake3 import blake3
from sqlalchemy import Connection, select

from stackcanvas.backends.database import Database, Ready
from stackcanvas.experiments.tables import run_origin
from stackcanvas.foundations import Git
from stackcanvas.metadata import CodeState

# The folder of a run's files that are not the user's.
OWN = "reproduce"
PATCH = f"{OWN}/changes.patch"
NOTEBOOK = f"{OWN}/notebook.py"
# Set by `reproduce` for the process that runs again what a run did.
REPRODUCES_VARIABLE = "STACKCANVAS_REPRODUCES"
REPRODUCES = "stackcanvas.reproduces"

# Names of the environment that decide how a process counts.
_TELLING = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"),
    *("PYTHONHASHSEED", "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG", "TF_DETERMINISTIC_OPS"),
)


# How many runs this process has started.
_STARTED = itertools.count()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run comes from.

    Args:
        command: what started the process, with the interpreter's own words; empty for a notebook.
        folder: where it was started, from the project's folder.
        ordinal: how many runs the process had started before.
        hardware: processor, cores, memory, system.
        settings: the names of the environment that decide about threads and randomness.
        patch: the digest of the uncommitted changes, None when there were none.
        left_out: what the changes lack because it is too large.
        notebook: the digest of the cells of a notebook: those up to the start of the run, then those up to its end.
    """

    command: tuple[str, ...] = ()
    folder: str = "."
    ordinal: int = 0
    hardware: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    patch: str | None = None
    left_out: tuple[str, ...] = ()
    notebook: str | None = None


class Origins:
    """Keeps the origins of runs; those of the runs of other tools have none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = Ready(database.insert(run_origin).on_conflict_do_nothing(), ("run", "facts"))

    def add(self, tx: Connection, run_id: str, origin: Origin) -> None:
        """Record an origin inside the caller's transaction; the first start of a run counts."""
        self._add.run(tx, [{"run": run_id, "facts": {one.name: getattr(origin, one.name) for one in fields(origin)}}])

    def note_cells(self, tx: Connection, run_id: str, executed: str) -> None:
        """Record what the cells of a notebook were at the end of its run."""
        here = run_origin.c.run == run_id
        facts = tx.execute(select(run_origin.c.facts).where(here)).scalar_one_or_none()
        if facts is not None:
            noted = {**facts, "notebook": _digest(executed)}
            tx.execute(run_origin.update().where(here).values(facts=noted))

    def get(self, run_id: str) -> Origin | None:
        """The origin of a run, None where none was recorded."""
        chosen = select(run_origin.c.facts).where(run_origin.c.run == run_id)
        with self._database.read() as connection:
            facts: Mapping[str, Any] | None = connection.execute(chosen).scalar_one_or_none()
        if facts is None:
            return None
        lists = {name: tuple(facts.get(name, ())) for name in ("command", "left_out")}
        return Origin(**{**facts, **lists})


def gather(root: Path | None, code: CodeState) -> tuple[Origin, dict[str, bytes]]:
    """The origin of a run that starts in this process now, and the files of the run that belong to it.

    Args:
        root: the project's folder.
        code: what runs; where it differs from its commit, the changes are one of the files.
    """
    changes = Git(root).changes() if code.dirty and root is not None else None
    # A notebook may never come to its end: those cells that led to the start are kept now.
    executed = cells()
    here = Path.cwd()
    folder = os.path.relpath(here, root) if root is not None else str(here)
    files = {} if changes is None else {PATCH: changes.patch}
    if executed is not None:
        files[NOTEBOOK] = executed.encode()
    found = Origin(
        command=tuple(sys.orig_argv) if executed is None else (),
        folder=folder,
        ordinal=next(_STARTED),
        hardware=dict(hardware()),
        settings={name: os.environ[name] for name in _TELLING if name in os.environ},
        patch=None if changes is None else blake3(changes.patch).hexdigest(),
        left_out=() if changes is None else changes.left_out,
        notebook=None if executed is None else _digest(executed),
    )
    return found, files


@lru_cache(maxsize=1)
def hardware() -> Mapping[str, object]:
    """The machine of this process.

    Example:
        >>> sorted(hardware())
        ['cores', 'machine', 'memory_bytes', 'processor', 'system']
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
    }


def notebook_shell() -> Any | None:
    """The shell of the notebook, or of IPython, that this code runs in; None elsewhere."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def cells() -> str | None:
    """The cells of the notebook that were executed up to now, as one script; None outside a notebook."""
    shell = notebook_shell()
    if shell is None:
        return None
    executed = [cell.strip() for cell in shell.user_ns.get("In", ()) if cell.strip()]
    # Magics become plain calls, so that the script can be run.
    return "\n\n".join(f"# %%\n{shell.transform_cell(cell).strip()}" for cell in executed) + "\n"


def _digest(executed: str) -> str:
    return blake3(executed.encode()).hexdigest()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())

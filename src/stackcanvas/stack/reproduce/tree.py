"""The code of a run in a folder of its own: its commit, its uncommitted changes, its data, over the same state."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from blake3 import blake3

from stackcanvas.backends.files import Scratch
from stackcanvas.canvas import load
from stackcanvas.canvas.edit import answer, write
from stackcanvas.data import DataVersion
from stackcanvas.errors import BadInput, Corrupt, NotFound, Unavailable
from stackcanvas.experiments import Origin, RunInfo
from stackcanvas.experiments.frame import write_frame
from stackcanvas.experiments.origin import PATCH
from stackcanvas.metadata import Ref
from stackcanvas.pipelines import Worktrees
from stackcanvas.stack.moving import DATABASE, OBJECTS
from stackcanvas.stack.root import CANVAS
from stackcanvas.stack.settings import settings_of

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


@contextmanager
def tree_of(stack: Stack, run: RunInfo, origin: Origin | None) -> Iterator[Path]:
    """The project's folder as the run found it, removed afterwards; what a killed process left of one goes, too.

    Raises:
        NotFound: the run recorded no commit, or the repository does not have it.
        Corrupt: the recorded changes are not what was recorded.
        Unavailable: git cannot make the folder.
    """
    if run.code.commit is None:
        raise NotFound("commit of the run", run.id, fix="Runs started inside a git repository record one")
    with Scratch(stack.folder / "reproduce").room() as place:
        trees = Worktrees(stack.root, place)
        try:
            folder = trees.at(run.code.commit)
            if run.code.dirty and origin is not None and origin.patch is not None:
                _patch(stack, run, folder=folder, digest=origin.patch)
            state = folder / stack.folder.name
            if not state.exists():
                # The same records, objects and predictions: the run that is made again stands beside the first one.
                state.symlink_to(stack.folder.resolve(), target_is_directory=True)
            _keep_addresses(stack, folder)
            _restore(stack, run, folder)
            yield folder
        finally:
            trees.prune((), unused_s=-1.0)


def _keep_addresses(stack: Stack, folder: Path) -> None:
    """Records and bytes go where they go now, although the canvas of that commit may have named other places."""
    environment, file = stack.environment, folder / CANVAS
    now, here = stack.canvas.effective(environment=environment), stack.settings
    try:
        there = settings_of(load(file), root=folder, environment=environment, environ=os.environ)
    except BadInput:  # a name that nobody gives any more
        there = None
    then = ("", "") if there is None else (there.database, there.objects)
    addresses = {DATABASE: (here.database, then[0]), OBJECTS: (here.objects, then[1])}
    changes = [
        # What lies on this machine by its full path, the rest as it is written: secrets stay out of the file.
        answer(path, wanted if _local(wanted) else now.get(path).text, environment=environment)
        for path, (wanted, found) in addresses.items()
        if (_local(found) or found) != (_local(wanted) or wanted)
    ]
    if changes:
        write(file, changes)
        # The change is not the run's: git is told to overlook it.
        command = ["git", "-C", str(folder), "update-index", "--assume-unchanged", CANVAS]
        subprocess.run(command, capture_output=True, check=False)


def _local(address: str) -> Path | None:
    """The file or folder that an address means, None of what lies elsewhere."""
    for prefix in ("sqlite:///", "file://"):
        if address.startswith(prefix):
            return Path(unquote(address.removeprefix(prefix))).resolve()
    return None


def _patch(stack: Stack, run: RunInfo, *, folder: Path, digest: str) -> None:
    patch = stack.experiments.files.get(run.id, PATCH)
    if blake3(patch).hexdigest() != digest:
        raise Corrupt("the uncommitted changes of the run were altered since it started", where=f"{run.ref} {PATCH}")
    if not patch:
        return
    top = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--show-toplevel"], capture_output=True, text=True, check=False
    ).stdout.strip()
    command = ["git", "-C", top, "apply", "--whitespace=nowarn", "-"]
    said = subprocess.run(command, input=patch, capture_output=True, check=False)
    if said.returncode != 0:
        reason = said.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["git gave no reason"]
        raise Unavailable(f"git cannot apply the uncommitted changes of the run ({reason[0]})", where=str(folder))


def _restore(stack: Stack, run: RunInfo, folder: Path) -> None:
    """Bring files that git does not have from the versions of data that the run read."""
    for given in run.inputs:
        if not given.source.startswith("data:"):
            continue
        try:
            version = stack.data.get(Ref.parse(given.source))
        except NotFound:  # a reader's rows, or gone: the comparison of inputs tells
            continue
        for source in version.source[:1]:
            place = (folder / source).resolve()
            if place.is_relative_to(folder.resolve()) and place != folder.resolve() and not place.exists():
                _bring(stack, version, place)


def _bring(stack: Stack, version: DataVersion, place: Path) -> None:
    """A version where its source lay; of a table that came from a file only the rows are kept."""
    if version.kind == "table" and place.suffix:
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(BadInput):  # of a format that is only read: the comparison of inputs tells
            write_frame(stack.data.read(version.ref), place)
        return
    single = [file.path for file in stack.data.files(version.ref)] == [place.name]
    stack.data.checkout(version.ref, place.parent if single else place, force=True)

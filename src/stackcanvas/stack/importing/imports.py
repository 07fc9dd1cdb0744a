"""The imports of a stack: `stack.imports.mlflow(...)`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.stack.importing.dvc import import_dvc
from stackcanvas.stack.importing.feast import import_feast
from stackcanvas.stack.importing.mlflow import import_mlflow
from stackcanvas.stack.importing.report import Advance, Imported

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


class Imports:
    """Takes over what other tools hold, with ids, tags and times.

    An import can be killed and run again at any time: each entry is here as a whole or not at all, and a second run
    adds only what is new or has changed there.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def mlflow(
        self,
        uri: str,
        *,
        plan: bool = False,
        artifacts: str | None = None,
        thorough: bool = False,
        advance: Advance = lambda _: None,
    ) -> Imported:
        """Take over experiments, runs, logged models, registered models and their files from MLflow.

        Args:
            uri: of the tracking server, or of the store: `http://host:5000`, `mlruns`, `sqlite:///mlflow.db`,
                `postgresql://...`. Credentials come from `MLFLOW_TRACKING_USERNAME`, `_PASSWORD` or `_TOKEN`.
            plan: write nothing, and tell what would come in.
            artifacts: where a store on disk keeps its files, when that is neither in its folder nor where it says: a
                folder or a URL.
            thorough: look again for metrics and files of runs that look unchanged.
            advance: told how many entries more are done.

        Raises:
            BadInput: there is no MLflow at the address.
            Refused: the server wants other credentials.
            Unavailable: the server does not answer any more; the same call goes on where this one stopped.
        """
        return import_mlflow(self._stack, uri, plan=plan, artifacts=artifacts, thorough=thorough, advance=advance)

    def dvc(
        self,
        place: str | Path,
        *,
        revisions: Sequence[str] = (),
        remote: str | None = None,
        plan: bool = False,
        advance: Advance = lambda _: None,
    ) -> Imported:
        """Take over the versions of data that a repository of DVC holds.

        Each commit that changed a content makes a version of the data set that is called as the path is, with the
        time and the message of the commit, the tag `git-` and its first twelve letters, and the tags of git.

        Args:
            place: the folder of the repository.
            revisions: branches, tags or commits whose history counts; the current one by default.
            remote: where contents lie besides the cache and the remotes that the repository names: a folder or a URL.
            plan: write nothing, and tell what would come in.
            advance: told how many entries more are done.

        Raises:
            BadInput: the folder is no repository of DVC.
            NotFound: there is no such revision.
            Unavailable: a remote does not answer; the same call goes on where this one stopped.
        """
        return import_dvc(self._stack, place, revisions=revisions, remote=remote, plan=plan, advance=advance)

    def feast(self, place: str | Path, *, plan: bool = False, advance: Advance = lambda _: None) -> Imported:
        """Take over what a registry of Feast defines, as `features.py`, and the rows of its file sources.

        Where there is a `features.py` of your own, the definitions are written to `features_feast.py` beside it.

        Args:
            place: the folder with `feature_store.yaml`, that file, or the file of a registry.
            plan: write nothing, and tell what would come in.
            advance: told how many entries more are done.

        Raises:
            NotFound: there is no registry.
            BadInput: it is broken, or of a kind that only Feast reads.
        """
        return import_feast(self._stack, place, plan=plan, advance=advance)

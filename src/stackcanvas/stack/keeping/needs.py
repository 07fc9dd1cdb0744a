"""What something else still needs: runs behind models, data and deployments; data behind models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from stackcanvas.data.forget import standing
from stackcanvas.errors import NotFound
from stackcanvas.experiments.removing import source_runs, with_parents
from stackcanvas.metadata import Ref

if TYPE_CHECKING:
    from stackcanvas.data import DataVersion
    from stackcanvas.registry import ModelVersion
    from stackcanvas.stack.stack import Stack

_LOGGED = re.compile(r"models:/([^/]+)")


def needed_runs(stack: Stack) -> set[str]:
    """The ids of all runs that a model version, kept data or a deployment comes from, and of those around them."""
    models = list(_models(stack))
    refs = [version.ref for version in models]
    refs += [version.ref for version in stack.data.parts.versions.every() if version.forgotten is None]
    for status in stack.deployment.ls():
        refs += [status.live, *([status.candidate] if status.candidate is not None else [])]
    found = stack.spine.lineage.behind(refs)
    found |= {version.run.name for version in models if version.run is not None}
    logged = {match.group(1) for version in models if (match := _LOGGED.match(version.source or ""))}
    with stack.spine.read() as connection:
        return with_parents(connection, found | source_runs(connection, logged))


def needed_data(stack: Stack) -> set[Ref]:
    """The versions of data that registered models were made from, however far back."""
    found: set[Ref] = set()
    for version in _models(stack):
        for start in (version.ref, *([version.training] if version.training is not None else [])):
            if start not in found:
                found.update(stack.spine.lineage.upstream(start).refs)
    return {ref for ref in found if ref.kind == "data"}


def free_versions(stack: Stack, versions: Iterable[DataVersion]) -> list[DataVersion]:
    """Those of some versions that may go: not the newest, without a tag or a line in `data.lock`, behind no model."""
    needed = needed_data(stack)
    return [one for one in versions if one.ref not in needed and not standing(stack.data.parts, one)]


def _models(stack: Stack) -> Iterable[ModelVersion]:
    for model in stack.registry.ls():
        try:
            yield from stack.registry.versions(model.name)
        except NotFound:  # deleted meanwhile
            continue

"""What it takes to execute a step, here or in a worker process that opens the project for itself."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from stackcanvas.errors import Conflict, Usage
from stackcanvas.experiments import Experiments
from stackcanvas.metadata import Spine
from stackcanvas.pipelines.code import CodeDigests
from stackcanvas.pipelines.definition import Definition
from stackcanvas.pipelines.inputs import Source
from stackcanvas.pipelines.load import Definitions
from stackcanvas.pipelines.pipeline import Pipeline
from stackcanvas.pipelines.trace import Call, Graph
from stackcanvas.pipelines.values import Values


@dataclass(frozen=True, slots=True)
class Address:
    """Where another process finds the project.

    Args:
        opener: `module:function` that opens a stack from a folder; what it gives has the pipelines as `.pipelines`.
        root: the project's folder.
        environment: the environment of the canvas that was asked for.
        code: the folder of the code, where that is another one.
    """

    opener: str
    root: str
    environment: str | None = None
    code: str | None = None

    def open(self) -> Any:
        """The stack of the project."""
        module, _, name = self.opener.partition(":")
        options = {} if self.environment is None else {"environment": self.environment}
        return getattr(importlib.import_module(module), name)(self.root, **options)


@dataclass(frozen=True, slots=True)
class Bench:
    """The parts of the stack that a step needs.

    Sent to another process, it is opened there from its address.

    Args:
        opened: gives the stack, for steps that ask for it.
        address: None where no other process can open the project.
    """

    spine: Spine
    values: Values
    source: Source
    experiments: Experiments
    definitions: Definitions
    opened: Callable[[], Any]
    address: Address | None = None

    def definition(self, pipeline: str, parameters: Mapping[str, object], node: str) -> Definition:
        """The step at a place of a pipeline's graph, found by tracing its body again."""
        found = _traced(self.definitions.pipeline(pipeline), json.dumps(parameters)).nodes.get(node)
        if not isinstance(found, Call):
            raise Conflict(f"the pipeline {pipeline} has no step {node} any more", fix="Run it again")
        return found.definition

    def check_code(self, definition: Definition, digest: str) -> None:
        """Refuse code that is not the code of the run: its result would be kept under the wrong key.

        Raises:
            Conflict: the files have changed since the run started.
        """
        if CodeDigests().of(definition.function) != digest:
            raise Conflict(f"the code of the step {definition.name} changed while the pipeline was running")

    def __reduce__(self) -> tuple[object, ...]:
        """Another process opens the project itself."""
        if self.address is None:
            raise Usage("the steps of this project cannot run in another process: nothing says how to open it there")
        return _opened, (self.address,)


@lru_cache(maxsize=16)
def _traced(pipeline: Pipeline[..., Any], parameters: str) -> Graph:
    """The graph of a pipeline; a reloaded pipeline is another object."""
    return pipeline.trace(json.loads(parameters))


@lru_cache(maxsize=4)
def _opened(address: Address) -> Bench:
    bench: Bench = address.open().pipelines.bench
    if address.code is None:
        return bench
    code = Definitions(Path(address.code), identity=Path(address.root))
    return replace(bench, definitions=code, address=address)

"""A running stack: the blocks of one project over its backends, each made when it is first used."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from stackcanvas.metadata import Spine
from stackcanvas.stack.settings import Settings

if TYPE_CHECKING:
    from stackcanvas.backends.executor import Executor
    from stackcanvas.backends.keyvalue import KeyValue
    from stackcanvas.backends.objects import Objects
    from stackcanvas.canvas import Canvas, Effective
    from stackcanvas.data import Data
    from stackcanvas.data.analysis import Analysis
    from stackcanvas.data.annotation import Annotation
    from stackcanvas.data.splits import Splits
    from stackcanvas.deployment import Deployment
    from stackcanvas.experiments import Experiments
    from stackcanvas.features import Features
    from stackcanvas.foundations import Git
    from stackcanvas.metadata.tokens import Tokens
    from stackcanvas.monitoring import Monitoring
    from stackcanvas.pipelines import Definitions, Pipelines, Scheduler, Worker
    from stackcanvas.registry import Registry
    from stackcanvas.serving import Serving
    from stackcanvas.value import Value

# The parts of a stack and what makes each: nothing of a block is imported before it is used.
_PARTS = {
    "objects": "stackcanvas.stack.build.backends:objects",
    "online": "stackcanvas.stack.build.backends:online",
    "executor": "stackcanvas.stack.build.backends:executor",
    "project": "stackcanvas.stack.build.pipelines:project",
    "data": "stackcanvas.stack.build.data:build",
    "analysis": "stackcanvas.stack.build.analysis:build",
    "splits": "stackcanvas.stack.build.analysis:splits",
    "apart": "stackcanvas.stack.apart:Apart",
    "annotation": "stackcanvas.stack.build.annotation:build",
    "experiments": "stackcanvas.stack.build.experiments:build",
    "features": "stackcanvas.stack.build.features:build",
    "foundations": "stackcanvas.stack.build.foundations:build",
    "pipelines": "stackcanvas.stack.build.pipelines:build",
    "scheduler": "stackcanvas.stack.build.pipelines:scheduler",
    "worker": "stackcanvas.stack.build.pipelines:worker",
    "registry": "stackcanvas.stack.build.registry:build",
    "serving": "stackcanvas.stack.build.serving:build",
    "deployment": "stackcanvas.stack.build.deployment:build",
    "monitoring": "stackcanvas.stack.build.monitoring:build",
    "value": "stackcanvas.stack.build.value:build",
    "tokens": "stackcanvas.stack.build.tokens:build",
    "imports": "stackcanvas.stack.importing:Imports",
    "keeping": "stackcanvas.stack.keeping:Keeping",
    "served": "stackcanvas.stack.served.entering:build",
    "workspaces": "stackcanvas.stack.workspaces:Workspaces",
}
_TICKS = "stackcanvas.stack.ticks:ticks"


class Stack:
    """The blocks of one project, as attributes.

    Made by `stackcanvas.open`; a context manager that closes what it opened.

    Args:
        root: the folder of `canvas.yaml`.
        folder: the embedded state, `.stackcanvas` in the root.
        canvas: the answers.
        environment: the entry of `environments` that is applied, if any.
        settings: what the answers mean for the backends.
        spine: records, lineage, events.
        workspace: the name of the workspace that this is; None for the project's own stack.
    """

    objects: Objects
    online: KeyValue
    executor: Executor
    project: Definitions
    data: Data
    analysis: Analysis
    splits: Splits
    annotation: Annotation
    foundations: Git
    experiments: Experiments
    features: Features
    pipelines: Pipelines
    scheduler: Scheduler
    worker: Worker
    registry: Registry
    deployment: Deployment
    serving: Serving
    monitoring: Monitoring
    value: Value
    tokens: Tokens
    apart: Any  # an `Apart`, which opens this class in another process,
    keeping: Any  # a `Keeping`, and
    imports: Any  # an `Imports`, which is built over this class
    served: Any  # what is done for clients of other machines
    workspaces: Any  # `Workspaces`, which are made of this class
    is_served = False
    """Whether it is the stack of another machine, asked over REST."""
    _parts: Mapping[str, str] = _PARTS

    def __init__(
        self,
        *,
        root: Path,
        folder: Path,
        canvas: Canvas,
        environment: str | None,
        settings: Settings,
        spine: Spine,
        workspace: str | None = None,
    ) -> None:
        self.root = root
        self.folder = folder
        self.canvas = canvas
        self.environment = environment
        self.settings = settings
        self.spine = spine
        self.workspace = workspace
        self._above: Stack | None = None
        self._answers: dict[str | None, Effective] = {}
        self._lock = threading.RLock()

    def answers(self, model: str | None = None) -> Effective:
        """The answers that hold here, for all models or for one."""
        if model not in self._answers:
            self._answers[model] = self.canvas.effective(model=model, environment=self.environment)
        return self._answers[model]

    def __getattr__(self, name: str) -> Any:
        target = self._parts.get(name)
        if target is None:
            raise AttributeError(f"a stack has no part {name!r}")
        with self._lock:
            if name not in self.__dict__:
                self.__dict__[name] = named(target)(self)
        return self.__dict__[name]

    def ticks(self) -> Mapping[str, Callable[[datetime], object]]:
        """What a worker does again and again, by name; each takes the time it is."""
        found: Mapping[str, Callable[[datetime], object]] = named(_TICKS)(self)
        return found

    def close(self) -> None:
        """Close the backends that were opened."""
        with self._lock:
            for name in ("apart", "worker", "executor", "experiments", "data", "online"):
                part = self.__dict__.pop(name, None)
                if part is not None:
                    part.close()
            self.spine.database.close()
            if self._above is not None:
                self._above.close()

    def closes_too(self, project: Stack) -> None:
        """Close a workspace's project with it, where nothing else has that open."""
        self._above = project

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def named(target: str) -> Any:
    """What stands at `module:name`, imported now."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)

"""What a changed canvas would alter in the running stack, and which canvas it was that runs.

The canvas that was applied last stands in `.stackcanvas/applied.json`, beside the state that it made: a changed address
of the database must be seen before the new one is opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.canvas import QUESTION_IDS, Canvas, Effective, edit, load, loads, paths
from stackcanvas.canvas.compare import compare
from stackcanvas.canvas.edit import Change
from stackcanvas.canvas.render import inline
from stackcanvas.canvas.units import parse_duration
from stackcanvas.errors import BadInput, Corrupt, Refused
from stackcanvas.plain import plain
from stackcanvas.stack.root import CANVAS, FOLDER
from stackcanvas.stack.running import processes

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_APPLIED = "applied.json"


class Effect(IntEnum):
    """How deep a change goes, the harmless first."""

    NOTHING = 0
    RELOAD = 1
    RESTART = 2
    MOVE = 3
    DESTROY = 4

    def __str__(self) -> str:
        return {0: "nothing", 1: "reload", 2: "restart", 3: "move data", 4: "destructive"}[self]


@dataclass(frozen=True, slots=True)
class Step:
    """One change and what it does to the stack.

    Attributes:
        path: the answer, or the part of it that differs.
        model: whose answer; None for the common one.
        before: what ran.
        after: what is to run.
        effect: how deep it goes.
        said: what happens.
    """

    path: str
    model: str | None
    before: Any
    after: Any
    effect: Effect
    said: str

    def to_dict(self) -> dict[str, Any]:
        """The step as JSON can hold it."""
        return {
            "path": self.path,
            "model": self.model,
            "before": self.before,
            "after": self.after,
            "effect": str(self.effect),
            "said": self.said,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What lies between the canvas that runs and the one that is written.

    Attributes:
        steps: those that do something first, the deepest before the others.
        applied: the digest of the canvas that runs; None where none was ever applied.
        digest: of the canvas as written.
        environment: the one that is planned for.
        restarts: the processes that run now and must be started again.
    """

    steps: tuple[Step, ...]
    applied: str | None
    digest: str
    environment: str | None
    restarts: tuple[str, ...] = ()

    @property
    def effect(self) -> Effect:
        """The deepest of all."""
        return max((step.effect for step in self.steps), default=Effect.NOTHING)


@dataclass(frozen=True, slots=True)
class _Rule:
    effect: Effect
    said: str
    less_is_loss: bool = False


_WORKER = "the worker takes it when it starts again"
_SERVER = "the prediction server takes it when it starts again"
_NEXT_RUN = "holds from the next run on"
_NEXT_RELEASE = "holds from the next release of a model on"
_RULES: Mapping[str, _Rule] = {
    "metadata.store.url": _Rule(
        Effect.MOVE, "records stay in the old database: `stackcanvas move --to URL` copies them"
    ),
    "data.storage.objects": _Rule(
        Effect.MOVE, "data versions and models stay at the old place: `stackcanvas move --objects URL` copies them"
    ),
    "registry.storage.url": _Rule(Effect.MOVE, "registered models stay at the old place: copy them first"),
    "features.databases.offline": _Rule(Effect.MOVE, "the history of features stays at the old place: copy it first"),
    "features.databases.online": _Rule(Effect.MOVE, "the new online store is empty until features are materialised"),
    "metadata.governance.retention": _Rule(Effect.RESTART, "records are kept longer", less_is_loss=True),
    "serving.log.keep": _Rule(Effect.RESTART, "predictions are kept longer", less_is_loss=True),
    "metadata.governance": _Rule(Effect.RESTART, "the control process takes it when it starts again"),
    "data.storage": _Rule(Effect.RELOAD, "sources are read from there from the next read on"),
    "data.versioning": _Rule(Effect.RELOAD, _NEXT_RUN),
    "data.version_method": _Rule(Effect.RELOAD, _NEXT_RUN),
    "data.sources": _Rule(Effect.RELOAD, "holds from the next read on"),
    "experiments.metrics": _Rule(Effect.RELOAD, _NEXT_RUN),
    "experiments.metadata": _Rule(Effect.RELOAD, _NEXT_RUN),
    "features.needed": _Rule(Effect.RELOAD, _NEXT_RUN),
    "features.computation": _Rule(Effect.RELOAD, "holds from the next refresh on"),
    "pipelines.non_functional": _Rule(Effect.RELOAD, _NEXT_RUN),
    "pipelines.retraining": _Rule(Effect.RESTART, _WORKER),
    "pipelines.location": _Rule(Effect.RESTART, _WORKER),
    "pipelines.distributed_training": _Rule(Effect.RESTART, _WORKER),
    "registry.storage.versions_kept": _Rule(Effect.NOTHING, ""),
    "registry.storage.version_size": _Rule(Effect.NOTHING, ""),
    "registry": _Rule(Effect.RELOAD, "holds from the next registration on"),
    "deployment.format": _Rule(Effect.RELOAD, "holds from the next registration on"),
    "deployment.target": _Rule(Effect.RESTART, _SERVER),
    "deployment.release_policy": _Rule(Effect.RESTART, _WORKER),
    "deployment.strategy": _Rule(Effect.RESTART, _WORKER),
    "serving.mode": _Rule(Effect.RELOAD, _NEXT_RELEASE),
    "serving.pre_assertion": _Rule(Effect.RELOAD, _NEXT_RELEASE),
    "serving.fallback": _Rule(Effect.RELOAD, _NEXT_RELEASE),
    "serving.volume": _Rule(Effect.NOTHING, ""),
    "serving": _Rule(Effect.RESTART, _SERVER),
    "monitoring": _Rule(Effect.RESTART, _WORKER),
    "value.payoff": _Rule(Effect.RESTART, _WORKER),
}
_NONE = _Rule(Effect.NOTHING, "")
_RESTARTS = {_WORKER: "worker", _SERVER: "predict"}


def plan(
    before: Canvas, after: Canvas, *, environment: str | None = None, ran_in: str | None = None
) -> tuple[Step, ...]:
    """What a stack that runs one canvas must do to run another.

    Args:
        before: the canvas that runs.
        after: the canvas that is to run.
        environment: the one in which it is to run.
        ran_in: the environment in which the older one runs.

    Example:
        >>> old = loads("{stackcanvas: 1, project: {name: demo}, serving: {log: {keep: 90d}}}")
        >>> new = loads("{stackcanvas: 1, project: {name: demo}, serving: {log: {keep: 7d}}}")
        >>> [(step.path, str(step.effect)) for step in plan(old, new)]
        [('serving.log.keep', 'destructive')]
    """
    steps = {}
    common: set[tuple[str, str, str]] = set()
    for model in (None, *dict.fromkeys((*before.models, *after.models))):
        for step in _differences(
            before.effective(model=model, environment=ran_in), after.effective(model=model, environment=environment)
        ):
            same = step.path, repr(step.before), repr(step.after)
            if model is None:
                common.add(same)
            if model is None or same not in common:
                steps[step.path, model] = step
    if not steps:
        # The common and effective answers are the same; what remains says something to people only.
        for change in compare(before, after):
            steps[change.path, None] = Step(change.path, None, change.before, change.after, Effect.NOTHING, "")
    return tuple(sorted(steps.values(), key=lambda step: -step.effect))


def plan_of(root: Path, *, environment: str | None = None) -> Plan:
    """The plan of a project: from the canvas that was applied last to the one that is written.

    Raises:
        NotFound: no canvas, or no such environment.
        BadInputs: the canvas has errors.
        Corrupt: what was applied cannot be read.
    """
    after = load(root / CANVAS)
    after.effective(environment=environment)
    known = applied(root / FOLDER)
    if known is None:
        return Plan((), None, after.digest, environment)
    record = _record(root / FOLDER)
    steps = plan(known, after, environment=environment, ran_in=record.get("environment"))
    running = {one.name for one in processes(root / FOLDER)}
    wanted = {_RESTARTS.get(step.said, "control") for step in steps if step.effect == Effect.RESTART}
    if any(step.effect >= Effect.MOVE for step in steps):
        wanted = {"control", "predict", "worker"}
    return Plan(steps, str(record["digest"]), after.digest, environment, tuple(sorted(wanted & running)))


def applied(folder: Path) -> Canvas | None:
    """The canvas that runs, None where none was ever applied.

    Raises:
        Corrupt: the file was changed or damaged.
    """
    record = _record(folder)
    if not record:
        return None
    try:
        return loads(inline(record["canvas"]), label=_APPLIED, path=folder / _APPLIED)
    except (BadInput, KeyError, TypeError):
        raise _corrupt(folder) from None


def admit(root: Path, *, environment: str | None = None) -> None:
    """Refuse to run a canvas that would lose or leave behind what the applied one keeps.

    Raises:
        Refused: it moves or destroys data, and nobody has applied it.
        Corrupt: what was applied cannot be read.
    """
    found = plan_of(root, environment=environment)
    deep = [step for step in found.steps if step.effect >= Effect.MOVE]
    if deep:
        told = "; ".join(f"{step.path} ({step.effect}: {step.said})" for step in deep)
        raise Refused(
            f"the canvas changed in a way that moves or destroys data, and was not applied: {told}",
            where=CANVAS,
            fix="See `stackcanvas plan`; when all is prepared, run `stackcanvas apply --yes`",
        )


def apply(stack: Stack) -> bool:
    """Record that the canvas of a stack is the one that runs; False when it was already.

    Only the recording is done here: processes take the canvas when they start.
    """
    record = _readable(stack.folder)
    if record.get("digest") == stack.canvas.digest and record.get("environment") == stack.environment:
        return False
    facts = {"digest": stack.canvas.digest, "environment": stack.environment, "before": record.get("digest")}
    with stack.spine.record("canvas.apply", parameters=facts) as work, stack.spine.write() as tx:
        stack.spine.audit.add(tx, "canvas.apply", work.ref, facts)
    _write(stack.folder, {**facts, "canvas": stack.canvas.to_dict()})
    return True


def follow(folder: Path, changes: Sequence[Change]) -> None:
    """Make changes of the canvas in what was applied, too: somebody has done to the state what they ask for."""
    record = _readable(folder)
    if record:
        text = edit.apply(inline(record["canvas"]), changes)
        moved = loads(text, label=_APPLIED, path=folder / _APPLIED)
        _write(folder, {**record, "canvas": moved.to_dict()})


def _differences(old: Effective, new: Effective) -> Iterator[Step]:
    for question in QUESTION_IDS:
        one, other = (paths.to_plain(question, side.get(question)) for side in (old, new))
        if one != other:
            yield from _parts(question, one, other, new.model)


def _parts(path: str, before: Any, after: Any, model: str | None) -> Iterator[Step]:
    """One step for an answer; or one for each part of it, where parts have effects of their own."""
    deeper = [known for known in _RULES if known.startswith(f"{path}.")]
    if not deeper or not (isinstance(before, Mapping | None) and isinstance(after, Mapping | None)):
        rule = _rule(path)
        effect, said = (
            (Effect.DESTROY, "what is older is deleted") if _loses(rule, before, after) else (rule.effect, rule.said)
        )
        yield Step(path, model, before, after, effect, said)
        return
    old, new = before or {}, after or {}
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key):
            yield from _parts(f"{path}.{key}", old.get(key), new.get(key), model)


def _rule(path: str) -> _Rule:
    """The rule of a part, else that of what it is a part of."""
    while path:
        if path in _RULES:
            return _RULES[path]
        path = path.rpartition(".")[0]
    return _NONE


def _loses(rule: _Rule, before: Any, after: Any) -> bool:
    """Whether less is kept: a length of time became shorter, or appeared where all was kept for ever."""
    if not rule.less_is_loss:
        return False
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        old, new = before or {}, after or {}
        return any(_loses(rule, old.get(key), new[key]) for key in new)
    if after is None:
        return False
    return before is None or parse_duration(after) < parse_duration(before)


def _record(folder: Path) -> dict[str, Any]:
    """What was applied last; empty where nothing was."""
    try:
        found = json.loads((folder / _APPLIED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise _corrupt(folder) from None
    if not isinstance(found, dict) or "digest" not in found:
        raise _corrupt(folder)
    return found


def _readable(folder: Path) -> dict[str, Any]:
    try:
        return _record(folder)
    except Corrupt:
        return {}


def _corrupt(folder: Path) -> Corrupt:
    return Corrupt(
        "what was applied last cannot be read",
        where=str(folder / _APPLIED),
        fix="When the canvas is the one that ran, run `stackcanvas apply --yes`",
    )


def _write(folder: Path, facts: Mapping[str, Any]) -> None:
    """Put the new record in the place of the old in one step."""
    fresh = folder / f"{_APPLIED}.tmp"
    fresh.write_text(json.dumps(plain(facts), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    fresh.replace(folder / _APPLIED)

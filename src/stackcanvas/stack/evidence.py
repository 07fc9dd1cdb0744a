"""Evidence: what the records of the running stack say of each block of the canvas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stackcanvas.stack.finding import concerns
from stackcanvas.stack.unserved import unserved

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


_RECENT_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the records show.

    Args:
        label: what it is, in a few words.
        value: as a person reads it.
        ref: what it is about, for a link.
        tone: `plain`, `good`, `warn` or `bad`.
    """

    label: str
    value: str
    ref: str | None = None
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class BlockEvidence:
    """What the records say of one block.

    Args:
        block: id of the block, such as `data`.
        facts: the most telling first.
        warnings: sentences on what does not fit the answers.
    """

    block: str
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()


def collect(stack: Stack, *, only: Collection[str] | None = None) -> dict[str, BlockEvidence]:
    """The evidence for every block, by its id.

    Args:
        only: for these blocks alone.
    """
    left = unserved(stack.canvas)
    collected = {}
    for block, found in _BLOCKS.items():
        if only is not None and block not in only:
            continue
        evidence = found(stack)
        notes = tuple(f"Not yet: {one.said}" for one in left if one.question.startswith(f"{block}."))
        collected[block] = replace(evidence, warnings=(*evidence.warnings, *notes))
    return collected


def _value(stack: Stack) -> BlockEvidence:
    facts = []
    for status in stack.deployment.ls():
        if stack.answers(status.live.name).get("value.payoff") is None:
            continue
        for total in stack.value.totals(status.endpoint, fresh=False):
            tone = "good" if total.worth > 0 else "bad" if total.worth < 0 else "plain"
            worth = f"{total.worth:,.2f} {stack.value.currency} on {total.decisions:,} outcomes"
            facts.append(Fact(f"{total.model.removeprefix('model:')} earned", worth, total.model, tone))
    return BlockEvidence("value", tuple(facts))


def _data(stack: Stack) -> BlockEvidence:
    versions = stack.data.ls()
    facts = tuple(
        Fact(
            version.name,
            f"version {version.number}" + ("" if version.rows is None else f", {version.rows:,} rows"),
            str(version.ref),
        )
        for version in versions
    )
    answered: tuple[object, ...] = stack.canvas.get("data.sources") or ()
    known = {version.name for version in versions}
    missing = [name for source in answered if (name := str(getattr(source, "name", ""))) not in known]
    warnings = [f"The source {name} has no version yet." for name in missing]
    labelled, more = _labelling(stack)
    return BlockEvidence("data", (*facts, *labelled), (*warnings, *more))


def _labelling(stack: Stack) -> tuple[list[Fact], list[str]]:
    """Items labelled and waiting, agreement between people."""
    facts = []
    queues = stack.annotation.ls()
    for queue in queues:
        progress, alpha = stack.annotation.progress(queue.name), stack.annotation.agreement(queue.name).alpha
        said = f"{progress.done:,} of {progress.items:,} items labelled"
        if alpha is not None:
            said += f", alpha {alpha:.2f}"
        facts.append(Fact(queue.name, said, f"annotation:{queue.name}"))
    answer = stack.canvas.get("data.labelling")
    lacking = not queues and answer is not None and answer.needed
    return facts, ["Items are to be labelled, and there is no queue yet."] if lacking else []


def _experiments(stack: Stack) -> BlockEvidence:
    runs = stack.experiments.search(limit=1)
    if not runs:
        return BlockEvidence("experiments")
    last = runs[0]
    metrics = ", ".join(f"{name} {metric.value:.3g}" for name, metric in sorted(last.metrics.items())[:3])
    facts = [Fact("last run", f"{last.name}, {last.status.lower()}", str(last.ref))]
    if metrics:
        facts.append(Fact("its metrics", metrics))
    incomplete = stack.experiments.count(where="tags.`stackcanvas.incomplete` IS NOT NULL")
    if incomplete:
        facts.append(Fact("incomplete", f"{incomplete:,} of {stack.experiments.count():,} runs", tone="warn"))
    warnings = (f"The last run lacks {', '.join(last.missing)}.",) if last.missing else ()
    return BlockEvidence("experiments", tuple(facts), warnings)


def _features(stack: Stack) -> BlockEvidence:
    views = stack.features.ls()
    online = {done.view: done for done in stack.features.materialized()}
    facts = tuple(
        Fact(
            view.name,
            f"{len(view.features)} features"
            + (f", online up to {online[view.name].until:%Y-%m-%d %H:%M}" if view.name in online else ""),
            str(view.ref),
        )
        for view in views
    )
    return BlockEvidence("features", facts, tuple(concerns(stack)))


def _foundations(stack: Stack) -> BlockEvidence:
    git = stack.foundations
    head = git.head()
    if head is None:
        return BlockEvidence("foundations", warnings=("Git has no commit: records cannot say which code ran.",))
    dirty = git.dirty()
    facts = (
        Fact("commit", f"{head[:10]} on {git.branch() or 'no branch'}"),
        Fact("work tree", "differs from the commit" if dirty else "clean", tone="warn" if dirty else "good"),
    )
    return BlockEvidence("foundations", facts)


def _pipelines(stack: Stack) -> BlockEvidence:
    runs = stack.pipelines.runs(limit=200)
    facts = []
    if runs:
        last = runs[0]
        tone = {"finished": "good", "failed": "bad"}.get(last.state, "plain")
        facts.append(Fact("last run", f"{last.pipeline}, {last.state}, by {last.trigger}", str(last.ref), tone))
        failed = sum(run.state == "failed" for run in runs)
        facts.append(Fact("runs", f"{len(runs)}, {failed} failed"))
    return BlockEvidence("pipelines", tuple(facts))


def _registry(stack: Stack) -> BlockEvidence:
    facts = tuple(
        Fact(
            model.name,
            f"{model.versions} version{'s' if model.versions > 1 else ''}, latest {model.latest.version}"
            + "".join(f", @{alias} is {number}" for alias, number in sorted(model.aliases.items())),
            str(model.latest.ref),
        )
        for model in stack.registry.ls()
        if model.latest is not None
    )
    return BlockEvidence("registry", facts)


def _deployment(stack: Stack) -> BlockEvidence:
    facts, warnings = [], []
    for status in stack.deployment.ls():
        said = f"{status.live.name}@{status.live.selector} since {status.live_since:%Y-%m-%d %H:%M}"
        if status.candidate is not None:
            said += f"; {status.candidate.selector} on its way with {status.share:.0%}"
        facts.append(Fact(status.endpoint, said, f"deployment:{status.endpoint}", "good"))
        history = stack.deployment.history(status.endpoint, limit=1)
        if history and history[0].state == "rolled back":
            warnings.append(f"{history[0].model} was rolled back: {history[0].reason}.")
    return BlockEvidence("deployment", tuple(facts), tuple(warnings))


def _serving(stack: Stack) -> BlockEvidence:
    facts = []
    for endpoint in stack.serving.log.endpoints():
        counts = stack.serving.counts(endpoint)
        said = f"{counts.predictions:,} predictions, {counts.errors:,} failed, {counts.fallbacks:,} by the fallback"
        facts.append(Fact(endpoint, said, f"deployment:{endpoint}", "bad" if counts.errors else "plain"))
        if counts.p99_us is not None:
            facts.append(Fact("99 of 100 within", f"{counts.p99_us / 1000:.1f} ms"))
    warnings = [
        f"The prediction server cannot serve {served.endpoint}: {served.error}"
        for served in stack.serving.served()
        if served.error
    ]
    return BlockEvidence("serving", tuple(facts), tuple(warnings))


def _monitoring(stack: Stack) -> BlockEvidence:
    facts: list[Fact] = []
    warnings: list[str] = []
    for status in stack.deployment.ls():
        subject = f"deployment:{status.endpoint}"
        measured = stack.monitoring.performance(status.endpoint, model=status.live, limit=20)
        newest = {one.metric: one for one in reversed(measured)}
        for name, one in sorted(newest.items()):
            facts.append(Fact(f"{name} of the last {(one.end - one.start).days} days", f"{one.value:.3f}", subject))
        drifts = stack.monitoring.drift_history(status.endpoint, limit=1)
        if drifts:
            report = drifts[0].report
            count = sum(column.drifted for column in report.columns.values())
            said = f"{count} of {len(report.columns)} columns"
            facts.append(Fact("drifted", said, subject, "warn" if report.drifted else "good"))
        labels = stack.monitoring.labels.counts(status.endpoint)
        facts.append(Fact("outcomes", f"{labels.matched:,} known", subject))
        warnings += [
            f"{condition.name} holds at {status.endpoint}."
            for condition in stack.monitoring.conditions(status.endpoint)
            if condition.state == "firing"
        ]
        if not drifts and stack.answers(status.live.name).get("monitoring.needed") == "mandatory":
            warnings.append(f"No window of traffic of {status.endpoint} has been looked at yet.")
    return BlockEvidence("monitoring", tuple(facts), tuple(warnings))


def _metadata(stack: Stack) -> BlockEvidence:
    length, _ = stack.spine.audit.head()
    # A page must not read the whole log: `metadata audit --verify` does.
    problems = stack.spine.audit.verify(last=_RECENT_ENTRIES)
    facts = (
        Fact("events", f"{stack.spine.events.head():,}"),
        Fact(
            "audit log",
            f"{length:,} entries, {'sealed' if not problems else 'altered'}",
            tone="bad" if problems else "good",
        ),
    )
    return BlockEvidence("metadata", facts, tuple(f"Audit entry {one.sequence} {one.what}." for one in problems[:3]))


_BLOCKS: Mapping[str, Callable[[Stack], BlockEvidence]] = {
    "value": _value,
    "data": _data,
    "experiments": _experiments,
    "features": _features,
    "foundations": _foundations,
    "pipelines": _pipelines,
    "registry": _registry,
    "deployment": _deployment,
    "serving": _serving,
    "monitoring": _monitoring,
    "metadata": _metadata,
}

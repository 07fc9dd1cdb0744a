"""The page of anything that has a ref: its facts, where it comes from and what came of it."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.metadata import Artifact, Graph, Ref
from stackcanvas.plain import cell, title
from stackcanvas.stack import Stack
from stackcanvas.stack.lineage import trail
from stackcanvas.stack.trees import Branch, Work, grow
from stackcanvas.ui import show
from stackcanvas.ui.context import FactView, RecordPage, Table, Tree, Twig
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.model import model_parts
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.pages.view import defined, view_parts
from stackcanvas.ui.tables import events_table, executions_table

_KINDS = {"data": "Data version", "model": "Model version", "view": "Feature view", "deployment": "Deployment"}


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """What the records say of a ref."""
    if "name" not in asked:
        raise BadInput("the address names no ref", expected="/ref?name=data:flights@3")
    ref = Ref.parse(asked["name"])
    try:
        found = trail(stack, ref)
        pinned, via = found.graph.root, found.via
        trees = _lineage(found.graph, _downstream(stack, pinned), links)
    except NotFound:
        # Nothing was made under this name; it may still be what events and work are about.
        pinned, via, trees = ref, (ref,), ()
        if (
            defined(stack, ref) is None
            and not stack.spine.events.latest(subject=ref, limit=1)
            and not stack.spine.executions.search(subject=ref)
        ):
            raise
    artifact = stack.spine.artifacts.get(pinned)
    told, shown = model_parts(stack, pinned, links)
    of_view, features = view_parts(stack, pinned, links, measured="statistics" in asked)
    page = RecordPage(
        kind=_KINDS.get(pinned.kind, pinned.kind.capitalize()),
        title=str(ref).partition(":")[2],
        facts=(*_via(via, links), *_facts(artifact, links), *told, *of_view),
        trees=trees,
        tables=(*shown, *features, *_other_tables(stack, pinned, links)),
    )
    return Page("record.html", str(ref), page)


def _lineage(upstream: Graph, downstream: Graph, links: Links) -> tuple[Tree, ...]:
    return (
        Tree("Where it comes from", _twigs(grow(upstream), links), "The records name nothing that it was made from."),
        Tree(
            "What came of it",
            _twigs(grow(downstream, down=True), links),
            "The records name nothing that was made from it.",
        ),
    )


def _twigs(branch: Branch, links: Links) -> tuple[Twig, ...]:
    """What hangs on a thing: the work that leads on, and what it leads to."""
    return tuple(
        Twig(
            work.newest.kind,
            links.ref(work.newest.ref),
            note=_note(work),
            is_work=True,
            twigs=tuple(
                Twig(
                    show.ref(links, one.ref).text,
                    links.ref(one.ref),
                    role=one.role,
                    note="as above" if one.told else "and more" if one.cut else "",
                    twigs=_twigs(one, links),
                )
                for one in work.branches
            ),
        )
        for work in branch.works
    )


def _note(work: Work) -> str:
    newest = work.newest
    when = cell(newest.started)[:16]
    times = f"{len(work.executions)} times, last {when}" if len(work.executions) > 1 else when
    return times if newest.state == "done" else f"{times}, {newest.state}"


def _other_tables(stack: Stack, pinned: Ref, links: Links) -> list[Table]:
    tables = []
    versions = stack.spine.artifacts.search(kind=pinned.kind, name=pinned.name)
    if len(versions) > 1:
        tables.append(_versions_table(versions, links))
    work = stack.spine.executions.search(subject=pinned, limit=20)
    if work:
        tables.append(executions_table(work, links, title="Work about it"))
    events = stack.spine.events.latest(subject=pinned, limit=20)
    if events:
        tables.append(events_table(events, links))
    return tables


def _downstream(stack: Stack, ref: Ref) -> Graph:
    try:
        return trail(stack, ref, downstream=True).graph
    except NotFound:  # a thing that nothing was made from
        return Graph(root=ref, refs=(ref,), executions=(), edges=())


def _via(via: tuple[Ref, ...], links: Links) -> tuple[FactView, ...]:
    return tuple(FactView(one.kind, str(one), links.ref(one)) for one in via[1:])


def _facts(artifact: Artifact | None, links: Links) -> tuple[FactView, ...]:
    if artifact is None:
        return ()
    facts = [FactView("ref", str(artifact.ref)), FactView("made", cell(artifact.created))]
    if artifact.execution:
        facts.append(FactView("by", artifact.execution, links.ref(Ref("execution", artifact.execution))))
    if artifact.ref.kind == "report":
        facts.append(FactView("page", "open", links.report(artifact.ref)))
    if artifact.ref.kind == "data":
        facts.append(FactView("ask", "in SQL, or for a report", links.query(ref=artifact.ref)))
    if artifact.ref.kind == "annotation":
        facts.append(FactView("page", "open", links.annotation(artifact.ref.name)))
    if artifact.digest:
        facts.append(FactView("digest", artifact.digest))
    told = {name: cell(value, name=name) for name, value in artifact.facts.items()}
    return (*facts, *(FactView(title(name), value) for name, value in told.items() if value))


def _versions_table(versions: list[Artifact], links: Links) -> Table:
    rows = tuple(
        (show.ref(links, one.ref), show.when(one.created), show.text(one.facts, tone="soft"), show.digest(one.digest))
        for one in versions
    )
    return Table("All of this name", ("ref", "made", "facts", "digest"), rows)

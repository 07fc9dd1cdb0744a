"""What the page of a feature view shows beside what every ref has."""

from __future__ import annotations

from stackcanvas.features import OnDemandView, ViewStatus
from stackcanvas.metadata import Ref
from stackcanvas.plain import cell, title
from stackcanvas.stack import Stack
from stackcanvas.stack.finding import takers
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, FactView, Table
from stackcanvas.ui.links import Links


def defined(stack: Stack, ref: Ref) -> ViewStatus | None:
    """The view as the project defines it now; None where the ref is another definition, or something else."""
    if ref.kind != "view" or ref.name not in stack.features.catalog.names:
        return None
    return next((one for one in stack.features.status() if one.ref == ref), None)


def view_parts(
    stack: Stack, ref: Ref, links: Links, *, measured: bool
) -> tuple[tuple[FactView, ...], tuple[Table, ...]]:
    """Facts and tables of a view as it is defined now; none of anything else.

    Args:
        measured: also what the values are like, which goes through all rows.
    """
    status = defined(stack, ref)
    if status is None:
        return (), ()
    return _facts(stack, status, links, measured=measured), _tables(stack, status, links, measured=measured)


def _facts(stack: Stack, status: ViewStatus, links: Links, *, measured: bool) -> tuple[FactView, ...]:
    online = status.online_until
    age = "" if online is None else show.took((stack.spine.clock.now() - online).total_seconds()).text
    said = {
        "what it is": status.description,
        "online until": "" if online is None else f"{cell(online)[:16]}" + (f", {age} ago" if age else ""),
        "owner": status.owner,
        "tags": ", ".join(status.tags),
        "services": ", ".join(status.services),
    }
    if stack.spine.artifacts.get(status.ref) is None:  # a view that nobody has used yet has no record
        view = stack.features.catalog.get(status.view)
        said = {"ref": str(status.ref), **{title(name): cell(value) for name, value in view.definition.items()}, **said}
    facts = [FactView(name, value) for name, value in said.items() if value]
    if status.source is not None:
        facts.append(FactView("rows from", f"data:{status.source}", links.ref(Ref("data", status.source))))
        if not measured:
            facts.append(FactView("statistics", "look at all rows", links.statistics(status.ref)))
    return tuple(facts)


def _tables(stack: Stack, status: ViewStatus, links: Links, *, measured: bool) -> tuple[Table, ...]:
    taken = takers(stack)
    rows = tuple(
        (Cell(feature), show.models(links, [str(ref) for ref in taken.get((status.view, feature), ())]))
        for feature in status.features
    )
    tables = [Table("Features", ("feature", "models that take it"), rows)]
    view = stack.features.catalog.get(status.view)
    if measured and not isinstance(view, OnDemandView):
        columns = ("feature", "type", "#rows", "#without a value", "#different", "#least", "#mean", "#most")
        found = tuple(
            (
                *(Cell(one.feature), Cell(one.dtype, tone="soft"), show.count(one.rows), show.share(one.nulls)),
                *(show.count(one.distinct), *(show.text(value) for value in (one.smallest, one.mean, one.largest))),
            )
            for one in stack.features.statistics(status.view)
        )
        tables.append(Table("Values, over all rows of the newest data version", columns, found))
    return tuple(tables)

"""Which tools a block may have, and why the others may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stackcanvas.canvas.choose.catalogue import EMBEDDED, Tool
from stackcanvas.canvas.choose.needs import Demands

_BY_CHOICE = {"open source": ("open-source",), "buy": ("commercial", "cloud-managed")}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a tool may not serve a block.

    Attributes:
        rule: retired, licence, hosting, provider, language, or the ability that is missing.
        said: in words, with the answer behind it.
    """

    rule: str
    said: str


def reasons(tool: Tool, block: str, demands: Demands) -> tuple[Reason, ...]:
    """Every hard rule that a tool breaks at a block; none when it is a candidate."""
    return tuple(_reasons(tool, block, demands))


def _reasons(tool: Tool, block: str, demands: Demands) -> Iterator[Reason]:
    if tool.retired:
        yield Reason("retired", f"{tool.status}: {tool.notes}" if tool.notes else tool.status)
    allowed = (
        _BY_CHOICE.get(demands.decided[block].choice, demands.licences)
        if block in demands.decided
        else demands.licences
    )
    if tool.kind not in allowed:
        why = (
            f"dilemma.tooling of {block} is {demands.decided[block].choice}"
            if allowed is not demands.licences
            else demands.sources["licences"]
        )
        yield Reason("licence", f"it is {tool.kind} ({tool.licence}), and {why}")
    if not set(tool.runs_on) & set(demands.hosting):
        yield Reason("hosting", f"it runs on {' or '.join(tool.runs_on)} only, and {demands.sources['hosting']}")
    elif "kubernetes" not in demands.hosting and ("kubernetes",) in tool.needs:
        yield Reason("hosting", f"it needs Kubernetes, and {demands.sources['hosting']}")
    if tool.provider is not None and tool.provider != demands.provider:
        yield Reason("provider", f"it belongs to another cloud ({tool.provider}), and {demands.sources['provider']}")
    if tool.name == EMBEDDED and not demands.python:
        yield Reason("language", f"it needs Python, and {demands.sources['python']}")
    for need in demands.needs[block]:
        if need.ability not in tool.does[block]:
            yield Reason(need.ability, f"it does not do {need.ability}, and {need.said} ({need.question})")

"""The exact choice: one tool for each block, the fewest troubles in all, by integer programming."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcanvas.canvas.choose.catalogue import Tool
from stackcanvas.late import late

if TYPE_CHECKING:
    import numpy as np
    from scipy import optimize
else:
    np = late("numpy")
    optimize = late("scipy.optimize")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be solved.

    Attributes:
        candidates: by block, the tools that may serve it.
        at_block: points of a tool at a block; fewer are better.
        at_tool: points of having a tool at all.
        at_service: points of running a service that is not there yet.
        have: services that run already.
    """

    candidates: Mapping[str, tuple[Tool, ...]]
    at_block: Mapping[tuple[str, str], float]
    at_tool: Mapping[str, float]
    at_service: Mapping[str, float]
    have: frozenset[str]


@dataclass(frozen=True, slots=True)
class Solution:
    """The best stack.

    Attributes:
        tools: by block.
        services: that must run for them and do not yet.
        points: of everything; fewer are better.
    """

    tools: Mapping[str, Tool]
    services: tuple[str, ...]
    points: float


def solve(problem: Problem, *, forbidden: Iterable[tuple[str, str]] = ()) -> Solution | None:
    """The stack with the fewest points, proved to be the best; None when a block has no candidate left.

    Args:
        problem: of which every block has candidates.
        forbidden: pairs of block and tool that may not be taken this time.
    """
    barred = set(forbidden)
    pairs = [
        (block, tool)
        for block, tools in problem.candidates.items()
        for tool in tools
        if (block, tool.name) not in barred
    ]
    if {block for block, _ in pairs} != set(problem.candidates):
        return None
    tools = list({tool.name: tool for _, tool in pairs}.values())
    services = sorted(
        {service for tool in tools for need in tool.needs for service in need if service not in problem.have}
    )
    columns = [*pairs, *tools, *services]
    at = {("pair", block, tool.name): place for place, (block, tool) in enumerate(pairs)}
    at |= {("tool", tool.name, ""): len(pairs) + place for place, tool in enumerate(tools)}
    at |= {("service", service, ""): len(pairs) + len(tools) + place for place, service in enumerate(services)}
    points = np.array(
        [
            *(problem.at_block[block, tool.name] for block, tool in pairs),
            *(problem.at_tool[tool.name] for tool in tools),
            *(problem.at_service.get(service, problem.at_service[""]) for service in services),
        ]
    )
    if not columns:
        return Solution({}, (), 0.0)
    rows, low, high = _constraints(problem, pairs, tools, at, len(columns))
    found = optimize.milp(
        points,
        constraints=optimize.LinearConstraint(rows, low, high),
        integrality=np.ones(len(columns)),
        bounds=optimize.Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    taken = {block: tool for (block, tool), share in zip(pairs, found.x, strict=False) if share > 0.5}
    ordered = {block: taken[block] for block in problem.candidates}
    running = tuple(service for service in services if found.x[at["service", service, ""]] > 0.5)
    return Solution(ordered, running, float(found.fun))


def _constraints(
    problem: Problem,
    pairs: Sequence[tuple[str, Tool]],
    tools: Sequence[Tool],
    at: Mapping[tuple[str, str, str], int],
    width: int,
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], list[float], list[float]]:
    rows: list[list[float]] = []
    low: list[float] = []
    high: list[float] = []

    def add(parts: Mapping[int, float], least: float, most: float) -> None:
        row = [0.0] * width
        for column, factor in parts.items():
            row[column] = factor
        rows.append(row)
        low.append(least)
        high.append(most)

    for block in problem.candidates:
        add({at["pair", one, tool.name]: 1.0 for one, tool in pairs if one == block}, 1, 1)
    for block, tool in pairs:
        # A tool that serves a block is there.
        add({at["tool", tool.name, ""]: 1.0, at["pair", block, tool.name]: -1.0}, 0, 1)
    for tool in tools:
        for need in tool.needs:
            if need and not set(need) & problem.have:
                # One of the services that it needs runs.
                add({at["tool", tool.name, ""]: -1.0} | {at["service", one, ""]: 1.0 for one in need}, 0, len(need))
    return np.array(rows), low, high

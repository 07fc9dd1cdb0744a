"""Tools for blocks: rules hold, preferences decide, the embedded stack loses where it should."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import QUESTION_IDS, Canvas, loads
from stackcanvas.canvas.choose import Tool, catalogue, choose, decision_records
from stackcanvas.canvas.choose.solver import Problem, solve
from stackcanvas.canvas.render import inline
from stackcanvas.errors import BadInput
from stackcanvas.stack.unserved import unserved


def canvas(rest: str = "", *, project: str = "name: demo") -> Canvas:
    """A small canvas."""
    return loads(f"stackcanvas: 1\nproject: {{{project}}}\n{rest}\n")


LOSES = {
    "serving on kubernetes": ("serving", "deployment: {target: {where: kubernetes}}"),
    "releases on the edge": ("deployment", "deployment: {target: {where: edge}}"),
    "large features": ("features", "data: {sources: [{name: a, ownership: owned, size: 3TB}]}"),
    "several machines": ("pipelines", "pipelines: {distributed_training: {needed: true}}"),
    "GPUs": ("serving", "serving: {accelerators: {kind: cuda}}"),
    "queues": ("serving", "serving: {mode: {mode: online, pattern: model on demand}}"),
    "federated": ("serving", "serving: {mode: {mode: online, pattern: hybrid serving}}"),
    "bandits": ("deployment", "deployment: {release_policy: {by: bandit}}"),
    "terabytes": ("data", "data: {sources: [{name: a, ownership: owned, size: 3TB}]}"),
    "a fast crowd": ("serving", "serving: {volume: {peak_per_second: 20000}}"),
    "no Python": ("experiments", "experiments: {languages: [r]}"),
    "no build of its own": ("registry", "dilemmas: {tooling: [{block: registry, choice: buy}]}"),
    "CI": ("foundations", ""),
}


@pytest.mark.parametrize(("block", "rest"), LOSES.values(), ids=LOSES)
def test_the_embedded_stack_loses_where_it_should(block: str, rest: str) -> None:
    """Each of these it cannot do, and the choice says so, too."""
    found = choose(canvas(rest), explain=False).choice(block)

    assert found.tool not in {"stackcanvas", None} or found.state == "none fits"
    if block != "foundations":
        assert next(one for one in found.excluded if one.tool == "stackcanvas").reasons


@pytest.mark.parametrize(
    "name", ["serving on kubernetes", "several machines", "GPUs", "queues", "federated", "bandits"]
)
def test_the_catalogue_agrees_with_what_the_stack_says_of_itself(name: str) -> None:
    """What the stack does not act on, its entry in the catalogue does not claim, and the other way round."""
    assert unserved(canvas(LOSES[name][1]))


def test_a_small_team_needs_one_tool() -> None:
    """Where it can do everything, one tool for nine blocks beats nine."""
    found = choose(canvas())

    assert {one.tool for one in found.choices} == {"stackcanvas", "GitHub Actions"}
    assert found.services == ()
    data = found.choice("data")
    assert data.runner_up is not None
    assert data.margin is not None
    assert data.margin > 0


def test_what_is_not_needed_is_not_chosen() -> None:
    """An optional block about which nothing is said has no tool, with the answer that decided it."""
    found = choose(canvas("features: {needed: optional}")).choice("features")

    assert (found.tool, found.state) == (None, "not needed")
    assert "features.needed" in found.why[0]


def test_retired_tools_are_left_out_and_named() -> None:
    """Nobody is led to a service that closed; who names one is warned and told of another."""
    free = choose(canvas()).choice("experiments")
    named = choose(canvas("dilemmas: {tooling: [{block: experiments, choice: buy, tool: neptune}]}")).choice(
        "experiments"
    )

    assert "closed March 2026" in next(one for one in free.excluded if one.tool == "Neptune").reasons[0].said
    assert (named.tool, named.state) == ("Neptune", "decided")
    assert "closed March 2026" in named.warnings[0]
    assert named.runner_up not in {None, "Neptune"}


@pytest.mark.parametrize(
    ("platform", "kinds", "places"),
    [
        ("licences: open source", {"open-source"}, None),
        ("licences: source available", {"open-source", "source-available"}, None),
        ("hosting: [embedded]", None, {"embedded"}),
        ("hosting: [kubernetes], have: [kubernetes]", None, {"kubernetes"}),
    ],
)
def test_limits_of_the_platform_hold(platform: str, kinds: set[str] | None, places: set[str] | None) -> None:
    """No chosen tool has another licence or runs elsewhere."""
    found = choose(canvas(f"dilemmas: {{platform: {{choice: hybrid, {platform}}}}}"), explain=False)

    assert found.tools
    for tool in found.tools:
        assert kinds is None or tool.kind in kinds
        assert places is None or places & set(tool.runs_on)


def test_data_of_persons_stay_in_the_house() -> None:
    """A regulated project with personal data gets no hosted service."""
    rest = "data: {sources: [{name: a, ownership: owned, personal: true}]}"
    found = choose(canvas(rest, project="name: demo, regulated: true"))

    assert all(set(tool.runs_on) & {"embedded", "server"} for tool in found.tools)
    assert found.choice("foundations").tool != "GitHub Actions"


def test_the_cloud_of_the_canvas_decides_which_services_are_candidates() -> None:
    """Services of another cloud are left out."""
    found = choose(canvas("pipelines: {location: {where: cloud gcp}, distributed_training: {needed: true}}")).choice(
        "pipelines"
    )

    assert {reason.rule for one in found.excluded if one.tool == "Amazon SageMaker AI" for reason in one.reasons} == {
        "provider"
    }
    assert "Vertex AI" not in {one.tool for one in found.excluded}


def test_what_would_change_the_choice_changes_it() -> None:
    """Doing what a sentence says gives the tool that it names."""
    changes = choose(canvas()).choice("serving").changes
    faster = next(change for change in changes if "GPUs" in change)

    found = choose(canvas("serving: {accelerators: {kind: cuda}}"), explain=False).choice("serving")

    assert faster.startswith(str(found.tool))


def test_preferences_can_be_weighed_anew() -> None:
    """A team that does not mind many tools may get others; an unknown preference is refused."""
    named = canvas("data: {pipeline_tools: [dvc]}")
    assert choose(named, weights={"fewer tools": 0}).choice("data").tool == "DVC"
    with pytest.raises(BadInput, match="fewer tools"):
        choose(named, weights={"fewer toolz": 0})


def test_own_tools_are_candidates() -> None:
    """A tool of the user's own catalogue wins where only it fits; a field of a shipped tool can be corrected."""
    own = """
tools:
- {name: Hatchery, does: {serving: [hybrid serving]}, kind: open-source, runs_on: [embedded], checked: 2026-11-01}
- {name: Flower, status: absorbed}
"""
    rest = "serving: {mode: {mode: online, pattern: hybrid serving}}"
    found = choose(canvas(rest), known=catalogue(own)).choice("serving")

    assert found.tool == "Hatchery"
    assert any(one.tool == "Flower" for one in found.excluded)


@pytest.mark.parametrize(
    "own", ["tools: 3", "tools: [{does: {}}]", "tools: [{name: a, doez: {}}]", "tools: [{name: a, does: {moon: [x]}}]",
            "tools: [{name: a, kind: free}]", "tools: [{name: a, runs_on: server}]", "["]
)  # fmt: skip
def test_a_catalogue_that_is_none(own: str) -> None:
    """What cannot be a tool is told."""
    with pytest.raises(BadInput):
        catalogue(own)


def test_every_shipped_tool_is_whole() -> None:
    """Each has a source and a date; integrations are no claim about blocks that do not exist."""
    known = catalogue()

    assert len(known.tools) > 170
    assert all(tool.source and tool.checked == "2026-11-23" for tool in known.tools)
    assert all(tool.does for tool in known.tools if tool.name == "stackcanvas")


def _tool(name: str, needs: tuple[tuple[str, ...], ...]) -> Tool:
    return Tool(name, {}, "", "open-source", "alive", True, (), needs, None, None, None, (), (), "", "", "")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_the_solver_finds_what_trying_everything_finds(data: st.DataObject) -> None:
    """For small problems the optimum equals that of brute force, shared services and all."""
    names = st.sampled_from(["postgres", "redis", "kafka"])
    needs = st.lists(st.lists(names, min_size=1, max_size=2, unique=True).map(tuple), max_size=2).map(tuple)
    tools = [_tool(name, data.draw(needs)) for name in "abcd"]
    points = st.integers(0, 9).map(float)
    candidates = {
        block: tuple(data.draw(st.lists(st.sampled_from(tools), min_size=1, unique_by=lambda one: one.name)))
        for block in "xyz"
    }
    have = frozenset(data.draw(st.sets(names, max_size=1)))
    problem = Problem(
        candidates,
        {(block, tool.name): data.draw(points) for block, several in candidates.items() for tool in several},
        {tool.name: data.draw(points) for tool in tools},
        {"": data.draw(points), "kafka": data.draw(points)},
        have,
    )

    def cost(taken: tuple[Tool, ...]) -> float:
        own = sum(problem.at_block[block, tool.name] for block, tool in zip(candidates, taken, strict=True))
        own += sum(problem.at_tool[name] for name in {tool.name for tool in taken})
        wanted = [need for tool in taken for need in tool.needs if not set(need) & have]
        every = sorted({name for need in wanted for name in need})
        services = [
            sum(problem.at_service.get(name, problem.at_service[""]) for name, on in zip(every, ons, strict=True) if on)
            for ons in product([False, True], repeat=len(every))
            if all(any(on and name in need for name, on in zip(every, ons, strict=True)) for need in wanted)
        ]
        return own + min(services, default=0)

    found = solve(problem)

    assert found is not None
    assert found.points == pytest.approx(min(cost(taken) for taken in product(*candidates.values())))
    assert cost(tuple(found.tools.values())) == pytest.approx(found.points)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_canvas_gets_an_answer(data: st.DataObject, answering: Callable[[str], st.SearchStrategy[Any]]) -> None:
    """Whatever is answered: a tool, or why there is none; and a record of it."""
    blocks: dict[str, dict[str, Any]] = {}
    for question in data.draw(st.lists(st.sampled_from(QUESTION_IDS), unique=True, max_size=8)):
        block, _, key = question.partition(".")
        blocks.setdefault("dilemmas" if block == "dilemma" else block, {})[key] = data.draw(answering(question))
    try:
        found_canvas = canvas("\n".join(f"{block}: {inline(answers)}" for block, answers in blocks.items()))
    except BadInput:
        return

    found = choose(found_canvas, explain=False)

    assert len(found.choices) == 10
    assert all(one.why for one in found.choices)
    assert len(decision_records(found_canvas, found)) == 10


def test_a_decision_record_has_its_five_parts(flights: str) -> None:
    """Title, context with the reasons of the canvas, decision, consequences, alternatives."""
    full = loads(flights)
    text = decision_records(full, choose(full))["04-features.md"]

    assert text.startswith("# 4. Feature store and workflows: stackcanvas")
    for part in ("## Context", "## Decision", "## Consequences", "## Alternatives"):
        assert part in text
    assert "leaked the delay" in text
    assert "the online store is one file" in text

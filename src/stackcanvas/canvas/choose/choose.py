"""A tool for each block: what the rules allow, what the preferences like best, and what would change that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.choose.catalogue import Catalogue, Tool, catalogue
from stackcanvas.canvas.choose.needs import CHOSEN, Demands, demands
from stackcanvas.canvas.choose.rules import Reason, reasons
from stackcanvas.canvas.choose.solver import Problem, Solution, solve
from stackcanvas.errors import BadInput

PREFERENCES: Mapping[str, float] = MappingProxyType(
    {
        "fewer tools": 3.0,
        "fewer services": 4.0,
        "money": 4.0,
        "upkeep": 2.0,
        "maturity": 5.0,
        "there already": 6.0,
        "alive": 5.0,
    }
)
"""What is preferred, and how much: points against a tool, where the rules leave a choice."""
_KIND = {"open-source": 0.0, "source-available": 0.5, "commercial": 1.0, "cloud-managed": 0.75}
_HOSTING = {"embedded": 0.0, "saas": 0.4, "server": 1.0, "kubernetes": 1.6}
_HEAVY = {"kubernetes": 2.5, "elasticsearch": 1.5, "kafka": 1.5, "hbase": 2.0}


@dataclass(frozen=True, slots=True)
class Excluded:
    """A tool that the rules leave out."""

    tool: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The tool of one block, and why.

    Attributes:
        block: its id.
        tool: the name; None where no tool is needed, or none is allowed.
        state: `chosen`, `decided` in the canvas, `not needed`, or `none fits`.
        why: in sentences.
        runner_up: the next best tool.
        margin: how many points the stack would be worse with it.
        against: what speaks against the runner-up, by preference, in points.
        changes: what would change the choice, in sentences.
        warnings: what to look out for.
        excluded: the tools that the rules left out.
        details: of the chosen tool in the catalogue.
    """

    block: str
    tool: str | None
    state: str
    why: tuple[str, ...]
    runner_up: str | None = None
    margin: float | None = None
    against: Mapping[str, float] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    details: Tool | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """A tool for every block.

    Attributes:
        choices: in the order of the canvas.
        services: that must run beside the tools and do not yet.
        compiled: how old the catalogue is.
    """

    choices: tuple[Choice, ...]
    services: tuple[str, ...]
    compiled: str

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools of the catalogue that are taken, each once."""
        return tuple({one.details.name: one.details for one in self.choices if one.details is not None}.values())

    def choice(self, block: str) -> Choice:
        """The choice of a block."""
        return next(one for one in self.choices if one.block == block)


def choose(
    canvas: Canvas,
    *,
    known: Catalogue | None = None,
    weights: Mapping[str, float] = MappingProxyType({}),
    model: str | None = None,
    environment: str | None = None,
    explain: bool = True,
) -> Stack:
    """Choose a tool for each block of a canvas.

    Args:
        canvas: the answers.
        known: the tools; those that ship by default.
        weights: of preferences, instead of the usual ones.
        model: whose answers to take.
        environment: in which environment.
        explain: also find what would change each choice, which asks the solver many times more.

    Raises:
        BadInput: there is no such preference.
        NotFound: there is no such environment.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> found = choose(loads("{stackcanvas: 1, project: {name: demo}}"))
        >>> found.choice("serving").tool, found.choice("foundations").tool is None
        ('stackcanvas', False)
    """
    tools = known or catalogue()
    asked = demands(canvas, tools, model=model, environment=environment)
    chooser = _Chooser(tools, asked, _weights(weights), explain)
    return chooser.stack()


def _weights(given: Mapping[str, float]) -> dict[str, float]:
    for name, weight in given.items():
        if name not in PREFERENCES or not 0 <= weight <= 1000:
            raise BadInput(f"{name[:30]}={weight} is no preference", expected=f"0 to 1000 for {', '.join(PREFERENCES)}")
    return {**PREFERENCES, **given}


@dataclass(slots=True)
class _Chooser:
    """One choice over all blocks."""

    known: Catalogue
    asked: Demands
    weights: Mapping[str, float]
    explain: bool = True
    careless: dict[str, Solution] = field(default_factory=dict)

    def stack(self) -> Stack:
        excluded = {block: self._excluded(block) for block in self.asked.needs}
        allowed = {block: self._allowed(block, excluded[block]) for block in self.asked.needs}
        problem = self._problem({block: tools for block, tools in allowed.items() if tools})
        best = solve(problem)
        choices = []
        for block in CHOSEN:
            if block in self.asked.skipped:
                choices.append(Choice(block, None, "not needed", (f"{self.asked.skipped[block]}.",)))
            elif best is None or block not in best.tools:
                choices.append(self._without(block, excluded[block]))
            else:
                choices.append(self._choice(block, best, problem, excluded[block]))
        return Stack(tuple(choices), best.services if best else (), self.known.compiled)

    def _excluded(self, block: str) -> tuple[Excluded, ...]:
        found = ((tool, reasons(tool, block, self.asked)) for tool in self.known.serving(block))
        return tuple(Excluded(tool.name, why) for tool, why in found if why)

    def _allowed(self, block: str, excluded: tuple[Excluded, ...]) -> tuple[Tool, ...]:
        """The candidates; where the canvas has decided, the tool that it names, if the catalogue knows it."""
        decided = self._decided(block)
        if decided is not None:
            return (decided,) if block in decided.does else ()
        answer = self.asked.decided.get(block)
        if answer is not None and (answer.tool is not None or answer.choice == "build"):
            return ()
        return self._free(block, excluded)

    def _free(self, block: str, excluded: tuple[Excluded, ...]) -> tuple[Tool, ...]:
        """The candidates by the rules alone."""
        out = {one.tool for one in excluded}
        return tuple(tool for tool in self.known.serving(block) if tool.name not in out)

    def _decided(self, block: str) -> Tool | None:
        answer = self.asked.decided.get(block)
        name = None if answer is None else answer.tool or ("stackcanvas" if answer.choice == "embedded" else None)
        return None if name is None else self.known.find(name)

    def _problem(self, candidates: Mapping[str, tuple[Tool, ...]]) -> Problem:
        tools = {tool.name: tool for several in candidates.values() for tool in several}
        order = {tool.name: place * 1e-6 for place, tool in enumerate(self.known.tools)}
        return Problem(
            candidates,
            {
                # Between equals the order of the catalogue decides, so that the answer is always the same.
                (block, tool.name): sum(self._at_block(tool).values()) + order[tool.name]
                for block, several in candidates.items()
                for tool in several
            },
            dict.fromkeys(tools, self.weights["fewer tools"]),
            {
                "": self.weights["fewer services"],
                **{name: self.weights["fewer services"] * times for name, times in _HEAVY.items()},
            },
            self.asked.have,
        )

    def _at_block(self, tool: Tool) -> dict[str, float]:
        """The points of a tool by preference."""
        hosting = min((_HOSTING[one] for one in tool.runs_on if one in self.asked.hosting), default=1.0)
        points = {
            "money": self.weights["money"] * _KIND[tool.kind],
            "upkeep": self.weights["upkeep"] * hosting,
            "maturity": 0.0 if self.asked.level in tool.fits else self.weights["maturity"],
            "there already": 0.0 if tool.name in self.asked.named else self.weights["there already"] / 2,
            "alive": self.weights["alive"] * ((tool.status != "alive") + (0.2 if not tool.core else 0.0)),
        }
        return {name: value for name, value in points.items() if value}

    def _points(self, solution: Solution) -> dict[str, float]:
        """The points of a whole stack by preference."""
        total = dict.fromkeys(PREFERENCES, 0.0)
        for tool in solution.tools.values():
            for name, value in self._at_block(tool).items():
                total[name] += value
        total["fewer tools"] = self.weights["fewer tools"] * len({tool.name for tool in solution.tools.values()})
        total["fewer services"] = sum(
            self.weights["fewer services"] * _HEAVY.get(one, 1.0) for one in solution.services
        )
        return total

    def _choice(self, block: str, best: Solution, problem: Problem, excluded: tuple[Excluded, ...]) -> Choice:
        tool = best.tools[block]
        decided = self._decided(block)
        if decided is not None:
            why = [f"dilemma.tooling has decided for {tool.name}."]
            bought = self.asked.decided[block].choice == "buy"
            broken = next((one.reasons for one in excluded if one.tool == tool.name), ())
            # What is open source can be bought, too: with support, or hosted.
            broken = tuple(one for one in broken if not (bought and one.rule == "licence"))
            warnings = (*(f"{tool.name} breaks a rule: {one.said.rstrip('.')}." for one in broken), *_warnings(tool))
            return Choice(
                block,
                tool.name,
                "decided",
                tuple(why),
                self._instead(block, tool, problem, excluded),
                warnings=warnings,
                details=tool,
            )
        other = solve(problem, forbidden=[(block, tool.name)])
        found = Choice(
            block,
            tool.name,
            "chosen",
            tuple(self._why(block, tool, best)),
            warnings=_warnings(tool),
            excluded=excluded,
            details=tool,
        )
        if other is not None:
            mine, theirs = self._points(best), self._points(other)
            against = {
                name: round(theirs[name] - mine[name], 2) for name in mine if round(theirs[name] - mine[name], 2)
            }
            found = replace(
                found, runner_up=other.tools[block].name, margin=round(other.points - best.points, 2), against=against
            )
        changes = self._changes(block, tool, problem, excluded) if self.explain else ()
        return replace(found, changes=tuple(changes))

    def _instead(self, block: str, tool: Tool, problem: Problem, excluded: tuple[Excluded, ...]) -> str | None:
        """What would be chosen where the canvas has decided for a tool."""
        free = tuple(one for one in self._free(block, excluded) if one.name != tool.name)
        other = solve(self._problem({**problem.candidates, block: free})) if free else None
        return None if other is None else other.tools[block].name

    def _why(self, block: str, tool: Tool, best: Solution) -> Iterator[str]:
        needs = self.asked.needs[block]
        if needs:
            yield f"It does what is asked: {', '.join(f'{need.ability} ({need.question})' for need in needs)}."
        also = [one for one, other in best.tools.items() if other.name == tool.name and one != block]
        if also:
            yield f"It also serves {', '.join(also)}: one tool less to run for each."
        if tool.name in self.asked.named:
            yield "The canvas names it already."
        runs = [one for one in tool.runs_on if one in self.asked.hosting]
        yield f"It is {tool.kind} ({tool.licence}), runs {' or '.join(runs)}{self._needed(tool)}."

    def _needed(self, tool: Tool) -> str:
        needs = [" or ".join(need) for need in tool.needs if need]
        return f", needs {', '.join(needs)}" if needs else ", and needs nothing beside it"

    def _changes(self, block: str, tool: Tool, problem: Problem, excluded: tuple[Excluded, ...]) -> Iterator[str]:
        """Rules whose fall, and preferences whose absence, would give another tool."""
        by_rule: dict[str, list[Excluded]] = {}
        for one in excluded:
            if len({reason.rule for reason in one.reasons}) == 1 and one.reasons[0].rule != "retired":
                by_rule.setdefault(one.reasons[0].rule, []).append(one)
        for several in by_rule.values():
            more = tuple(found for one in several if (found := self.known.find(one.tool)) is not None)
            wider = self._problem({**problem.candidates, block: (*problem.candidates[block], *more)})
            other = solve(wider)
            if other is not None and other.tools[block].name != tool.name:
                said = next(one.reasons[0].said for one in several if one.tool == other.tools[block].name)
                yield f"{other.tools[block].name}, if this did not hold: {said}."
        known = dict.fromkeys(ability for one in self.known.serving(block) for ability in one.does[block])
        for ability in (one for one in known if one in _ASKED):
            able = tuple(one for one in problem.candidates[block] if ability in one.does[block])
            other = solve(self._problem({**problem.candidates, block: able})) if able else None
            if other is not None and other.tools[block].name != tool.name:
                yield f"{other.tools[block].name}, if the canvas asked for {_ASKED[ability]}."
        for name, other in self._careless(problem).items():
            if other.tools[block].name != tool.name:
                yield f"{other.tools[block].name}, if {_PREFERRED[name]} did not matter."

    def _careless(self, problem: Problem) -> Mapping[str, Solution]:
        """The best stack where one preference is not cared for, by its name."""
        if not self.careless:
            for name in PREFERENCES:
                other = _Chooser(self.known, self.asked, {**self.weights, name: 0.0})
                found = solve(other._problem(problem.candidates))
                if found is not None:
                    self.careless[name] = found
        return self.careless

    def _without(self, block: str, excluded: tuple[Excluded, ...]) -> Choice:
        answer = self.asked.decided.get(block)
        if answer is not None and (answer.tool is not None or answer.choice == "build"):
            name = answer.tool or "own code"
            tool = self._decided(block)
            said = (
                f"The catalogue does not know {name}"
                if tool is None
                else f"{name} alone does not serve {block}, by the catalogue"
            )
            warnings = () if answer.choice == "build" else (f"{said}: nothing was checked.",)
            return Choice(block, name, "decided", (f"dilemma.tooling has decided for {name}.",), warnings=warnings)
        few = sorted(excluded, key=lambda one: len(one.reasons))[:3]
        nearest = tuple(f"{one.tool} comes nearest, but {one.reasons[0].said}." for one in few)
        return Choice(
            block, None, "none fits", ("No tool of the catalogue passes every rule.", *nearest), excluded=excluded
        )


_PREFERRED = {
    "fewer tools": "the number of tools",
    "fewer services": "the services to run",
    "money": "money",
    "upkeep": "upkeep",
    "maturity": "maturity",
    "there already": "what is there already",
    "alive": "how alive a project is",
}

_ASKED = {
    "level 1": "snapshots of data",
    "level 2": "data and code as one asset",
    "level 3": "a versioning system for data",
    "large": "terabytes of data",
    "other languages": "languages other than Python",
    "streaming": "features from streams",
    "on demand": "features on demand",
    "schedule": "schedules",
    "events": "events that start pipelines",
    "distributed": "training on several machines",
    "blue-green": "blue-green releases",
    "canary": "canary releases",
    "shadow": "shadow releases",
    "a/b test": "A/B tests",
    "bandit": "bandits",
    "kubernetes": "serving on Kubernetes",
    "edge": "serving at the edge",
    "batch": "batches",
    "model on demand": "models on demand",
    "model as dependency": "models as dependencies",
    "hybrid serving": "hybrid serving",
    "gpu": "GPUs",
    "scale": "thousands of requests a second",
    "performance": "decay to be seen",
}
"""The abilities that an answer can ask for, in words."""


def _warnings(tool: Tool) -> tuple[str, ...]:
    if tool.status == "dormant":
        return (f"{tool.name} has had no release for a year ({tool.release or 'no release known'}).",)
    unsure = "verify" in tool.notes.lower() or "verify" in tool.licence.lower()
    return (f"The licence of {tool.name} is to be verified: {tool.licence}.",) if unsure else ()

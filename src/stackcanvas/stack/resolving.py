"""Whether packages can be installed together: asked of uv's resolver, which installs nothing."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from stackcanvas.canvas.choose import Stack
from stackcanvas.canvas.choose.catalogue import EMBEDDED
from stackcanvas.errors import Unavailable

_PATIENCE_S = 300
_CHOICE = "the choice"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_BOUND = r"[<>=!~][^\s]*"
_WHO = rf"(?P<who>{_NAME})(?P<version>(?:\[[^\]]*\])?(?:{_BOUND})?)"
_DEPENDS = re.compile(rf"{_WHO} depends? on (?P<what>{_NAME})(?P<bound>{_BOUND})?")
_REQUIRE = re.compile(rf"you require (?P<what>{_NAME})(?P<bound>{_BOUND})?")
_FRAME = re.compile("[\u00d7\u2502\u2570\u251c\u2500\u25b6]")


@dataclass(frozen=True, slots=True)
class Requirement:
    """What one package wants of another.

    Attributes:
        who: the package with its version, or the tool.
        what: the other package.
        bound: the versions of it that will do.
    """

    who: str
    what: str
    bound: str

    def __str__(self) -> str:
        return f"{self.who} wants {self.what}{self.bound}"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the resolver says.

    Attributes:
        fits: the packages of all tools can be installed together.
        tools: that were asked about, with what was asked.
        packages: how many would be installed; 0 when they do not fit.
        alone: tools that cannot be installed even alone, with the resolver's words.
        clash: the fewest tools that cannot stand together.
        between: the two requirements that clash, when the explanation could be read.
        said: the resolver's own words.
    """

    fits: bool
    tools: Mapping[str, tuple[str, ...]]
    packages: int
    alone: Mapping[str, str]
    clash: tuple[str, ...]
    between: tuple[Requirement, Requirement] | None
    said: str


def requirements(stack: Stack) -> dict[str, tuple[str, ...]]:
    """The packages of the chosen tools, none older than the release that the catalogue knows.

    Without a lower bound a resolver goes back for years until something fits.
    """
    found: dict[str, tuple[str, ...]] = {}
    for tool in stack.tools:
        if tool.name == EMBEDDED:
            found[tool.name] = _own()
        elif tool.package is not None:
            found[tool.name] = (f"{tool.package}>={tool.version}" if tool.version else tool.package,)
    return found


def resolve(
    wanted: Mapping[str, Sequence[str]],
    *,
    folder: Path | None = None,
    step: Callable[[float], object] = lambda _one: None,
) -> Resolution:
    """Ask whether the packages of tools can be installed together on this Python.

    Args:
        wanted: requirements by tool.
        folder: take packages from this folder only, without a network.
        step: called after each question to the resolver.

    Raises:
        Unavailable: there is no uv, or it cannot reach its packages.
    """
    tools = {name: tuple(lines) for name, lines in wanted.items() if lines}
    ask = _Resolver(_uv(), folder, step)
    together, said = ask(tools)
    if together:
        return Resolution(True, tools, len(said.splitlines()), {}, (), None, "")
    alone = {name: words for name, lines in tools.items() if (words := ask.alone(name, lines)) is not None}
    rest = {name: lines for name, lines in tools.items() if name not in alone}
    together, said_of_rest = ask(rest) if alone else (False, said)
    if together:
        return Resolution(False, tools, 0, alone, (), None, said)
    few, words = _fewest(rest, ask, said_of_rest)
    return Resolution(False, tools, 0, alone, tuple(few), _by_tool(clash(words), few), words)


def clash(said: str) -> tuple[Requirement, Requirement] | None:
    """The two requirements that clash, read from the resolver's explanation; None when it cannot be read.

    Example:
        >>> found = clash("Because a>=2 depends on c<3 and b==1 depends on c>=4, we can conclude that they clash.")
        >>> [str(one) for one in found or ()]
        ['a>=2 wants c<3', 'b==1 wants c>=4']
    """
    text = " ".join(said.split())
    found = [
        Requirement(f"{one['who']}{one['version']}", one["what"], (one["bound"] or "").rstrip(".,;"))
        for one in _DEPENDS.finditer(text)
    ]
    asked = [Requirement(_CHOICE, one["what"], (one["bound"] or "").rstrip(".,;")) for one in _REQUIRE.finditer(text)]
    for place, one in enumerate(found):
        for other in (*found[place + 1 :], *asked):
            if (
                one.bound
                and other.bound
                and one.what == other.what
                and one.who != other.who
                and one.bound != other.bound
            ):
                return one, other
    return None


def _by_tool(
    found: tuple[Requirement, Requirement] | None, tools: Mapping[str, tuple[str, ...]]
) -> tuple[Requirement, Requirement] | None:
    """The clash with the name of the tool where it is the tool itself that asks."""
    if found is None or found[1].who != _CHOICE:
        return found
    asks = next(
        (name for name, lines in tools.items() if any(_package(line) == found[1].what for line in lines)), _CHOICE
    )
    return found[0], replace(found[1], who=asks)


def _package(line: str) -> str:
    named = re.match(_NAME, line)
    return named[0].lower().replace("_", "-") if named else ""


def _fewest(tools: Mapping[str, tuple[str, ...]], ask: _Resolver, said: str) -> tuple[dict[str, tuple[str, ...]], str]:
    """The fewest tools that still do not fit, and what the resolver says of them: every other one is left out."""
    left, words = dict(tools), said
    for name in tools:
        if len(left) <= 2:
            break
        others = {one: lines for one, lines in left.items() if one != name}
        fits, told = ask(others)
        if not fits:
            left, words = others, told
    return left, words


@dataclass(frozen=True, slots=True)
class _Resolver:
    """uv, asked again and again."""

    command: tuple[str, ...]
    folder: Path | None
    step: Callable[[float], object]

    def __call__(self, tools: Mapping[str, Sequence[str]]) -> tuple[bool, str]:
        """Whether the packages fit; what would be installed, or why not."""
        lines = [line for several in tools.values() for line in several]
        places = ["--no-index", "--find-links", str(self.folder)] if self.folder is not None else []
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        try:
            done = subprocess.run(
                [*self.command, "pip", "compile", "-", "--no-header", "--no-annotate", "--quiet", "--no-build",
                 "--color", "never", "--python-version", version, *places],
                input="\n".join(lines), capture_output=True, text=True, timeout=_PATIENCE_S, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"the resolver gave no answer ({type(error).__name__})", where="uv") from None
        self.step(1)
        if done.returncode == 0:
            return True, done.stdout.strip()
        said = _readable(done.stderr)
        if "No solution found" not in done.stderr:
            raise Unavailable(
                f"the resolver cannot tell: {said[:600]}", where="uv", fix="Check the network and uv's index"
            )
        return False, said

    def alone(self, name: str, lines: Sequence[str]) -> str | None:
        """The resolver's words where a tool cannot be installed even alone."""
        fits, said = self({name: lines})
        return None if fits else said


def _readable(said: str) -> str:
    """An explanation without the frame that is drawn around it."""
    return " ".join(_FRAME.sub(" ", said).split())


def _uv() -> tuple[str, ...]:
    found = shutil.which("uv")
    if found:
        return (found,)
    if importlib.util.find_spec("uv") is not None:
        return (sys.executable, "-m", "uv")
    raise Unavailable("uv is not installed, and no other resolver is asked", fix="Run: pip install uv")


def _own() -> tuple[str, ...]:
    """What this package itself needs: it may be newer than any release."""
    try:
        lines = requires(EMBEDDED) or []
    except PackageNotFoundError:
        return ()
    return tuple(line for line in lines if "extra ==" not in line)

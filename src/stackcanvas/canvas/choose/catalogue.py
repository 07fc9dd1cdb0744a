"""The catalogue of tools that ships with the package, under the user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from stackcanvas.canvas.questions import BLOCKS
from stackcanvas.canvas.syntax import read
from stackcanvas.errors import BadInput, BadInputs, nearest

EMBEDDED = "stackcanvas"
"""The name of the embedded stack in the catalogue."""
KINDS = ("open-source", "source-available", "commercial", "cloud-managed")
HOSTING = ("embedded", "server", "kubernetes", "saas")
STATES = ("alive", "dormant", "archived", "absorbed")
_FREE = {
    "git",
    "github",
    "sqlite",
    "local disk",
    "node",
    "terraform code",
    "pytorch",
    "tensorflow",
    "gpu",
    "gpu (typical)",
    "oci registry",
}
_KNOWN = (
    "name", "does", "blocks", "licence", "kind", "status", "tier", "runs_on", "needs", "provider", "python_package",
    "last_release", "integrates_with", "maturity_fit", "notes", "source", "checked",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of the catalogue.

    Attributes:
        name: as people say it.
        does: by block that it can serve on its own, what it does there.
        licence: as published.
        kind: open-source, source-available, commercial or cloud-managed.
        status: alive, dormant, archived or absorbed.
        core: it is what teams choose today.
        runs_on: embedded, server, kubernetes, saas.
        needs: services that it wants to run on; each a tuple of alternatives.
        provider: the cloud that it belongs to.
        package: its Python package.
        release: the last release of that package, and its month.
        integrates_with: other tools.
        fits: the levels of maturity that it fits; none means it is not for new stacks.
        notes: what else to know.
        source: where that was read.
        checked: when.
    """

    name: str
    does: Mapping[str, tuple[str, ...]]
    licence: str
    kind: str
    status: str
    core: bool
    runs_on: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    provider: str | None
    package: str | None
    release: str | None
    integrates_with: tuple[str, ...]
    fits: tuple[str, ...]
    notes: str
    source: str
    checked: str

    @property
    def retired(self) -> bool:
        """Nobody should begin with it."""
        return self.status in {"archived", "absorbed"} or not self.fits

    @property
    def version(self) -> str | None:
        """The last release without its month."""
        return None if self.release is None else self.release.split(" ", maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Tools by name.

    Attributes:
        tools: in the order of the file, the embedded stack first.
        compiled: when the shipped part was.
    """

    tools: tuple[Tool, ...]
    compiled: str

    def find(self, name: str) -> Tool | None:
        """The tool that a name in a canvas means, however it is written.

        Example:
            >>> found = catalogue().find("github actions")
            >>> found.name if found else None
            'GitHub Actions'
        """
        wanted = _key(name)
        return next((tool for tool in self.tools if wanted in {_key(tool.name), _key(tool.package or tool.name)}), None)

    def serving(self, block: str) -> tuple[Tool, ...]:
        """The tools that can serve a block on their own."""
        return tuple(tool for tool in self.tools if block in tool.does)


def catalogue(own: str | None = None, *, label: str = "catalogue.yaml") -> Catalogue:
    """The catalogue.

    Args:
        own: the text of the user's file, whose tools are added, or change those of the same name field by field.
        label: what errors call it.

    Raises:
        BadInputs: the user's file cannot be read.
        BadInput: it says something that no tool can be.
    """
    plain = _shipped()
    entries: dict[str, Mapping[str, Any]] = {str(entry["name"]): entry for entry in plain["tools"]}
    for entry in _entries(own, label) if own is not None else ():
        name = str(entry["name"])
        entries[name] = {**entries.get(name, {}), **entry}
    return Catalogue(tuple(_tool(entry, label) for entry in entries.values()), str(plain["compiled"]))


@cache
def _shipped() -> Mapping[str, Any]:
    text = files("stackcanvas.canvas.choose").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    plain: Mapping[str, Any] = _parsed(text, "catalogue.yaml")
    return plain


def _parsed(text: str, label: str) -> Any:
    found: list[BadInput] = []
    root = read(text, label=label, problems=found)
    if found:
        raise BadInputs(found)
    return None if root is None else root.plain()


def _entries(own: str, label: str) -> Sequence[Mapping[str, Any]]:
    plain = _parsed(own, label)
    entries = plain.get("tools") if isinstance(plain, Mapping) else None
    if not isinstance(entries, list | tuple) or not all(
        isinstance(entry, Mapping) and entry.get("name") for entry in entries
    ):
        raise BadInput("the catalogue is no list of tools", where=label, expected="tools: [{name: ..., does: {...}}]")
    return entries


def _tool(entry: Mapping[str, Any], label: str) -> Tool:
    name = str(entry["name"])
    unknown = next((key for key in entry if key not in _KNOWN), None)
    if unknown is not None:
        near = nearest(unknown, _KNOWN)
        raise BadInput(
            f"{name} has the unknown key {unknown[:40]!r}",
            where=label,
            fix=f"Perhaps you meant {near}" if near else None,
        )
    does = entry.get("does", {})
    if not isinstance(does, Mapping):
        raise BadInput(f"what {name} does is no mapping", where=label, expected="{registry: [versions]}")
    return Tool(
        name=name,
        does={_one_of(block, tuple(BLOCKS), name, label): _words(does[block], name, label) for block in does},
        licence=str(entry.get("licence", "unknown")),
        kind=_one_of(entry.get("kind", "commercial"), KINDS, name, label),
        status=_one_of(entry.get("status", "alive"), STATES, name, label),
        core=entry.get("tier", "core") == "core",
        runs_on=tuple(
            _one_of(one, HOSTING, name, label) for one in _words(entry.get("runs_on", ["server"]), name, label)
        ),
        needs=tuple(_alternatives(need) for need in _words(entry.get("needs", []), name, label)),
        provider=_text(entry, "provider"),
        package=_text(entry, "python_package"),
        release=_text(entry, "last_release"),
        integrates_with=_words(entry.get("integrates_with", []), name, label),
        fits=_words(entry.get("maturity_fit", ["tactical", "strategic", "transformational"]), name, label),
        notes=str(entry.get("notes", "")),
        source=str(entry.get("source", label)),
        checked=str(entry.get("checked", "undated")),
    )


def _alternatives(need: str) -> tuple[str, ...]:
    """The services of which a tool wants one; what costs nobody anything is left out with its alternatives."""
    words = tuple(re.sub(r"\s*\(.*\)", "", word).strip() for word in re.split(r" or |/", need.lower()))
    return () if any(word in _FREE or word == "" for word in words) or "optional" in need else words


def _one_of(value: object, known: tuple[str, ...], name: str, label: str) -> str:
    if value not in known:
        raise BadInput(f"{name} has {str(value)[:40]!r}", where=label, expected=f"one of {', '.join(known)}")
    return str(value)


def _words(value: object, name: str, label: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise BadInput(f"{name} has {str(value)[:40]!r} where a list belongs", where=label, expected="[a, b]")
    return tuple(str(one) for one in value)


def _text(entry: Mapping[str, Any], key: str) -> str | None:
    return None if entry.get(key) is None else str(entry[key])


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())

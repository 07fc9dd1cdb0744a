"""From the definitions of a registry to the text of `features.py`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from stackcanvas.canvas.units import format_duration

MARK = "# Written by `stackcanvas import feast`: a later import writes it anew."
_NO_ENTITY = "__dummy"  # Feast gives it to views without one
_BEGIN = f'''"""What the Feast project %s defined."""

{MARK}

from __future__ import annotations
'''


@dataclass(slots=True)
class Written:
    """The text, and what it tells of.

    Args:
        told: kind, name and why something was left out; an empty reason for what is in the text.
        sources: the sources that views read, by the name of their data set.
    """

    text: str = ""
    told: list[tuple[str, str, str]] = field(default_factory=list)
    sources: dict[str, Any] = field(default_factory=dict)


def write(content: Any, project: str | None) -> Written:
    """The text of `features.py` for a registry."""
    return _Writer(content, project).written()


class _Writer:
    def __init__(self, content: Any, project: str | None) -> None:
        def mine(found: Iterable[Any]) -> list[Any]:
            specs = [one.spec for one in found]
            # Tables of a registry tell the project beside the definition, which may then not name it.
            return sorted((one for one in specs if not one.project or project in {None, one.project}), key=_by_name)

        self._content = content
        self._project = project
        self._mine: Callable[[Iterable[Any]], list[Any]] = mine
        self._out = Written()
        self._names: set[str] = {"sc", "pl", "annotations"}
        self._entities: dict[tuple[str, ...], str] = {}
        self._known: dict[str, Any] = {one.name: one for one in mine(content.entities)}
        self._views: dict[str, list[str]] = {}
        self._parts: list[str] = []
        self._uses_polars = False

    def written(self) -> Written:
        """Everything."""
        for name in self._known:
            if name != _NO_ENTITY:
                self._tell("entity", name, "")
        for spec in self._mine(self._content.feature_views):
            self._view(spec, "feature view")
        for spec in self._mine(self._content.stream_feature_views):
            self._view(spec, "stream view")
        for spec in self._mine(self._content.on_demand_feature_views):
            self._demanded(spec)
        for spec in self._mine(self._content.feature_services):
            self._service(spec)
        for kind, many in (("saved dataset", self._content.saved_datasets), ("label view", self._content.label_views)):
            for spec in self._mine(many):
                self._tell(kind, spec.name, "there is no such definition here")
        polars = "import polars as pl\n\n" if self._uses_polars else ""
        shown = "".join(letter for letter in self._project or "" if letter.isprintable() and letter not in '"\\')
        head = f"{_BEGIN % (shown or 'of a registry')}\n{polars}import stackcanvas as sc\n"
        self._out.text = "\n".join([head, *self._parts])
        return self._out

    def _view(self, spec: Any, kind: str) -> None:
        function = _function(spec)
        if function is not None or (kind == "stream view" and spec.aggregations):
            why = "its rows are made by Python code or windows: write them as a transform of a FeatureView"
            self._leave(kind, spec.name, why, function)
            return
        source = spec.batch_source
        keys = [key for name in spec.entities for key in self._keys(name)]
        if not keys:
            self._leave(kind, spec.name, "it describes no entity: a view here needs a key", None)
            return
        mapping = {one.key: one.value for one in source.field_mapping}
        data, time = source.name or spec.name, mapping.get(source.timestamp_field, source.timestamp_field)
        features = [one.name for one in spec.features if one.name not in {*keys, time}]
        if not time or not features:
            self._leave(kind, spec.name, "it has no time of its events, or no feature", None)
            return
        lines = [f"entity={self._entity(list(spec.entities), keys)}", f"source={_text(data)}"]
        lines += [f"event_time={_text(time)}", 'timezone="UTC"']
        age = (
            timedelta(seconds=spec.ttl.seconds, microseconds=spec.ttl.nanos // 1000)
            if _sane(spec.ttl)
            else timedelta(0)
        )
        if age > timedelta(0):
            lines.append(f"ttl={_text(format_duration(age))}")
        lines.append(f"features={_list(features)}")
        streams = bool(spec.stream_source.class_type or spec.stream_source.name)
        if mapping:
            lines.append(f"transform={self._renaming(spec.name, mapping)}")
        elif streams:
            lines.append("stream=True")
        if streams:
            why = "push rows with `stackcanvas features push`"
            if mapping:
                why = "rows are not pushed to a view that renames columns: push to one without transform, stream=True"
            self._tell("push source", spec.stream_source.name or spec.name, why)
        self._define("FeatureView", spec, [*lines, *_about(spec)])
        self._views[spec.name] = features
        self._out.sources[data] = source
        self._tell(kind, spec.name, "")

    def _demanded(self, spec: Any) -> None:
        self._leave("on-demand view", spec.name, "its Python code must be written as an OnDemandView", _function(spec))

    def _service(self, spec: Any) -> None:
        wanted = []
        for one in spec.features:
            said = f"{spec.name}: {one.view}"
            if one.view not in self._views:
                self._tell("feature of a service", said, "its view did not come in")
            elif one.join_key_map or (one.alias and one.alias != one.view):
                self._tell("feature of a service", said, "it is read under another name or by another key")
            else:
                columns = [column.name for column in one.columns if column.name in self._views[one.view]]
                whole = columns == self._views[one.view]
                wanted += [f"{one.view}:*"] if whole else [f"{one.view}:{column}" for column in columns]
        if not wanted:
            self._tell("feature service", spec.name, "none of its features came in")
            return
        self._define("FeatureService", spec, [f"features={_list(list(dict.fromkeys(wanted)))}", *_about(spec)])
        self._tell("feature service", spec.name, "")

    def _keys(self, entity: str) -> list[str]:
        found = self._known.get(entity)
        if found is None or entity == _NO_ENTITY:
            return []
        return [found.join_key or found.name]

    def _entity(self, names: list[str], keys: list[str]) -> str:
        """The variable of an entity, written when it is first used."""
        at = (*names, *keys)
        if at not in self._entities:
            name = "_".join(names)
            variable = self._entities[at] = self._variable(name)
            described = "; ".join(self._known[one].description for one in names if self._known[one].description)
            lines = [_text(name), _list(keys), *([f"description={_text(described)}"] if described else [])]
            self._parts.append(f"{variable} = sc.Entity(\n" + "".join(f"    {line},\n" for line in lines) + ")\n")
        return self._entities[at]

    def _renaming(self, name: str, mapping: dict[str, str]) -> str:
        self._uses_polars = True
        function = self._variable(f"{name}_rows")
        pairs = ", ".join(f"{_text(old)}: {_text(new)}" for old, new in sorted(mapping.items()))
        self._parts.append(
            f"\ndef {function}(rows: pl.LazyFrame) -> pl.LazyFrame:\n"
            f'    """The rows with the names that the view gives their columns."""\n'
            f"    return rows.rename({{{pairs}}}, strict=False)\n\n"
        )
        return function

    def _define(self, kind: str, spec: Any, lines: list[str]) -> None:
        body = "".join(f"    {line},\n" for line in [_text(spec.name), *lines])
        self._parts.append(f"{self._variable(spec.name)} = sc.{kind}(\n{body})\n")

    def _leave(self, kind: str, name: str, why: str, function: str | None) -> None:
        """Say that something is left out, and keep its code in sight."""
        self._tell(kind, name, why)
        shown = [f"{kind} {name}: {why}", *(function or "").splitlines()]
        self._parts.append("".join(f"# {_plain(line)}".rstrip() + "\n" for line in shown))

    def _tell(self, kind: str, name: str, why: str) -> None:
        self._out.told.append((kind, name, why))

    def _variable(self, name: str) -> str:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
        plain = f"_{plain}" if plain[0].isdigit() or keyword.iskeyword(plain) else plain
        found, number = plain, 2
        while found in self._names:
            found, number = f"{plain}_{number}", number + 1
        self._names.add(found)
        return found


def _by_name(spec: Any) -> str:
    return str(spec.name)


def _function(spec: Any) -> str | None:
    """The text of the Python code that a definition has; empty where only its bytes were kept."""
    found = [spec.feature_transformation.user_defined_function]
    if hasattr(spec, "user_defined_function"):
        found.append(spec.user_defined_function)
    named = [one for one in found if one.name or one.body_text]
    return None if not named else str(next((one.body_text for one in named if one.body_text), ""))


def _about(spec: Any) -> list[str]:
    tags = [f"{one.key}={one.value}" if one.value else one.key for one in sorted(spec.tags, key=lambda one: one.key)]
    facts = [("description", spec.description), ("owner", spec.owner)]
    lines = [f"{name}={_text(value)}" for name, value in facts if value]
    return [*lines, *([f"tags={_list(tags)}"] if tags else [])]


def _sane(ttl: Any) -> bool:
    return 0 <= int(ttl.seconds) < 365_000 * 86_400 and 0 <= int(ttl.nanos) < 10**9


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _text(value: str) -> str:
    """A text as Python holds it, whatever is in it."""
    if value.isprintable():
        escaped = value.replace("\\", "\\\\")
        return f'"{escaped}"' if '"' not in value else f"'{escaped}'" if "'" not in value else repr(value)
    return repr(value)


def _plain(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)


__all__ = ["MARK", "Written", "write"]

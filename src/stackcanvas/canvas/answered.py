"""An answered canvas, and what of it holds for one model in one environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from blake3 import blake3

from stackcanvas.canvas import paths
from stackcanvas.canvas.blocks import DEFAULTS, PER_MODEL, QUESTION_IDS, Answers, place_of
from stackcanvas.canvas.places import node_at, where
from stackcanvas.canvas.project import VERSION, Decision, Project
from stackcanvas.canvas.syntax import Node
from stackcanvas.canvas.urls import Url
from stackcanvas.errors import NotFound


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an answer comes from.

    Attributes:
        kind: `canvas`, `model` (an override of one model), `environment`, `default`, or `none` for an unanswered
            question that configures nothing.
        where: `canvas.yaml:LINE:COLUMN`, for what is written.
        name: of the model or environment.
    """

    kind: Literal["canvas", "model", "environment", "default", "none"]
    where: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        told = f" ({self.kind} {self.name})" if self.name else ""
        return f"{self.where}{told}" if self.where else self.kind


@dataclass(frozen=True, slots=True)
class Effective:
    """The answers that hold for one model in one environment, with defaults where nothing is answered.

    Attributes:
        answers: the typed tree.
        model: for which model, or None.
        environment: in which environment, or None.
        origins: by question, and by part where an environment changes only that.
    """

    answers: Answers
    model: str | None
    environment: str | None
    origins: Mapping[str, Origin]
    _document: Node = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Every question with its answer and where that comes from, as JSON can hold it."""
        return {
            question: {"answer": paths.to_plain(question, self.get(question)), "origin": str(self.origins[question])}
            for question in QUESTION_IDS
        }

    def get(self, path: str) -> Any:
        """The answer of a question, or a part of it; None when it is unanswered and has no default.

        Raises:
            NotFound: no such question or part.
        """
        return _get(self.answers, path)

    def origin(self, path: str) -> Origin:
        """Where an answer or a part of it comes from.

        Raises:
            NotFound: no such question.
        """
        question, keys = paths.split(path)
        if path in self.origins:
            return self.origins[path]
        origin = self.origins[question]
        if keys and origin.kind in {"canvas", "model", "environment"}:
            starts = {"model": "models", "environment": "environments"}
            own = origin.kind in starts
            start = (starts[origin.kind], origin.name or "", question) if own else place_of(question)
            # An entry of a list goes by its number.
            located = tuple(int(key) if key.isdigit() else key for key in keys)
            node, exact = node_at(self._document, (*start, *located))
            label = (origin.where or "").split(":", maxsplit=1)[0]
            return Origin(origin.kind, where(label, node), origin.name) if exact else Origin("default")
        return origin


@dataclass(frozen=True, repr=False)
class Canvas:
    """One canvas, read and checked: typed answers, decisions, what differs by model and environment.

    Attributes:
        label: what errors call the file.
        path: the file, when it was read from one.
        project: the header.
        answers: the typed answers by block; None is unanswered.
        decisions: why, by question.
        models: by model, the answers that differ, by question.
        environments: by environment, the answers or parts that differ, as written.
    """

    label: str
    path: Path | None
    project: Project
    answers: Answers
    decisions: Mapping[str, Decision]
    models: Mapping[str, Mapping[str, Any]]
    environments: Mapping[str, tuple[str, ...]]
    _document: Node

    def get(self, path: str) -> Any:
        """What is answered to a question, or a part of it; None when it is unanswered.

        Raises:
            NotFound: no such question or part.

        Example:
            >>> from stackcanvas.canvas import loads
            >>> canvas = loads("{stackcanvas: 1, project: {name: demo}, data: {versioning: mandatory}}")
            >>> canvas.get("data.versioning"), canvas.get("data.storage")
            ('mandatory', None)
        """
        return _get(self.answers, path)

    @cached_property
    def answered(self) -> tuple[str, ...]:
        """The questions that are answered, in the canvas's order."""
        return tuple(question for question in QUESTION_IDS if self.get(question) is not None)

    @cached_property
    def not_applicable(self) -> tuple[str, ...]:
        """The questions that the team has set aside in `decisions`."""
        return tuple(
            question
            for question in QUESTION_IDS
            if question in self.decisions and self.decisions[question].status == "not applicable"
        )

    @cached_property
    def unanswered(self) -> tuple[str, ...]:
        """The questions that are neither answered nor set aside."""
        done = {*self.answered, *self.not_applicable}
        return tuple(question for question in QUESTION_IDS if question not in done)

    @cached_property
    def digest(self) -> str:
        """BLAKE3 of what the canvas says: comments, order and layout do not change it, secrets are not in it."""
        said = json.dumps(self._document.plain(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return blake3(said.encode("utf-8", "surrogatepass")).hexdigest()

    def where(self, path: str) -> str:
        """The place of an answer, or of the nearest part around it that is written.

        Raises:
            NotFound: no such question.
        """
        question, keys = paths.split(path)
        return where(self.label, node_at(self._document, (*place_of(question), *keys))[0])

    def locate(self, *keys: str) -> tuple[object, str]:
        """What is written under keys from the root, as YAML holds it, and its place; None where nothing is.

        Example:
            >>> from stackcanvas.canvas import loads
            >>> loads("{stackcanvas: 1, project: {name: demo}}").locate("project", "name")
            ('demo', 'canvas.yaml:1:34')
        """
        node, exact = node_at(self._document, keys)
        return node.plain() if exact else None, where(self.label, node)

    def effective(self, *, model: str | None = None, environment: str | None = None) -> Effective:
        """What holds for a model in an environment; a model that the canvas does not name has the common answers.

        Raises:
            NotFound: no such environment.

        Example:
            >>> from stackcanvas.canvas import loads
            >>> canvas = loads("{stackcanvas: 1, project: {name: demo}}")
            >>> effective = canvas.effective()
            >>> effective.get("deployment.strategy").kind, str(effective.origin("deployment.strategy"))
            ('recreate', 'default')
        """
        if environment is not None and environment not in self.environments:
            raise NotFound(
                "environment", environment, known=self.environments, where=self.label, fix="`environments` lists them"
            )
        values: dict[str, Any] = {}
        origins: dict[str, Origin] = {}
        for question in QUESTION_IDS:
            values[question], origins[question] = self._common(question, model)
        self._change(values, origins, model=model, environment=environment)
        return Effective(_tree(values), model, environment, MappingProxyType(origins), self._document)

    def resolve(self, path: str, environ: Mapping[str, str], *, environment: str | None = None) -> str | None:
        """An address of the canvas with `${NAME}` filled in; None where there is none.

        Raises:
            NotFound: no such question or part.
            BadInput: the environment lacks a name, or what it gives does not fit.
        """
        effective = self.effective(environment=environment)
        found = effective.get(path)
        if found is None:
            return None
        if not isinstance(found, Url):
            raise NotFound("address", path, where=self.label)
        return found.resolve(environ, where=effective.origin(path).where)

    def to_dict(self) -> dict[str, Any]:
        """The canvas as JSON can hold it, in the form of canvas.yaml; passwords in addresses are masked."""
        answers = self.answers.model_dump(mode="json", exclude_none=True, exclude_unset=True)
        return {
            "stackcanvas": VERSION,
            "project": self.project.model_dump(mode="json", exclude_none=True, exclude_unset=True),
            **{block: answers[block] for block in answers if answers[block]},
            "decisions": {question: decision.to_dict() for question, decision in self.decisions.items()},
            "models": {
                name: {question: paths.to_plain(question, answer) for question, answer in own.items()}
                for name, own in self.models.items()
            },
            "environments": {name: self._plain_environment(name) for name in self.environments},
        }

    def _plain_environment(self, name: str) -> dict[str, Any]:
        effective = self.effective(environment=name)
        changed = {}
        for path in self.environments[name]:
            question, keys = paths.split(path)
            plain = paths.to_plain(question, effective.get(question))
            for key in keys:
                plain = plain[key]
            changed[path] = plain
        return changed

    def __repr__(self) -> str:
        return f"Canvas({self.project.name!r}, {len(self.answered)} of {len(QUESTION_IDS)} questions answered)"

    def _common(self, question: str, model: str | None) -> tuple[Any, Origin]:
        override = self.models.get(model, {}).get(question) if model is not None else None
        if override is not None and model is not None:
            node, _ = node_at(self._document, ("models", model, question))
            return override, Origin("model", where(self.label, node), model)
        answer = self.get(question)
        if answer is not None:
            return answer, Origin("canvas", self.where(question))
        if question in DEFAULTS:
            return paths.default_of(question), Origin("default")
        return None, Origin("none")

    def _change(
        self, values: dict[str, Any], origins: dict[str, Origin], *, model: str | None, environment: str | None
    ) -> None:
        """Lay an environment over the answers."""
        changed: dict[str, object] = {}
        for path in self.environments.get(environment or "", ()):
            question, keys = paths.split(path)
            location = ("environments", environment or "", path)
            base = changed.get(question, self.plain_answer(question, model=model))
            changed[question] = paths.with_part(base, keys, value=paths.plain_of(self._document, location))
            node, _ = node_at(self._document, location)
            origins[path] = Origin("environment", where(self.label, node), environment)
        for question, plain in changed.items():
            values[question] = paths.read_answer(question, plain)

    def plain_answer(self, question: str, *, model: str | None = None) -> object:
        """An answer as YAML holds it: the model's own, else the common one, else the default; passwords unmasked."""
        found = None
        if model is not None and question.partition(".")[0] in PER_MODEL:
            found = paths.plain_of(self._document, ("models", model, question))
        if found is None:
            found = paths.plain_of(self._document, place_of(question))
        return DEFAULTS.get(question) if found is None else found


def _get(answers: Answers, path: str) -> Any:
    question, keys = paths.split(path)
    block, name = place_of(question)
    return paths.inside(getattr(getattr(answers, block), name), keys, path=path)


def _tree(values: Mapping[str, Any]) -> Answers:
    blocks: dict[str, dict[str, Any]] = {}
    for question, value in values.items():
        block, name = place_of(question)
        blocks.setdefault(block, {})[name] = value
    empty = Answers()
    return empty.model_copy(
        update={block: getattr(empty, block).model_copy(update=answers) for block, answers in blocks.items()}
    )

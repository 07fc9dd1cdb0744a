"""Every rule over the common answers, and again over those of each model and environment that differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stackcanvas.canvas import paths
from stackcanvas.canvas.answered import Canvas, Effective
from stackcanvas.canvas.check.finding import Finding, Place
from stackcanvas.canvas.check.rule import Clash, Rule
from stackcanvas.canvas.check.rules import RULES
from stackcanvas.canvas.said import HEADER, Said, short
from stackcanvas.errors import BadInput, BadInputs


def check(canvas: Canvas, *, rules: tuple[Rule, ...] = RULES) -> tuple[Finding, ...]:
    """What of a canvas contradicts itself, by its place in the file.

    Args:
        canvas: read and found right in form.
        rules: those that are asked.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> text = "{stackcanvas: 1, project: {name: demo}, data: {versioning: mandatory, version_method: {level: 0}}}"
        >>> [(finding.rule, finding.where) for finding in check(loads(text))]
        [('versioning-without-versions', 'canvas.yaml:1:60')]
    """
    found: dict[tuple[str, tuple[str, ...]], Finding] = {}
    for context in _contexts(canvas):
        for one in rules:
            if context.concerns(one):
                for clash in _ask(one, context):
                    finding = context.finding(one, clash)
                    # What already holds for everything is not said again for each model.
                    found.setdefault((one.id, tuple(place.where for place in finding.places)), finding)
    return tuple(sorted(found.values(), key=_order))


def require(canvas: Canvas) -> tuple[Finding, ...]:
    """Refuse a canvas that contradicts itself; gives the warnings of one that does not.

    Raises:
        BadInputs: the contradictions that are errors, all at once.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> require(loads("{stackcanvas: 1, project: {name: demo}, data: {versioning: mandatory}}"))
        ()
    """
    findings = check(canvas)
    errors = [
        BadInput(one.sentence.removesuffix(f". {one.mend}."), where=one.where, fix=one.mend)
        for one in findings
        if one.severity == "error"
    ]
    if errors:
        raise BadInputs(errors)
    return findings


def _ask(one: Rule, context: _Context) -> Iterator[Clash]:
    said = Said(context.effective, context.canvas.project, context.canvas.decisions, one.every)
    if all(said.get(path) is not None for path in one.reads):
        yield from one.find(said)


def _order(finding: Finding) -> tuple[int, int, str]:
    line, column = finding.where.split(":")[-2:]
    return int(line), int(column), finding.rule


@dataclass(frozen=True, slots=True)
class _Context:
    """The answers of one model in one environment, and which of them are its own."""

    canvas: Canvas
    effective: Effective
    changed: frozenset[str] | None

    def concerns(self, one: Rule) -> bool:
        """Whether a rule reads what is different here."""
        return self.changed is None or not self.changed.isdisjoint(one.every)

    def finding(self, one: Rule, clash: Clash) -> Finding:
        places = tuple(self._place(path) for path in clash.paths)
        of_model = self.effective.model if self._differs(clash, "model") else None
        environment = self.effective.environment if self._differs(clash, "environment") else None
        about = "".join(
            (f"for the model {of_model}, " if of_model else "", f"in {environment}, " if environment else "")
        )
        said = [
            f"{place.path} is {place.answer}" if place.answer else f"{place.path} has no answer" for place in places
        ]
        given = said[0] if len(said) == 1 else f"{' and '.join(said[:-1])}, but {said[-1]}"
        sentence = f"{about}{given}: {clash.why}. {clash.mend}."
        return Finding(
            one.id, one.severity, sentence, clash.why, clash.mend, places[0].where, places, of_model, environment
        )

    def _differs(self, clash: Clash, kind: str) -> bool:
        return any(self.effective.origin(path).kind == kind for path in clash.paths if not path.startswith(HEADER))

    def _place(self, path: str) -> Place:
        if path.startswith(f"{HEADER}."):
            answer, where = self.canvas.locate(*path.split("."))
            return Place(path, short(answer), where)
        origin = self.effective.origin(path)
        question = ".".join(path.split(".")[:2])
        if origin.where is None:
            # A part that was left out: its question was answered.
            origin = self.effective.origin(question)
        plain = _part(paths.to_plain(question, self.effective.get(question)), path.split(".")[2:])
        return Place(path, short(plain), origin.where or self.canvas.locate("decisions", question)[1])


def _contexts(canvas: Canvas) -> Iterator[_Context]:
    yield _Context(canvas, canvas.effective(), None)
    models: tuple[str | None, ...] = (None, *canvas.models)
    environments: tuple[str | None, ...] = (None, *canvas.environments)
    for model in models:
        for environment in environments:
            changed = {*canvas.models.get(model or "", ())}
            changed |= {".".join(path.split(".")[:2]) for path in canvas.environments.get(environment or "", ())}
            if changed:
                yield _Context(canvas, canvas.effective(model=model, environment=environment), frozenset(changed))


def _part(plain: Any, keys: list[str]) -> Any:
    for key in keys:
        if isinstance(plain, list) and key.isdecimal() and int(key) < len(plain):
            plain = plain[int(key)]
        else:
            plain = plain.get(key) if isinstance(plain, dict) else None
    return plain

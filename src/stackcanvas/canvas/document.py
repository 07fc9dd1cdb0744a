"""Reading canvas.yaml: every problem is found before the first is told, each with its line and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from stackcanvas.canvas import paths, problems, syntax
from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.answers import NAME
from stackcanvas.canvas.blocks import BLOCK_ANSWERS, DEFAULTS, PER_MODEL, QUESTION_IDS, Answers, key_of, place_of
from stackcanvas.canvas.places import key_at, node_at, where
from stackcanvas.canvas.project import VERSION, Decision, Project
from stackcanvas.canvas.shape import shape_of_model
from stackcanvas.canvas.syntax import Entry, Node
from stackcanvas.canvas.triggers import dangling
from stackcanvas.errors import BadInput, BadInputs, NotFound, Unavailable, nearest

_BLOCK_KEYS = tuple(key_of(block) for block in BLOCK_ANSWERS)
KEYS = ("stackcanvas", "project", *_BLOCK_KEYS, "decisions", "models", "environments")
"""The keys of a canvas, in the order in which they are written."""


def load(path: str | Path) -> Canvas:
    """Read and check a canvas file.

    Raises:
        BadInputs: what is wrong with it, all at once, each with `canvas.yaml:LINE:COLUMN`.
        NotFound: there is no such file.
        Unavailable: the file cannot be read.
    """
    file = Path(path)
    text = read_text(file)
    return loads(text, label=file.name, path=file)


def loads(text: str | bytes, *, label: str = "canvas.yaml", path: Path | None = None) -> Canvas:
    """Check the text of a canvas.

    Args:
        text: YAML; bytes are UTF-8.
        label: what errors call it.
        path: the file it comes from.

    Raises:
        BadInputs: what is wrong with it, all at once.

    Example:
        >>> try:
        ...     loads("{stackcanvas: 1, project: {name: demo}, deployment: {format: onxx}}")
        ... except BadInputs as error:
        ...     print(error.errors[0].where, error.errors[0].fix)
        canvas.yaml:1:62 Perhaps you meant onnx
    """
    found: list[BadInput] = []
    try:
        root = syntax.read(decode(text, label=label), label=label, problems=found)
    except BadInput as error:
        raise BadInputs(_in_order([*found, error])) from None
    reading = _Reading(label, _mapping_root(root, label=label), found)
    canvas = reading.canvas(path)
    if found or canvas is None:
        raise BadInputs(_in_order(found))
    return canvas


def read_text(file: Path) -> bytes:
    """The bytes of a canvas file.

    Raises:
        NotFound: there is no such file.
        Unavailable: it cannot be read.
        BadInputs: it is far larger than a canvas can be.
    """
    try:
        if file.stat().st_size > 4 * syntax.LARGEST_BYTES:
            raise BadInputs([BadInput("the file is too large for a canvas", where=file.name, expected="at most 1 MB")])
        return file.read_bytes()
    except FileNotFoundError:
        raise NotFound("canvas", str(file), fix="Make a project with `stackcanvas init NAME`") from None
    except OSError as error:
        raise Unavailable(f"the canvas cannot be read ({error.strerror})", where=str(file)) from None


def decode(text: str | bytes, *, label: str) -> str:
    """Text without a byte order mark.

    Raises:
        BadInput: the bytes are not UTF-8.
    """
    if isinstance(text, bytes):
        raw = text
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            before = raw[: error.start]
            line = before.count(b"\n") + 1
            column = len(before.rsplit(b"\n", 1)[-1].decode("utf-8", "replace")) + 1
            raise BadInput(
                "the file is not UTF-8 from here on", where=f"{label}:{line}:{column}", expected="text saved as UTF-8"
            ) from None
    return text.removeprefix("\ufeff")


def _mapping_root(root: Node | None, *, label: str) -> Node:
    expected = "at least `stackcanvas: 1` and `project: {name: ...}`"
    if root is None:
        raise BadInputs([BadInput("the canvas is empty", where=f"{label}:1:1", expected=expected)])
    if not isinstance(root.value, dict):
        kind = "a list" if isinstance(root.value, list) else "a single value"
        raise BadInputs([BadInput(f"the canvas is {kind}", where=where(label, root), expected=expected)])
    version = root.value.get("stackcanvas")
    if version is None:
        # Without its version nothing says how the rest is to be read.
        error = BadInput("the key stackcanvas is missing", where=where(label, root), expected=f"stackcanvas: {VERSION}")
        raise BadInputs([error])
    said = version.node.value
    if said != VERSION or isinstance(said, bool | float):
        newer = isinstance(said, int) and not isinstance(said, bool) and said > VERSION
        raise BadInputs(
            [
                BadInput(
                    "the canvas is of a newer format than this stackcanvas knows"
                    if newer
                    else "the version of the format is unknown",
                    where=where(label, version.node),
                    expected=f"stackcanvas: {VERSION}",
                    fix="Run: pip install --upgrade stackcanvas" if newer else None,
                )
            ]
        )
    return root


def _in_order(found: list[BadInput]) -> list[BadInput]:
    """By line and column, each sentence once."""
    unique = {error.sentence(): error for error in found}

    def place(error: BadInput) -> tuple[int, int]:
        numbers = [int(part) for part in (error.where or "").split(":")[-2:] if part.isdigit()]
        return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)

    return sorted(unique.values(), key=place)


@dataclass(slots=True)
class _Reading:
    """One pass over a document; what is wrong is added to `found`."""

    label: str
    root: Node
    found: list[BadInput]

    def canvas(self, path: Path | None) -> Canvas | None:
        project: BaseModel | None = None
        for key, entry in self.root.value.items():
            if key not in KEYS:
                self.found.append(problems.unknown_key(key, known=KEYS, where=where(self.label, entry.key)))
        if "project" not in self.root.value:
            expected = "project: {name: ...}"
            self.found.append(
                BadInput("the key project is missing", where=where(self.label, self.root), expected=expected)
            )
        elif isinstance(self.root.value["project"].node.value, dict | None):
            project = self._validate(Project, self._section("project"), ("project",))
        else:
            self._section("project")
        sections = {key: self._section(key) for key in _BLOCK_KEYS}
        answers = self._validate(Answers, {key: given for key, given in sections.items() if given}, ())
        decisions = self._decisions()
        models = self._models()
        environments = self._environments()
        if self.found or not isinstance(project, Project) or not isinstance(answers, Answers):
            return None
        canvas = Canvas(
            self.label,
            path,
            project,
            answers,
            MappingProxyType(decisions),
            MappingProxyType(models),
            MappingProxyType(environments),
            self.root,
        )
        self.found += dangling(canvas)
        return canvas

    def _section(self, key: str) -> Mapping[str, Any]:
        """A section as plain data; one that is empty or no mapping has nothing to validate."""
        node, exact = node_at(self.root, (key,))
        if not exact or node.value is None:
            return {}
        if not isinstance(node.value, dict):
            self._wrong(node, f"a mapping under {key}")
            return {}
        given = node.plain()
        return given if isinstance(given, Mapping) else {}

    def _validate(self, model: type[BaseModel], plain: object, start: problems.Location) -> BaseModel | None:
        try:
            return model.model_validate(plain)
        except ValidationError as error:
            self.found += problems.sentences(error, shape=shape_of_model(model), place=self._placed(start))
            return None

    def _placed(self, start: problems.Location) -> problems.Place:
        def place(location: problems.Location, key: bool) -> str:
            whole = (*start, *location)
            return where(self.label, key_at(self.root, whole) if key else node_at(self.root, whole)[0])

        return place

    def _decisions(self) -> dict[str, Decision]:
        decisions: dict[str, Decision] = {}
        for question, entry in self._entries("decisions"):
            if self._known(question, entry.key, QUESTION_IDS, "question"):
                plain = {} if entry.node.value is None else entry.node.plain()
                decision = self._validate(Decision, plain, ("decisions", question))
                if isinstance(decision, Decision):
                    decisions[question] = decision
        return decisions

    def _models(self) -> dict[str, Mapping[str, Any]]:
        changeable = tuple(question for question in QUESTION_IDS if question.partition(".")[0] in PER_MODEL)
        models: dict[str, Mapping[str, Any]] = {}
        for name, questions in self._named("models"):
            answers: dict[str, Any] = {}
            for question, entry in questions:
                if question in QUESTION_IDS and question not in changeable:
                    self.found.append(
                        BadInput(
                            f"the answer of {question} is the same for all models",
                            where=where(self.label, entry.key),
                            expected=f"a question of {', '.join(PER_MODEL)}",
                        )
                    )
                elif self._known(question, entry.key, changeable, "question"):
                    plain = entry.node.plain()
                    if not self._answer_errors(question, plain, ("models", name, question)):
                        answers[question] = paths.read_answer(question, plain)
            models[name] = MappingProxyType(answers)
        return models

    def _environments(self) -> dict[str, tuple[str, ...]]:
        environments: dict[str, tuple[str, ...]] = {}
        overridden = [name for name, _ in self._named("models", quiet=True)]
        for name, changes in self._named("environments"):
            known = [(path, entry) for path, entry in changes if self._changeable(path, entry.key)]
            for path, entry in known:
                for model in (None, *overridden):
                    if self._environment_errors(path, entry, name=name, model=model):
                        break
            # What changes a whole answer comes before what changes a part of it.
            environments[name] = tuple(sorted((path for path, _ in known), key=lambda path: path.count(".")))
        return environments

    def _environment_errors(self, path: str, entry: Entry, *, name: str, model: str | None) -> bool:
        question, keys = paths.split(path)
        own = paths.plain_of(self.root, ("models", model, question)) if model is not None else None
        if model is not None and own is None:
            return False
        base = own if own is not None else paths.plain_of(self.root, place_of(question))
        if keys and base is not None and paths.errors_of(question, base):
            # The answer itself is wrong, and said so already.
            return True
        base = DEFAULTS.get(question) if base is None else base
        plain = paths.with_part(base, keys, value=entry.node.plain())
        return self._answer_errors(question, plain, ("environments", name, path), skip=len(keys))

    def _answer_errors(self, question: str, plain: object, start: problems.Location, *, skip: int = 0) -> bool:
        error = paths.errors_of(question, plain)
        if error is None:
            return False
        place = self._placed(start)
        cut = 2 + skip
        self.found += problems.sentences(
            error, shape=shape_of_model(Answers), place=lambda location, key: place(location[cut:], key)
        )
        return True

    def _changeable(self, path: str, key: Node) -> bool:
        known = paths.environment_paths()
        question = ".".join(path.split(".")[:2])
        if path not in known and question in QUESTION_IDS:
            parts = [one for one in known if one.startswith(f"{question}.")]
            self.found.append(
                BadInput(
                    f"an environment cannot change {path[:80]}",
                    where=where(self.label, key),
                    expected=f"one of {', '.join(parts)}" if parts else "addresses, replicas and policies only",
                )
            )
            return False
        return self._known(path, key, known, "question")

    def _named(self, section: str, *, quiet: bool = False) -> Iterator[tuple[str, list[tuple[str, Entry]]]]:
        """The mappings by name of `models` or `environments`."""
        for name, entry in self._entries(section, quiet=quiet):
            if (not name.strip() or any(mark in name for mark in ":@/")) and not quiet:
                self.found.append(
                    BadInput(
                        f"the name {name[:60]!r} cannot be used",
                        where=where(self.label, entry.key),
                        expected=NAME.expected,
                    )
                )
            if isinstance(entry.node.value, dict):
                yield name, list(entry.node.value.items())
            elif entry.node.value is not None and not quiet:
                self._wrong(entry.node, "a mapping of questions and answers")
            else:
                yield name, []

    def _entries(self, section: str, *, quiet: bool = False) -> list[tuple[str, Entry]]:
        node, exact = node_at(self.root, (section,))
        if not exact or node.value is None:
            return []
        if not isinstance(node.value, dict):
            if not quiet:
                self._wrong(node, f"a mapping under {section}")
            return []
        return list(node.value.items())

    def _known(self, word: str, key: Node, known: tuple[str, ...], what: str) -> bool:
        if word in known:
            return True
        near = nearest(word, known)
        self.found.append(
            BadInput(
                f"there is no {what} {word[:80]!r}",
                where=where(self.label, key),
                expected=f"the id of a {what}, such as {known[0]}",
                fix=f"Perhaps you meant {near}" if near else None,
            )
        )
        return False

    def _wrong(self, node: Node, expected: str) -> None:
        self.found.append(problems.wrong_value(node.value, where=where(self.label, node), expected=expected))

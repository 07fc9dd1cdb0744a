"""Writing answers and decisions into canvas.yaml by question id; every other byte of the file stays as it was.

Changes are made to the text, the changed text is read and checked as a whole, and only then the file is replaced in
one step: a reader sees the old canvas or the new one, and a change that would make the canvas wrong is refused.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stackcanvas.canvas import paths, splice
from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.blocks import BLOCK_ANSWERS, PER_MODEL, QUESTION_IDS, key_of, place_of
from stackcanvas.canvas.document import KEYS, decode, loads, read_text
from stackcanvas.errors import BadInput, Conflict, NotFound, Unavailable

_ORDER: Mapping[splice.Keys, Sequence[str]] = {
    (): KEYS,
    ("decisions",): QUESTION_IDS,
    **{(key_of(block),): tuple(answers.model_fields) for block, answers in BLOCK_ANSWERS.items()},
}


@dataclass(frozen=True, slots=True)
class Change:
    """One place of the canvas, and what is to stand there.

    Made by `answer`, `unanswer`, `decide`, `undecide` and `describe`.

    Attributes:
        keys: from the root of the document.
        value: plain data, as YAML holds it.
        gone: the place is to be removed instead.
    """

    keys: tuple[str, ...]
    value: object = None
    gone: bool = False


def answer(question: str, value: object, *, model: str | None = None, environment: str | None = None) -> Change:
    r"""Answer a question, for everything or for one model; or change what an environment may change.

    Args:
        question: its id; with `environment`, or without `model`, also a part of an answer: `data.storage.objects`.
        value: plain data as YAML holds it: `"7d"`, `{"kind": "canary"}`.
        model: only for this model.
        environment: only in this environment.

    Raises:
        NotFound: no such question.
        BadInput: a model or environment cannot change it.

    Example:
        >>> text = "stackcanvas: 1\nproject: {name: demo}  # ours\n"
        >>> print(apply(text, [answer("data.versioning", "mandatory")]), end="")
        stackcanvas: 1
        project: {name: demo}  # ours
        <BLANKLINE>
        data:
          versioning: mandatory
    """
    return Change(_keys(question, model=model, environment=environment), value)


def unanswer(question: str, *, model: str | None = None, environment: str | None = None) -> Change:
    """Take an answer back.

    Raises:
        NotFound: no such question.
        BadInput: a model or environment cannot change it.
    """
    return Change(_keys(question, model=model, environment=environment), gone=True)


def decide(
    question: str,
    *,
    why: str | None = None,
    owner: str | None = None,
    decided: str | None = None,
    status: str | None = None,
) -> list[Change]:
    """Say why a question is answered as it is; what is left out stays as it was.

    Args:
        question: its id.
        why: the reason.
        owner: who decided.
        decided: when, as `2026-11-23`.
        status: `open`, `decided` or `not applicable`.

    Raises:
        NotFound: no such question.
    """
    _whole(question)
    given = {"why": why, "owner": owner, "decided": decided, "status": status}
    return [Change(("decisions", question, key), value) for key, value in given.items() if value is not None]


def undecide(question: str) -> Change:
    """Remove what `decisions` says of a question.

    Raises:
        NotFound: no such question.
    """
    _whole(question)
    return Change(("decisions", question), gone=True)


def describe(key: str, value: object) -> Change:
    r"""Change the header: `project`.

    Args:
        key: `name`, `team`, ... or a part: `maturity.now`.
        value: plain data as YAML holds it.

    Example:
        >>> print(apply("stackcanvas: 1\nproject: {name: demo}\n", [describe("currency", "USD")]), end="")
        stackcanvas: 1
        project: {name: demo, currency: USD}
    """
    return Change(("project", *key.split(".")), value)


def apply(text: str, changes: Sequence[Change]) -> str:
    """The text of a canvas with changes made; it is not checked whether they are right.

    Raises:
        BadInput: the text is not YAML, or a place cannot be changed without changing another.
    """
    every_line_ends_crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
    changed = text.replace("\r\n", "\n") if every_line_ends_crlf else text
    for change in changes:
        if change.gone:
            changed = splice.drop(changed, change.keys)
        else:
            changed = splice.put(changed, change.keys, change.value, order=_ORDER)
    return changed.replace("\n", "\r\n") if every_line_ends_crlf else changed


def write(path: str | Path, changes: Sequence[Change], *, digest: str | None = None) -> Canvas:
    """Make changes in a canvas file, all or none, and give the canvas that results.

    Args:
        path: the file.
        changes: made in order, as one.
        digest: of the canvas that the changes were thought for; refused when the file says something else by now.

    Raises:
        BadInputs: the canvas is wrong, or would be; the file is as it was.
        Conflict: the file says something else than `digest`.
        NotFound: there is no such file.
        Unavailable: the file cannot be read or written.
    """
    file = Path(path).resolve()
    with _alone(file):
        raw = read_text(file)
        text = decode(raw, label=file.name)
        mark = "\ufeff" if raw.startswith(b"\xef\xbb\xbf") else ""
        if digest is not None and loads(text, label=file.name).digest != digest:
            raise Conflict(
                "the canvas has changed since it was read", where=file.name, fix="Read it again and repeat the change"
            )
        changed = apply(text, changes)
        canvas = loads(changed, label=file.name, path=file)
        if changed != text:
            _replace(file, (mark + changed).encode("utf-8"))
    return canvas


def _keys(question: str, *, model: str | None, environment: str | None) -> tuple[str, ...]:
    identity, inner = paths.split(question)
    if model is not None and environment is not None:
        raise BadInput("an answer is for a model or for an environment", expected="one of them")
    if environment is not None:
        if question not in paths.environment_paths():
            raise BadInput(f"an environment cannot change {question}", expected="addresses, replicas and policies only")
        return ("environments", environment, question)
    if model is not None:
        if identity.partition(".")[0] not in PER_MODEL:
            raise BadInput(
                f"the answer of {identity} is the same for all models",
                expected=f"a question of {', '.join(PER_MODEL)}",
            )
        return ("models", model, identity, *inner)
    return (*place_of(identity), *inner)


def _whole(question: str) -> None:
    if question not in QUESTION_IDS:
        raise NotFound("question", question, known=QUESTION_IDS)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold off other writers of the same file on this machine, where the system can."""
    lock = _lock_function()
    if lock is None:
        yield
        return
    while True:
        try:
            handle = os.open(file, os.O_RDONLY)
        except FileNotFoundError:
            raise NotFound("canvas", str(file), fix="Make a project with `stackcanvas init NAME`") from None
        except OSError as error:
            raise Unavailable(f"the canvas cannot be read ({error.strerror})", where=str(file)) from None
        try:
            lock(handle)
            # Another writer may have put a new file in its place while this one waited.
            if os.fstat(handle).st_ino == file.stat().st_ino:
                yield
                return
        finally:
            os.close(handle)


def _lock_function() -> Callable[[int], None] | None:
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        return None
    return lambda handle: fcntl.flock(handle, fcntl.LOCK_EX)


def _replace(file: Path, content: bytes) -> None:
    """Put new content in the place of a file in one step that survives a power loss; its mode stays."""
    temporary = None
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(temporary, file)  # noqa: PTH105 - `temporary` is a name
        temporary = None
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Unavailable(f"the canvas cannot be written ({error.strerror})", where=str(file)) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)

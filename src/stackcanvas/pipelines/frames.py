"""The user's part of a traceback: what failed in their code, without ours around it."""

from __future__ import annotations

import linecache
import sys
import sysconfig
import traceback
from pathlib import Path
from types import FrameType

from stackcanvas.errors import StackCanvasError

_OURS = str(Path(__file__).resolve().parent.parent)
_STANDARD = sysconfig.get_path("stdlib")
_LIBRARIES = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
_LONGEST = 64 << 10
_PACKAGES = ("/site-packages/", "/dist-packages/")


def is_users(filename: str) -> bool:
    """Whether a file is the user's own: neither ours, nor an installed package, nor of the standard library."""
    return not _is_ours(filename) and not _is_library(filename)


def caller() -> str | None:
    """`file:line` of the nearest frame that is not ours."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller
    while frame is not None:
        if not _is_ours(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return None


def place(error: BaseException, *, root: Path | None = None) -> str | None:
    """`file:line` of the user's innermost frame; for a syntax error, the place of the error itself."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        column = f":{error.offset}" if error.offset else ""
        return f"{_short(error.filename, root)}:{error.lineno}{column}"
    kept = _kept(traceback.extract_tb(error.__traceback__), root)
    return f"{_short(kept[-1].filename, root)}:{kept[-1].lineno}" if kept else None


def said(error: BaseException) -> str:
    """The error as one sentence: our own say it themselves, others with their type before it."""
    if isinstance(error, StackCanvasError):
        return error.sentence()
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the user's own class decides what it says, and may fail at that
        return f"{name}, whose message cannot be read"
    return f"{name}: {text}" if text else name


def storable(text: str, *, end: bool = True) -> str:
    """A text as a database can hold it: what users raise and print may hold any character, and be of any length.

    Args:
        end: whether the end of a long text is kept, or its beginning.

    Example:
        >>> storable("no NUL: " + chr(0)) == "no NUL: " + chr(92) + "x00"
        True
    """
    kept = text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")
    if len(kept) <= _LONGEST:
        return kept
    return f"[the beginning is left out]\n{kept[-_LONGEST:]}" if end else f"{kept[:_LONGEST]}..."


def user_traceback(error: BaseException, *, root: Path | None = None) -> str:
    """The traceback of an error and its causes with the user's frames only, then what was raised.

    Args:
        error: what was raised, with its traceback.
        root: the project's folder; frames inside it are the user's. Without any such frame all are kept that are not
            ours and not a library's.
    """
    linecache.checkcache()
    summary = traceback.TracebackException.from_exception(error)
    pending = [summary]
    while pending:
        one = pending.pop()
        one.stack = traceback.StackSummary.from_list(_kept(one.stack, root))
        pending += [other for other in (one.__cause__, one.__context__) if other is not None]
    return "".join(summary.format()).rstrip("\n")


def user_stack(stack: traceback.StackSummary) -> str:
    """Where a thread stands, in the user's frames only."""
    return "".join(traceback.StackSummary.from_list(_kept(stack, None)).format()).rstrip("\n")


def _kept(stack: traceback.StackSummary, root: Path | None) -> list[traceback.FrameSummary]:
    mine = [frame for frame in stack if root is not None and _is_inside(frame.filename, str(root))]
    return mine or [frame for frame in stack if is_users(frame.filename)]


def _is_inside(filename: str, folder: str) -> bool:
    # A virtual environment inside the project holds libraries, not the user's code.
    return filename.startswith(f"{folder}/") and is_users(filename)


def _is_ours(filename: str) -> bool:
    return filename.startswith(f"{_OURS}/")


def _is_library(filename: str) -> bool:
    standard = filename.startswith((f"{_STANDARD}/", "<frozen "))
    return standard or filename.startswith(_LIBRARIES) or any(part in filename for part in _PACKAGES)


def _short(filename: str, root: Path | None) -> str:
    if root is not None and filename.startswith(f"{root}/"):
        return filename[len(str(root)) + 1 :]
    return filename

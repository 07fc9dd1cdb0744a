"""The one place where errors become sentences and exit codes, for commands and for server processes."""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from collections.abc import Callable

import click

from stackcanvas.errors import NotFound, StackCanvasError, Unavailable, Usage

DEBUG = "STACKCANVAS_DEBUG"


def to_exit_code(work: Callable[[], int], *, as_json: bool = False) -> int:
    """Do the work and give its exit code; whatever it raises is said on stderr and becomes a code.

    Args:
        work: gives its own exit code when all is well.
        as_json: say errors as one line of JSON.

    Example:
        >>> to_exit_code(lambda: 0)
        0
    """
    try:
        return work()
    except BrokenPipeError:
        # The reader has gone (`| head`): a success, and nothing more may be written when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a sentence
        return _report(translate(error), as_json=as_json)


def translate(error: Exception) -> StackCanvasError:
    """Any exception as an error with a sentence and an exit code."""
    if isinstance(error, StackCanvasError):
        return error
    if isinstance(error, click.ClickException):
        return _from_click(error)
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        return _from_system(error)
    said = f"{type(error).__name__}: {error}".strip().rstrip(".:").replace("\n", " ")
    return StackCanvasError(
        f"Something went wrong inside stackcanvas ({said})",
        fix=f"To see where, run it again with {DEBUG}=1 and report what it prints",
    )


def _report(error: StackCanvasError, *, as_json: bool) -> int:
    if os.environ.get(DEBUG):
        traceback.print_exc()
    if as_json:
        click.echo(json.dumps(error.to_dict() | {"exit_code": error.exit_code}), err=True)
    else:
        click.echo(click.style(error.sentence(), fg="red"), err=True)
    return error.exit_code


def _from_click(error: click.ClickException) -> StackCanvasError:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"See: {context.command_path} --help" if context else None
    return Usage(error.format_message().rstrip(".?").replace("\n", " "), fix=hint)


_SYSTEM = {
    errno.ENOENT: "the file or folder is not there",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "the system does not allow it",
    errno.EPERM: "the system does not allow it",
    errno.EROFS: "the file system is read-only",
}


def _from_system(error: OSError) -> StackCanvasError:
    where = str(error.filename) if error.filename else None
    if error.errno == errno.ENOENT and where:
        return NotFound("file or folder", where)
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    fix = "Free some space and run the command again; what was recorded before is whole" if full else None
    what = _SYSTEM[error.errno or 0]
    return Unavailable(what if where else what.capitalize(), where=where, fix=fix)

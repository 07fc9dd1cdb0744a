"""One call of a named function, the same in this process and in a worker."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from functools import reduce

from stackcanvas.backends.executor.base import TaskFailed
from stackcanvas.errors import BadInput, StackCanvasError


def check_name(function: str) -> tuple[str, str]:
    """Module and qualified name of `module:qualname`.

    Example:
        >>> check_name("os.path:join")
        ('os.path', 'join')
    """
    module, _, qualname = function.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *qualname.split("."))):
        raise BadInput(f"{function!r} names no function", expected="module:qualname, such as steps:fit")
    return module, qualname


def call(function: str, args: tuple[object, ...]) -> object:
    """What the function returns.

    Raises:
        BadInput: the function cannot be found.
        TaskFailed: it raised something that is not one of our errors.
    """
    found = _find(function)
    try:
        return found(*args)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a user's sys.exit must not end a worker
        raise failure(function, error) from None


def failure(function: str, error: BaseException) -> StackCanvasError:
    """What a function raised as an error that every process can read."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    if isinstance(error, StackCanvasError):
        error.add_note(text)
        return error.with_traceback(None)
    kind = type(error).__qualname__
    if type(error).__module__ not in {"builtins", "__main__"}:
        kind = f"{type(error).__module__}.{kind}"
    return TaskFailed(function, kind=kind, said=str(error), traceback=text)


def _find(function: str) -> Callable[..., object]:
    module, qualname = check_name(function)
    try:
        found: object = reduce(getattr, qualname.split("."), importlib.import_module(module))
    except ModuleNotFoundError as error:
        raise BadInput(f"the module of {function!r} cannot be found: {error}") from error
    except AttributeError as error:
        raise BadInput(f"there is no {qualname!r} in the module {module!r}") from error
    except BaseException as error:  # noqa: BLE001 - the user's module raised while it was imported
        raise failure(function, error) from None
    if not callable(found):
        raise BadInput(f"{function!r} is no function but {type(found).__name__}")
    return found

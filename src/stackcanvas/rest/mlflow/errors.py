"""Errors as MLflow's clients read them: `{"error_code", "message"}`, with the status of each code."""

from __future__ import annotations

from stackcanvas.errors import BadInput, Conflict, Corrupt, NotFound, Refused, StackCanvasError, Unavailable, Usage

STATUSES = {
    "INVALID_PARAMETER_VALUE": 400,
    "BAD_REQUEST": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "NOT_FOUND": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "RESOURCE_CONFLICT": 409,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "INTERNAL_ERROR": 500,
    "INVALID_STATE": 500,
    "DATA_LOSS": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

# The first that fits: what a canvas refuses is a wrong value to a client, which knows no gates.
_CODES: dict[type[StackCanvasError], str] = {
    BadInput: "INVALID_PARAMETER_VALUE",
    Usage: "INVALID_PARAMETER_VALUE",
    Refused: "INVALID_PARAMETER_VALUE",
    Conflict: "INVALID_PARAMETER_VALUE",
    NotFound: "RESOURCE_DOES_NOT_EXIST",
    Unavailable: "TEMPORARILY_UNAVAILABLE",
    Corrupt: "DATA_LOSS",
}

_ABSENT = {
    "run": "Run with id={} not found",
    "experiment": "No Experiment with id={} exists",
    "model": "Registered Model with name={} not found",
    "logged model with ID": "Logged model with ID '{}' not found.",
}


SEE = "See the API docs for more information about request parameters."


class MlflowError(StackCanvasError):
    """An error with one of MLflow's codes.

    Args:
        code: one of `STATUSES`.

    Example:
        >>> error = MlflowError("RESOURCE_ALREADY_EXISTS", "there is an experiment 'churn' already")
        >>> error.status, str(error)
        (400, "there is an experiment 'churn' already.")
    """

    def __init__(self, code: str, what: str, *, expected: str | None = None, fix: str | None = None) -> None:
        self.code = code
        self.status = STATUSES[code]
        super().__init__(what, expected=expected, fix=fix)


def invalid(what: str, *, expected: str | None = None) -> MlflowError:
    """A value that cannot be used."""
    return MlflowError("INVALID_PARAMETER_VALUE", what, expected=expected)


def missing(parameter: str) -> MlflowError:
    """A value that must be given and is not."""
    return invalid(f"Missing value for required parameter '{parameter}'. {SEE}")


def taken(what: str) -> MlflowError:
    """A name that is used already."""
    return MlflowError("RESOURCE_ALREADY_EXISTS", what)


def absent(what: str) -> MlflowError:
    """A thing that does not exist."""
    return MlflowError("RESOURCE_DOES_NOT_EXIST", what)


def told(error: StackCanvasError) -> tuple[int, dict[str, str]]:
    """The status and the body that tell an error, in the words that programs look for where there are such.

    Example:
        >>> told(NotFound("run", "beef"))
        (404, {'error_code': 'RESOURCE_DOES_NOT_EXIST', 'message': 'Run with id=beef not found'})
    """
    if isinstance(error, MlflowError):
        code = error.code
    else:
        code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "INTERNAL_ERROR")
    words = _ABSENT.get(error.kind) if isinstance(error, NotFound) else None
    # Some texts of the clients' own server end with a full stop, and programs look for all of a text.
    if words and isinstance(error, NotFound):
        said = words.format(error.name)
    elif isinstance(error, MlflowError | NotFound):
        said = error.sentence().removesuffix(".")
    else:
        said = error.sentence()
    return STATUSES[code], {"error_code": code, "message": said}

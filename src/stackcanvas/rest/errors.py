"""Every error of a route in one envelope, `{"error": sentence, "kind": ...}`, with the status it carries."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from stackcanvas.errors import StackCanvasError


class Failure(BaseModel):
    """What is wrong, where, what was expected and what mends it, where each is known."""

    error: str = Field(description="The whole sentence.")
    kind: str | None = Field(default=None, description="Such as BadInput or NotFound.")
    what: str | None = None
    where: str | None = None
    expected: str | None = None
    fix: str | None = None
    errors: list[Failure] | None = Field(default=None, description="Each problem, where there are several.")


_REFERENCE = {"application/json": {"schema": {"$ref": f"#/components/schemas/{Failure.__name__}"}}}
FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request cannot be answered, and the sentence says why.", "content": _REFERENCE},
    "5XX": {"description": "Something that the answer needs is away or broken.", "content": _REFERENCE},
}
"""What every route may answer beside its own; to work the model out for each takes long, so they refer to one."""

DEFINED: dict[int | str, dict[str, Any]] = {
    code: {"model": Failure, "description": told["description"]} for code, told in FAILURES.items()
}
"""The same with the model itself, for the one route from which a schema takes it."""


def install_errors(app: FastAPI) -> None:
    """Make an application answer all errors in the envelope."""
    app.add_exception_handler(StackCanvasError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StackCanvasError)
    return JSONResponse(error.to_dict(), status_code=error.status)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    said = [
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"
        for problem in error.errors()
    ]
    return JSONResponse({"error": "\n".join(said), "kind": "BadInput"}, status_code=422)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    said = f"There is nothing at {request.url.path}." if error.status_code == 404 else str(error.detail)
    return JSONResponse({"error": said}, status_code=error.status_code, headers=error.headers)


def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    # The server logs it with its traceback by itself.
    said = f"Something went wrong inside stackcanvas ({type(error).__name__}). The server's log says where."
    return JSONResponse({"error": said, "kind": "StackCanvasError"}, status_code=500)

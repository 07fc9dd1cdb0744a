"""Where files lie: a location that a client named, or the stack's own place."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from stackcanvas.errors import BadInput

SERVED = "mlflow-artifacts:"
"""What clients are told before a place that the stack keeps and the server gives out."""


def below(location: str, *parts: str) -> str:
    """A place below a location; what stands behind its `?` stays at the end.

    Raises:
        BadInput: the location cannot be read.

    Example:
        >>> below("s3://bucket/root/?region=eu", "0", "artifacts")
        's3://bucket/root/0/artifacts?region=eu'
    """
    try:
        address = urlsplit(location)
    except ValueError as error:
        raise BadInput(f"{location:.300} is no address where files could lie: {error}") from None
    path = "/".join((address.path.rstrip("/"), *parts))
    if not address.scheme and not address.netloc:
        return path
    return urlunsplit(address._replace(path=path))


def own_run_place(run_id: str) -> str:
    """Where the stack itself keeps the files of a run, in the object store."""
    return f"runs/{run_id}/artifacts"


def own_model_place(model_id: str) -> str:
    """Where the stack itself keeps the files of a logged model, in the object store."""
    return f"logged_models/{model_id}/artifacts"

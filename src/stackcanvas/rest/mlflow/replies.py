"""Sending what is answered."""

from __future__ import annotations

from starlette.types import Send

from stackcanvas.errors import StackCanvasError
from stackcanvas.rest.mlflow.answers import Answer, encode
from stackcanvas.rest.mlflow.errors import told


def failed(error: StackCanvasError) -> Answer:
    """The answer that tells an error."""
    status, said = told(error)
    return Answer(encode(said), status=status)


async def reply(send: Send, answer: Answer) -> None:
    """Send an answer."""
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})

"""Asking the prediction server of a project, for those who have records and no client."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stackcanvas.errors import BadInput, NotFound, Refused, StackCanvasError, Unavailable
from stackcanvas.stack.root import TOKEN
from stackcanvas.stack.running import connection_to, process

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_PATIENCE_S = 60.0
_KINDS: dict[int, type[StackCanvasError]] = {400: BadInput, 413: BadInput, 503: Unavailable}


def ask(stack: Stack, endpoint: str, records: Sequence[object]) -> list[dict[str, Any]]:
    """Have records predicted at an endpoint; one answer for each.

    Raises:
        Unavailable: no prediction server of this project runs, or it cannot answer now, or not for this endpoint yet.
        NotFound: there is no such endpoint.
        BadInput: the records do not fit the model.
        Refused: the stack is that of another machine.
    """
    if stack.is_served:
        raise Refused(
            "the prediction server answers its own machine only, and this stack is that of another",
            fix="Ask it there, or through a proxy beside it",
        )
    found = process(stack.folder, "predict")
    if found is None or not found.alive or found.host is None or found.port is None:
        raise Unavailable("the prediction server of this project does not run", fix="Start it with: stackcanvas up")
    connection = connection_to(found, patience_s=_PATIENCE_S)
    # One that other machines reach asks this one for a token, too.
    token = os.environ.get(TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    inside = "" if stack.workspace is None else f"/w/{stack.workspace}"
    body = json.dumps({"records": list(records)})
    try:
        connection.request("POST", f"{inside}/v1/predict/{quote(endpoint, safe='')}", body, headers)
        answer = connection.getresponse()
        content = json.loads(answer.read())
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(f"the prediction server gives no answer: {error}", where=str(found.url)) from error
    finally:
        connection.close()
    if answer.status == 404:
        known = [route.endpoint for route in stack.serving.routes()]
        if endpoint in known:
            raise Unavailable(
                f"{endpoint} is deployed, and not served yet", fix="Look at: stackcanvas predictions status"
            )
        raise NotFound("endpoint", endpoint, known=known)
    if answer.status in {401, 403}:
        raise Refused(str(content["error"]).rstrip("."), fix=None if token else f"Set {TOKEN}")
    if answer.status != 200:
        raise _KINDS.get(answer.status, StackCanvasError)(str(content["error"]).rstrip("."))
    predictions: list[dict[str, Any]] = content["predictions"]
    return predictions

"""`/w/NAME` before any route: says which workspace a request is for, before anything else looks at it."""

from __future__ import annotations

import json
from urllib.parse import quote, unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from stackcanvas.errors import BadInput
from stackcanvas.stack.workspaces import check_name

_BEFORE = "/w"


class Prefix:
    """Takes `/w/NAME` off the routes and puts it before the links of pages.

    The path stays whole and `root_path` says how much of it is the workspace, as ASGI has it for an application below a
    path. The project's own name leads to the project itself.

    Args:
        app: the application behind.
        project: the project's own name.
    """

    def __init__(self, app: ASGIApp, *, project: str) -> None:
        self._app = app
        self._project = project

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that this can be no workspace."""
        path: str = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(f"{_BEFORE}/"):
            await self._app(scope, receive, send)
            return
        name = path.removeprefix(f"{_BEFORE}/").partition("/")[0]
        try:
            own = name == self._project
            if not own:
                check_name(name)
            _check_as_sent(scope, f"{_BEFORE}/{name}")
        except BadInput as error:
            body = json.dumps({**error.to_dict(), "error_code": "INVALID_PARAMETER_VALUE", "message": str(error)})
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body.encode())).encode())]
            await send({"type": "http.response.start", "status": error.status, "headers": headers})
            await send({"type": "http.response.body", "body": body.encode()})
            return
        inside = {**scope, "root_path": f"{_BEFORE}/{name}", "workspace": None if own else name}
        await self._app(inside, receive, send)


def _check_as_sent(scope: Scope, start: str) -> None:
    """Refuse a prefix that was sent in disguise, which whatever stands before this server may read otherwise."""
    sent = scope.get("raw_path")
    if sent is None:
        return
    plain = quote(start).encode()
    if not (sent == plain or sent.startswith(plain + b"/")):
        shown = unquote_to_bytes(sent).decode("utf-8", "replace")[:60]
        raise BadInput(f"{shown!r} is encoded where it names a workspace", expected=f"a path that begins with {start}/")

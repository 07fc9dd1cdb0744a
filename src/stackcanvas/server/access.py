"""Who asks, and whether they may: tokens before every route of the control server."""

from __future__ import annotations

import html
import json
import math
from contextlib import nullcontext
from urllib.parse import parse_qs, quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from stackcanvas.errors import BadInput, NotFound, Refused, StackCanvasError, Unavailable
from stackcanvas.metadata import Actor, acting
from stackcanvas.metadata.tokens import ADMIN, APPROVER, READER, WRITER, Token
from stackcanvas.rest.answers import base_of, heads_of, inner_path
from stackcanvas.server.keys import COOKIE, given
from stackcanvas.server.places import Place, Places
from stackcanvas.serving.server.limits import Limit
from stackcanvas.stack.served.allowed import call
from stackcanvas.stack.served.asked import RELEASE, failure
from stackcanvas.stack.served.link import CONTENT, REMOTE
from stackcanvas.stack.served.link import RELEASE as RELEASE_HEADER
from stackcanvas.ui.login import login_page, missing_page

_OPEN = frozenset({"/health", "/health/ready", "/version"})
_CALLS = f"{REMOTE}/call/"
_READING = {"GET", "HEAD", "OPTIONS"}
# Questions that are too long for an address are sent as a body.
_ASKING = frozenset({"search", "search-datasets", "get-history-bulk", "query", "get-latest-versions", "join"})
_LARGEST_FORM_BYTES = 4096
_WRONG_AT_ONCE, _WRONG_PER_S = 20, 0.2
_CODES = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}


class Access:
    """Lets those through who may, to the stack that they ask for, and makes them the actor of what they do.

    A token comes as `Authorization: Bearer`, as the password of `Authorization: Basic`, or as the cookie that the login
    page sets. Without tokens being required, a request without one is done by the process's own actor. Each workspace
    has tokens of its own; those of the project do not enter it, but for its administrators'.

    Args:
        app: the application behind.
        places: the stacks.
        required: whether a request without a token is refused.
        secure: whether the cookie may only travel over TLS.
        requests_per_s: how many requests one token may send in a second, as a mean; None for any number.
    """

    def __init__(
        self, app: ASGIApp, *, places: Places, required: bool, secure: bool, requests_per_s: float | None = None
    ) -> None:
        self._app = app
        self._places = places
        self._required = required
        self._secure = secure
        # Wrong tokens are counted where they come from, right ones by their name: whoever guesses behind the same proxy
        # as the team must not lock it out.
        self._wrong = Limit(burst=_WRONG_AT_ONCE, per_s=_WRONG_PER_S)
        self._asked = None if requests_per_s is None else Limit(burst=10 * requests_per_s, per_s=requests_per_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = inner_path(scope)
        try:
            if path == "/login":
                await self._login(scope, receive, send)
            elif path == "/logout" and scope["method"] == "POST":
                await _redirect(send, f"{base_of(scope)}/login", cookie=self._cookie(scope, "", age_s=0))
            elif path in _OPEN or path.startswith("/static/"):
                await self._app(scope, receive, send)
            else:
                await self._admit(scope, receive, send)
        except StackCanvasError as error:  # a workspace cannot be opened, or the database is away
            await _answer(send, error, path)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what a token, or the lack of a need for one, allows."""
        name, texts = scope.get("workspace"), given(heads_of(scope))
        if not texts and self._required:
            await self._refuse(scope, send, given=False)
            return
        if not texts and name is None:
            await self._pass(scope, receive, send, self._places.project, None)
            return
        self._check_guesses(scope, texts)
        above = await self._places.project.keys.first(texts)
        token = above if name is None or (above is not None and above.role == ADMIN) else None
        # Whoever may make workspaces makes one by asking for it.
        make = (token is not None or not texts) and _means_it(scope)
        with acting(Actor(token.name, verified=True)) if token is not None else nullcontext():
            async with self._places.using(name, make=make) as place:
                if token is None and place is not None:
                    token = await place.keys.first(texts)
                if token is None and texts:
                    if above is None:
                        self._wrong.wait_s(_sender(scope), take=True)
                    # To who is known elsewhere on this server it is not told whether there is such a workspace.
                    elsewhere = above is not None and not wants_page(scope)
                    await (self._miss(scope, send) if elsewhere else self._refuse(scope, send, given=True))
                elif place is None:
                    await self._miss(scope, send)
                else:
                    await self._pass(scope, receive, send, place, token)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, place: Place, token: Token | None) -> None:
        """Give a request to the routes, when its token may do what it asks for."""
        scope["place"], scope["stack"] = place, place.stack
        if token is None:
            await self._app(scope, receive, send)
            return
        caller = f"{scope.get('workspace') or ''}/{token.name}"
        if self._asked is not None and (wait_s := self._asked.wait_s(caller, take=True)):
            raise TooOften(wait_s)
        wanted = needed(scope["method"], inner_path(scope))
        if not token.may(wanted):
            said = f"{token.name} is a {token.role}, and this needs {_article(wanted)}"
            await _answer(send, Refused(said), inner_path(scope))
            return
        with acting(Actor(token.name, verified=True)):
            await self._app(scope, receive, send)

    async def _refuse(self, scope: Scope, send: Send, *, given: bool) -> None:
        if wants_page(scope):
            query = scope["query_string"].decode("latin-1")
            here = scope["path"] + (f"?{query}" if query else "")
            await _redirect(send, f"{base_of(scope)}/login?next={quote(here, safe='')}")
            return
        said = "This token is unknown, expired or revoked" if given else "This server asks for a token"
        which = "" if scope.get("workspace") is None else f" --workspace {scope['workspace']}"
        fix = "Send it as: Authorization: Bearer TOKEN. An administrator makes one: stackcanvas tokens add NAME"
        await _answer(send, Stranger(said, fix=fix + which), inner_path(scope))

    async def _miss(self, scope: Scope, send: Send) -> None:
        """Say that there is no such workspace, to who may not make one or has only looked."""
        name = str(scope["workspace"])
        if wants_page(scope):
            await _page(send, 404, missing_page(name, base=base_of(scope)))
            return
        fix = f"An administrator makes it: stackcanvas workspaces add {name}"
        await _answer(send, NotFound("workspace", name, fix=fix), inner_path(scope))

    async def _login(self, scope: Scope, receive: Receive, send: Send) -> None:
        base = base_of(scope)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        after = _local(query.get("next", [f"{base}/"])[0], base)
        if scope["method"] != "POST":
            await _page(send, 200, login_page(after, base=base))
            return
        form = parse_qs((await _body(receive)).decode("utf-8", "replace"))
        text = form.get("token", [""])[0].strip()
        try:
            self._check_guesses(scope, [text])
            enters = await self._enters(scope.get("workspace"), text)
        except StackCanvasError as error:
            page = login_page(after, base=base, said=error.sentence())
            await _page(send, error.status, page, wait_s=getattr(error, "wait_s", 0.0))
            return
        if not enters:
            self._wrong.wait_s(_sender(scope), take=True)
            await _page(send, 401, login_page(after, base=base, said="This token is unknown, expired or revoked."))
            return
        await _redirect(send, after, cookie=self._cookie(scope, text, age_s=30 * 24 * 3600))

    def _check_guesses(self, scope: Scope, texts: list[str]) -> None:
        """Make whoever has sent wrong tokens wait with the next one that nobody has seen.

        Raises:
            TooOften: the wait is not over.
        """
        if self._required and not any(self._places.knows(scope.get("workspace"), text) for text in texts):
            wait_s = self._wrong.wait_s(_sender(scope))
            if wait_s:
                raise TooOften(wait_s)

    async def _enters(self, name: str | None, text: str) -> bool:
        """Whether a token enters a workspace, or the project where none is named."""
        token = await self._places.project.keys.check(text)
        if name is None or (token is not None and token.role == ADMIN):
            return token is not None
        async with self._places.using(name, make=False) as place:
            return place is not None and await place.keys.check(text) is not None

    def _cookie(self, scope: Scope, text: str, *, age_s: int) -> str:
        path = quote(base_of(scope)) or "/"
        made = f"{COOKIE}={text}; Path={path}; Max-Age={age_s}; HttpOnly; SameSite=Strict"
        return f"{made}; Secure" if self._secure else made


class Stranger(Refused):
    """Nobody knows who asks."""

    status = 401


class TooOften(Unavailable):
    """Somebody asks more often than is answered.

    Args:
        wait_s: how long to wait.
    """

    status = 429

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__("That is too often: wait as long as Retry-After says, then ask again")


def _sender(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


def wants_page(scope: Scope) -> bool:
    """Whether a browser asks for a page."""
    api = inner_path(scope).startswith(("/api/", "/ajax-api/"))
    return scope["method"] in {"GET", "HEAD"} and not api and "text/html" in heads_of(scope).get("accept", "")


def _means_it(scope: Scope) -> bool:
    """Whether a program asks: a person who looks at pages may have mistyped, and a page of another site may not."""
    site = heads_of(scope).get("sec-fetch-site", "none")
    return not wants_page(scope) and site in {"none", "same-origin"}


def needed(method: str, path: str) -> str:
    """The role that a request needs.

    Example:
        >>> needed("GET", "/"), needed("POST", "/api/2.0/mlflow/runs/search"), needed("POST", "/api/v1/labels/delay")
        ('reader', 'reader', 'writer')
        >>> needed("DELETE", "/api/v1/tokens/ada"), needed("POST", "/api/v1/models/delay@3/consents")
        ('admin', 'approver')
        >>> needed("POST", "/api/v1/metadata/retention"), needed("GET", "/api/v1/metadata/retention")
        ('admin', 'reader')
        >>> needed("POST", "/api/v1/labels/search"), needed("GET", "/api/v1/labels/search")
        ('writer', 'reader')
    """
    if path.startswith(("/api/v1/tokens", "/api/v1/workspaces")):
        return ADMIN
    if path.startswith("/api/v1/metadata/") and method not in _READING:
        return ADMIN
    if path.startswith(_CALLS):
        part, _, name = path.removeprefix(_CALLS).partition("/")
        allowed = call(part, name)
        return READER if allowed is None else allowed.role  # what is not on the list is answered with a sentence
    # After labels stands the name of an endpoint, which may be called as a verb is.
    last = "" if path.startswith("/api/v1/labels/") else path.rstrip("/").rpartition("/")[2]
    if method in _READING or (method == "POST" and last in _ASKING):
        return READER
    return APPROVER if last in {"consent", "consents"} else WRITER


def _article(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


def _local(address: str, base: str) -> str:
    """An address below a base on this server: what comes from outside must not lead outside."""
    plain = unquote(address)
    inside = plain.startswith(f"{base}/") and not plain.startswith(("//", "/\\")) and plain.isprintable()
    return address if inside and "\\" not in plain and ".." not in plain.split("/") else f"{base}/"


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= _LARGEST_FORM_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body[:_LARGEST_FORM_BYTES]


async def _page(send: Send, status: int, text: str, *, wait_s: float = 0.0) -> None:
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store"), *_later(wait_s)]
    await _send(send, status, headers, text.encode())


async def _redirect(send: Send, address: str, *, cookie: str | None = None) -> None:
    headers = [(b"location", quote(address, safe="/?&=%:+,;@").encode()), (b"cache-control", b"no-store")]
    if cookie is not None:
        headers.append((b"set-cookie", cookie.encode("latin-1", "replace")))
    await _send(send, 303, headers, f"<a href='{html.escape(address)}'>Go on</a>".encode())


async def _answer(send: Send, error: StackCanvasError, path: str) -> None:
    """Tell an error in the words of the API that was asked."""
    status, kind = error.status, b"application/json"
    if path.startswith(REMOTE) and isinstance(error, NotFound | BadInput):  # clients word all others for themselves
        body, kind = failure(error), CONTENT.encode()
    elif path.startswith(("/api/2.0/", "/api/3.0/", "/ajax-api/")):
        told = {"error_code": _CODES.get(status, "INTERNAL_ERROR"), "message": error.sentence()}
        body = json.dumps(told).encode()
    else:
        body = json.dumps({"error": error.sentence(), "kind": type(error).__name__}).encode()
    headers = [(b"content-type", kind), (RELEASE_HEADER.encode(), RELEASE.encode())]
    headers += _later(getattr(error, "wait_s", 0.0))
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="stackcanvas"'))
    await _send(send, status, headers, body)


def _later(wait_s: float) -> list[tuple[bytes, bytes]]:
    return [(b"retry-after", str(math.ceil(wait_s)).encode())] if wait_s else []


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

"""Who asks, and whether they may: tokens before every route of the control server."""

from __future__ import annotations

import asyncio
import base64
import binascii
import html
import json
import math
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote, unquote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from stackcanvas.errors import StackCanvasError
from stackcanvas.metadata import Actor, acting
from stackcanvas.metadata.tokens import ADMIN, APPROVER, READER, WRITER, Token, Tokens
from stackcanvas.serving.server.limits import Limit
from stackcanvas.stack.served.allowed import call
from stackcanvas.stack.served.link import REMOTE
from stackcanvas.ui.login import login_page

COOKIE = "stackcanvas_token"
_OPEN = frozenset({"/health", "/health/ready", "/version", "/login"})
_CALLS = f"{REMOTE}/call/"
_READING = {"GET", "HEAD", "OPTIONS"}
# Questions that are too long for an address are sent as a body.
_ASKING = frozenset({"search", "search-datasets", "get-history-bulk", "query", "get-latest-versions", "join"})
_REMEMBERED_S = 2.0
_LARGEST_FORM_BYTES = 4096
_WRONG_AT_ONCE, _WRONG_PER_S = 20, 0.2
_TOO_OFTEN = "That is too often: wait as long as Retry-After says, then ask again."


class Access:
    """Lets those through who may, and makes them the actor of what they do.

    A token comes as `Authorization: Bearer`, as the password of `Authorization: Basic`, or as the cookie that the login
    page sets. Without tokens being required, a request without one is done by the process's own actor.

    Args:
        app: the application behind.
        tokens: of the stack.
        required: whether a request without a token is refused.
        secure: whether the cookie may only travel over TLS.
        requests_per_s: how many requests one token may send in a second, as a mean; None for any number.
    """

    def __init__(
        self, app: ASGIApp, *, tokens: Tokens, required: bool, secure: bool, requests_per_s: float | None = None
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._required = required
        self._secure = secure
        self._known: dict[str, tuple[float, Token]] = {}
        # Wrong tokens are counted where they come from, right ones by their name: whoever guesses behind the same proxy
        # as the team must not lock it out.
        self._wrong = Limit(burst=_WRONG_AT_ONCE, per_s=_WRONG_PER_S)
        self._asked = None if requests_per_s is None else Limit(burst=10 * requests_per_s, per_s=requests_per_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path == "/logout" and scope["method"] == "POST":
            await _redirect(send, "/login", cookie=self._cookie("", age_s=0))
        elif path != "/login" and (path in _OPEN or path.startswith("/static/")):
            await self._app(scope, receive, send)
        else:
            await (self._login if path == "/login" else self._admit)(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what a token, or the lack of a need for one, allows."""
        path, method, headers = scope["path"], scope["method"], Headers(scope=scope)
        text = _given(headers)
        try:
            token, wait_s = await self._known_or_wait(scope, text) if text is not None else (None, 0.0)
        except StackCanvasError as error:  # the database is away: nobody can tell who asks
            await _answer(send, error.status, path, error.sentence(), "TEMPORARILY_UNAVAILABLE")
            return
        if wait_s:
            await _answer(send, 429, path, _TOO_OFTEN, "REQUEST_LIMIT_EXCEEDED", wait_s=wait_s)
            return
        if token is None and (self._required or text is not None):
            await self._refuse(scope, headers, send, given=text is not None)
            return
        if token is None:
            await self._app(scope, receive, send)
            return
        wanted = needed(method, path)
        if not token.may(wanted):
            said = f"{token.name} is a {token.role}, and this needs {_article(wanted)}."
            await _answer(send, 403, path, said, "PERMISSION_DENIED")
            return
        with acting(Actor(token.name, verified=True)):
            await self._app(scope, receive, send)

    async def _known_or_wait(self, scope: Scope, text: str) -> tuple[Token | None, float]:
        """The token of a text, None when it is none, and how long whoever sent it has to wait first."""
        sender = (scope.get("client") or ("",))[0]
        if self._required and text not in self._known and (wait_s := self._wrong.wait_s(sender)):
            return None, wait_s
        token = await self._check(text)
        if token is None:
            self._wrong.wait_s(sender, take=True)
            return None, 0.0
        return token, 0.0 if self._asked is None else self._asked.wait_s(token.name, take=True)

    async def _check(self, text: str) -> Token | None:
        """The token, asked of the database every two seconds at most."""
        known = self._known.get(text)
        if known is not None and time.monotonic() - known[0] < _REMEMBERED_S:
            return known[1]
        found = await asyncio.to_thread(self._tokens.check, text)
        if found is None:
            self._known.pop(text, None)
        else:
            self._known[text] = (time.monotonic(), found)
        return found

    async def _refuse(self, scope: Scope, headers: Headers, send: Send, *, given: bool) -> None:
        if scope["method"] in {"GET", "HEAD"} and "text/html" in headers.get("accept", ""):
            query = scope["query_string"].decode("latin-1")
            here = scope["path"] + (f"?{query}" if query else "")
            await _redirect(send, f"/login?next={quote(here, safe='')}")
            return
        said = "This token is unknown, expired or revoked." if given else "This server asks for a token."
        fix = "Send it as: Authorization: Bearer TOKEN. An administrator makes one: stackcanvas tokens add NAME"
        await _answer(send, 401, scope["path"], f"{said} {fix}", "UNAUTHENTICATED")

    async def _login(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        after = _local(query.get("next", ["/"])[0])
        if scope["method"] != "POST":
            await _page(send, 200, login_page(after))
            return
        form = parse_qs((await _body(receive)).decode("utf-8", "replace"))
        text = form.get("token", [""])[0].strip()
        try:
            token, wait_s = await self._known_or_wait(scope, text)
        except StackCanvasError as error:
            await _page(send, error.status, login_page(after, said=error.sentence()))
            return
        if wait_s:
            await _page(send, 429, login_page(after, said=_TOO_OFTEN), wait_s=wait_s)
            return
        if token is None:
            await _page(send, 401, login_page(after, said="This token is unknown, expired or revoked."))
            return
        await _redirect(send, after, cookie=self._cookie(text, age_s=30 * 24 * 3600))

    def _cookie(self, text: str, *, age_s: int) -> str:
        made = f"{COOKIE}={text}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict"
        return f"{made}; Secure" if self._secure else made


def needed(method: str, path: str) -> str:
    """The role that a request needs.

    Example:
        >>> needed("GET", "/"), needed("POST", "/api/2.0/mlflow/runs/search"), needed("POST", "/api/v1/labels/delay")
        ('reader', 'reader', 'writer')
        >>> needed("DELETE", "/api/v1/tokens/ada"), needed("POST", "/api/v1/models/delay@3/consents")
        ('admin', 'approver')
        >>> needed("POST", "/api/v1/metadata/retention"), needed("GET", "/api/v1/metadata/retention")
        ('admin', 'reader')
    """
    if path.startswith("/api/v1/tokens") or (path.startswith("/api/v1/metadata/") and method not in _READING):
        return ADMIN
    if path.startswith(_CALLS):
        part, _, name = path.removeprefix(_CALLS).partition("/")
        allowed = call(part, name)
        return READER if allowed is None else allowed.role  # what is not on the list is answered with a sentence
    last = path.rstrip("/").rpartition("/")[2]
    if method in _READING or (method == "POST" and last in _ASKING):
        return READER
    return APPROVER if last in {"consent", "consents"} else WRITER


def _article(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


def _given(headers: Headers) -> str | None:
    """The text of the token that came with a request."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def _local(address: str) -> str:
    """An address of this server: what comes from outside must not lead outside."""
    plain = unquote(address)
    inside = plain.startswith("/") and not plain.startswith(("//", "/\\")) and plain.isprintable()
    return address if inside and "\\" not in plain else "/"


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


async def _answer(send: Send, status: int, path: str, said: str, code: str, *, wait_s: float = 0.0) -> None:
    mlflow = path.startswith(("/api/2.0/", "/api/3.0/", "/ajax-api/"))
    told = {"error_code": code, "message": said} if mlflow else {"error": said}
    headers = [(b"content-type", b"application/json"), *_later(wait_s)]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="stackcanvas"'))
    await _send(send, status, headers, json.dumps(told).encode())


def _later(wait_s: float) -> list[tuple[bytes, bytes]]:
    return [(b"retry-after", str(math.ceil(wait_s)).encode())] if wait_s else []


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

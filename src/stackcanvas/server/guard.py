"""What stands before every route: who may ask, how much they may send, and what pages may load."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stackcanvas.rest.answers import heads_of, inner_path

_READING = {"GET", "HEAD", "OPTIONS"}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """Refuses requests that a foreign page could send through a person's browser, and too large ones.

    A server on loopback is reachable from every page that the browser shows: by a name that an attacker's DNS
    points to 127.0.0.1 (the Host header tells), or by a form sent from elsewhere (the Origin header tells).

    Args:
        app: the application behind.
        hosts: names by which the server may be called, beside those of loopback; None for any, where every request
            has to carry a token anyway.
        largest_bytes: the largest body that is read.
        streamed: the beginnings of paths whose bodies go to disk as they come, however large.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str] | None = (),
        largest_bytes: int = 32 * 1024 * 1024,
        streamed: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._hosts = None if hosts is None else _LOOPBACK | frozenset(hosts)
        self._largest_bytes = largest_bytes
        self._streamed = tuple(streamed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = heads_of(scope)
        streamed = scope["method"] == "PUT" and inner_path(scope).startswith(self._streamed)
        refusal = self._refusal(scope["method"], headers, streamed=streamed)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                message["headers"] = _completed(message.get("headers", ()))
            await send(message)

        try:
            await self._app(scope, receive if streamed else self._limited(receive), sent)
        except HTTPException as error:  # what reads a body before the routes do has nobody who answers for it
            if begun:
                raise
            await _answer(send, error.status_code, error.detail)

    def _refusal(self, method: str, headers: Mapping[str, str], *, streamed: bool) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            return 421, f"This server does not answer to the name {host!r}. Ask for 127.0.0.1 or localhost."
        if method not in _READING and not _same_site(headers, host):
            return 403, "A page of another site may not change anything here."
        length = headers.get("content-length", "0")
        if not length.isdigit() or (int(length) > self._largest_bytes and not streamed):
            return 413, _too_large(self._largest_bytes)
        return None

    def _limited(self, receive: Receive) -> Receive:
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._largest_bytes:
                # Without a length the body is counted as it comes.
                raise HTTPException(413, _too_large(self._largest_bytes))
            return message

        return limited


def _name(host: str) -> str:
    head, colon, port = host.rpartition(":")
    return (head if colon and port.isdigit() else host).lower()


def _same_site(headers: Mapping[str, str], host: str) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host


def _completed(given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with those that it lacks."""
    names = {name for name, _ in given}
    return [*given, *(pair for pair in _HEADERS if pair[0] not in names)]


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": _completed(headers)})
    await send({"type": "http.response.body", "body": body})


def _too_large(largest_bytes: int) -> str:
    return f"The body is larger than the {largest_bytes // (1024 * 1024)} MB that are read at once."

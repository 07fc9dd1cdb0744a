"""The connection to a server: calls and bytes over HTTP, kept open, repeated only where that does no harm."""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit

from stackcanvas.errors import BadInput, BadInputs, Refused, StackCanvasError, Unavailable
from stackcanvas.metadata import CodeState
from stackcanvas.metadata.tokens import READER
from stackcanvas.stack.root import TOKEN
from stackcanvas.stack.served.allowed import call
from stackcanvas.stack.served.wire import pack, unpack

CONTENT = "application/vnd.stackcanvas+msgpack"
RELEASE = "stackcanvas-release"
REMOTE = "/api/v1/remote"
_MINE = version("stackcanvas")
_CONNECT_S = 10.0
_ANSWER_S = 600.0
_TRIES = 4
_LONGEST_WAIT_S = 30.0
_PAUSE_S = 0.25
_IDLE_S = 2.0
_GOES_AWAY = (ConnectionError, TimeoutError, HTTPException, ssl.SSLEOFError, OSError)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    Args:
        path: before every route, such as `/w/churn`; empty for the project's own stack.
    """

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read an address.

        Raises:
            BadInput: it cannot be one, or a token would travel unencrypted.

        Example:
            >>> str(Address.parse("https://stack.example.org/w/churn/"))
            'https://stack.example.org/w/churn'
        """
        parts = urlsplit(url.strip())
        try:
            port, host = parts.port, parts.hostname
        except ValueError:
            port, host = None, None
        if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
            raise BadInput(
                "this is no address of a server", where=_without_secrets(url), expected="https://HOST[/w/NAME]"
            )
        if parts.username is not None or parts.password is not None:
            raise BadInput("the address of a server holds a name or a password", fix=f"Give the token in {TOKEN}")
        if parts.scheme == "http" and not _is_loopback(host):
            raise BadInput(
                "what is sent there can be read on the way",
                where=_without_secrets(url),
                expected="an address that begins with https://, except on this machine",
            )
        return cls(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), parts.path.rstrip("/"))

    def __str__(self) -> str:
        usual = self.port == (443 if self.scheme == "https" else 80)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if usual else f':{self.port}'}{self.path}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _without_secrets(url: str) -> str:
    return url.rpartition("@")[2].partition("?")[0][:200]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Link:
    """Asks one server; safe to use from several threads, each with a connection of its own.

    Args:
        address: of the server.
        token: that says who asks; None where the server wants none.
        answer_s: how long an answer may be silent.

    Attributes:
        code: tells the state of the code that asks, for the records of what is done.
        calls: what the server can do, once it has said so.
        theirs: its release.
    """

    def __init__(self, address: Address, *, token: str | None = None, answer_s: float = _ANSWER_S) -> None:
        self.address = address
        self._headers = {"stackcanvas-release": _MINE, "user-agent": f"stackcanvas/{_MINE}"}
        if token:
            if not token.isascii() or not token.isprintable() or " " in token:
                raise BadInput(f"the text in {TOKEN} is no token", expected="one that `stackcanvas tokens add` gave")
            self._headers["authorization"] = f"Bearer {token}"
        self._answer_s = answer_s
        self.code: Callable[[], CodeState] | None = None
        self.calls: frozenset[str] = frozenset()
        self.theirs = ""
        self._own = threading.local()
        self._opened: list[HTTPConnection] = []
        self._lock = threading.Lock()

    def call(self, part: str, method: str, *args: Any, **named: Any) -> Any:
        """Call a method of a part of the server's stack.

        Raises:
            StackCanvasError: whatever the method raises there, or `Unavailable` when it cannot be asked.
        """
        if self.calls and f"{part}.{method}" not in self.calls:
            said = f"the server of release {self.theirs} cannot do {part}.{method}, which this client of {_MINE} asks"
            raise Unavailable(said, where=str(self.address), fix="Bring them to the same release")
        allowed = call(part, method)
        told: dict[str, Any] = {"args": list(args), "named": named}
        if self.code is not None and allowed is not None and allowed.role != READER:
            told["code"] = self.code()
        body, again = pack(told), allowed is not None and allowed.again
        reply = self.ask("POST", f"/call/{part}/{method}", body=body, again=again)
        if reply.headers.get("content-type") != CONTENT:
            raise self._stranger(reply)
        return unpack(reply.body, trusted=True)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | memoryview | Callable[[], Iterable[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        again: bool = True,
        missing: bool = False,
    ) -> Reply:
        """Send a request below the routes for clients.

        Args:
            body: bytes, or what gives them anew each time, with their number among the headers.
            again: it may be sent once more when the connection breaks.
            missing: give the answer that there is no such thing, instead of raising.
        """
        place = f"{self.address.path}{REMOTE}{path}"
        given = {**self._headers, **(headers or {})}
        if isinstance(body, bytes | memoryview):
            given["content-length"] = str(len(body))
            given.setdefault("content-type", CONTENT)
        for tried in range(1, _TRIES + 1):
            connection = self._connection(fresh=not again)
            sent = False
            try:
                try:
                    connection.request(method, place, body=body() if callable(body) else body, headers=given)
                except (BrokenPipeError, ConnectionResetError) as error:
                    reply = _early(connection, error)
                else:
                    sent = True
                    reply = _read(connection.getresponse())
                self._own.used = time.monotonic()
            except _GOES_AWAY as error:
                self._drop(connection)
                if not again or tried == _TRIES:
                    raise self._gone(error, sent=sent, again=again) from None
                time.sleep(_PAUSE_S * 2 ** (tried - 1))
                continue
            if reply.status in {502, 503, 504} and again and tried < _TRIES and _is_strange(reply):
                time.sleep(_PAUSE_S * 2 ** (tried - 1))  # a proxy before the server, which starts anew
                continue
            if reply.status == 429 and tried < _TRIES:  # nothing was done: whoever asks too often may ask again
                time.sleep(_told_s(reply))
                continue
            return reply if reply.status < 400 or (missing and reply.status == 404) else self._raise(reply)
        raise AssertionError("the last try has answered or raised")

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            opened, self._opened = self._opened, []
        for connection in opened:
            connection.close()

    def _connection(self, *, fresh: bool) -> HTTPConnection:
        """The connection of this thread.

        Args:
            fresh: not one that has been idle, which the server may be closing just now: then nobody can tell whether it
                took what was sent.
        """
        found: HTTPConnection | None = getattr(self._own, "connection", None)
        # A forked child must not speak on the connection of its parent.
        if found is not None and found.sock is not None and self._own.process == os.getpid():
            if not fresh or time.monotonic() - self._own.used < _IDLE_S:
                return found
            self._drop(found)
        host, port = self.address.host, self.address.port
        made = (
            HTTPSConnection(host, port, timeout=_CONNECT_S, context=ssl.create_default_context())
            if self.address.scheme == "https"
            else HTTPConnection(host, port, timeout=_CONNECT_S)
        )
        try:
            made.connect()
        except (OSError, UnicodeError) as error:
            raise self._unreachable(error) from None
        assert made.sock is not None
        made.sock.settimeout(self._answer_s)
        self._own.connection, self._own.used, self._own.process = made, time.monotonic(), os.getpid()
        with self._lock:
            self._opened.append(made)
        return made

    def _drop(self, connection: HTTPConnection) -> None:
        connection.close()
        self._own.connection = None
        with self._lock:
            if connection in self._opened:
                self._opened.remove(connection)

    def _unreachable(self, error: Exception) -> Unavailable:
        where = str(self.address)
        if isinstance(error, ssl.SSLCertVerificationError):
            said = f"the server's certificate is not trusted here ({error.verify_message})"
            return Unavailable(said, where=where, fix="Name a file with its authority in SSL_CERT_FILE")
        if isinstance(error, ssl.SSLError):
            return Unavailable("the server does not speak TLS there", where=where, fix="See whether the port is right")
        if isinstance(error, ConnectionRefusedError):
            return Unavailable("nothing answers there", where=where, fix="Start it there: stackcanvas up")
        if isinstance(error, TimeoutError):
            return Unavailable(f"nothing answered within {_CONNECT_S:g} s", where=where)
        said = getattr(error, "strerror", None) or "its name leads nowhere"
        return Unavailable(f"the server cannot be reached ({said})", where=where)

    def _gone(self, error: Exception, *, sent: bool, again: bool) -> Unavailable:
        where = str(self.address)
        said = "the server did not answer in time" if isinstance(error, TimeoutError) else "the server went away"
        if again or not sent:
            return Unavailable(said, where=where, fix="Try again when it is back; nothing is half done")
        return Unavailable(
            f"{said} before it answered", where=where, fix="It may have been done: look before you ask again"
        )

    def _raise(self, reply: Reply) -> NoReturn:
        if reply.headers.get("content-type") == CONTENT:
            raise error_of(unpack(reply.body, trusted=True))
        where, said = str(self.address), _sentence_of(reply)
        if said is None or (reply.status == 404 and RELEASE not in reply.headers):
            raise self._stranger(reply)
        if reply.status in {401, 403, 421}:
            known = "authorization" in self._headers
            fix = None if known or reply.status != 401 else f"Set {TOKEN}"
            raise Refused(said.rstrip("."), where=where, fix=fix)
        if reply.status == 413:
            raise BadInput(said.rstrip("."), where=where, fix="Commit it as data, which is sent in parts")
        raise (
            StackCanvasError(said.rstrip("."), where=where)
            if reply.status == 500
            else Unavailable(said.rstrip("."), where=where)
        )

    def _stranger(self, reply: Reply) -> Unavailable:
        theirs = reply.headers.get(RELEASE)
        if theirs:
            said = f"the server of release {theirs} does not know what this client of release {_MINE} asks"
            return Unavailable(said, where=str(self.address), fix="Bring them to the same release")
        return Unavailable(
            f"what answers there ({reply.status}) is no stackcanvas server that this client can use",
            where=str(self.address),
            fix="See whether the address is that of `stackcanvas up`, and its release the one here",
        )


def _read(response: HTTPResponse) -> Reply:
    headers = {name.lower(): value for name, value in response.getheaders()}
    body = response.read()  # raises IncompleteRead when the answer breaks off
    return Reply(response.status, headers, body)


def _early(connection: HTTPConnection, error: OSError) -> Reply:
    """What a server said that did not want the rest of a body."""
    try:
        reply = _read(connection.getresponse())
    except _GOES_AWAY:
        raise error from None
    connection.close()
    return reply


def _told_s(reply: Reply) -> float:
    """How long a server says to wait."""
    said = reply.headers.get("retry-after", "")
    return min(float(said), _LONGEST_WAIT_S) if said.isdigit() else _PAUSE_S


def _is_strange(reply: Reply) -> bool:
    return reply.headers.get("content-type") != CONTENT


def _sentence_of(reply: Reply) -> str | None:
    try:
        told = json.loads(reply.body)
    except ValueError:
        return None
    said = told.get("error") if isinstance(told, dict) else None
    return said if isinstance(said, str) else None


def error_of(told: Any) -> StackCanvasError:
    """The error that the server raised, as the same class where this release has it."""
    if not isinstance(told, dict):
        return Unavailable("the server answered with an error that cannot be read")
    kind = _kinds().get(str(told.get("kind")))
    known = kind is not None
    if kind is None:
        near = {400: BadInput, 403: Refused, 503: Unavailable}
        kind = near.get(int(told.get("status", 500)), StackCanvasError)
    if kind is BadInputs:
        listed = [error_of(unpack(one, trusted=True)) for one in told.get("errors", ())]
        return BadInputs([one for one in listed if isinstance(one, BadInput)])
    error = kind.__new__(kind)
    error.args = tuple(told.get("args", ()))
    facts = dict.fromkeys(("what", "where", "expected", "fix")) | dict(told.get("facts", {}))
    if not known:
        facts |= {"what": str(error).rstrip("."), "where": None, "expected": None, "fix": None}
    error.__dict__.update(facts)
    return error


def _kinds() -> dict[str, type[StackCanvasError]]:
    found: dict[str, type[StackCanvasError]] = {}
    waiting: list[type[StackCanvasError]] = [StackCanvasError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.__name__, kind)
        waiting += kind.__subclasses__()
    return found

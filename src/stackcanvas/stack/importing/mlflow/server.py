"""The REST API of a tracking server: pages, retries, credentials from the environment."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from stackcanvas.errors import BadInput, NotFound, Refused, Unavailable

_PATIENCE_S = 60.0
_TRIES = 5
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_LARGEST_ANSWER = 256 << 20
_PART_BYTES = 1 << 20
_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class Server:
    """Speaks to one server; each thread has a connection of its own.

    Args:
        address: `http://host:port/prefix`; credentials in it, or in `MLFLOW_TRACKING_TOKEN`,
            `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, are sent with every request.
        environ: where these are looked up.
        pause: waits so many seconds before another try.
    """

    def __init__(
        self, address: str, *, environ: Mapping[str, str] | None = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        parts = urlsplit(address)
        try:
            port = parts.port
        except ValueError:
            raise BadInput("the port is no number", where=_shown(address)) from None
        if not parts.hostname:
            raise BadInput("the address names no host", where=_shown(address), expected="such as http://host:5000")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._prefix = parts.path.rstrip("/")
        self._headers = {
            "User-Agent": "stackcanvas",
            "Accept-Encoding": "identity",
            **_authorization(parts.username, parts.password, os.environ if environ is None else environ),
        }
        self._pause = pause
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[HTTPConnection] = []
        self.address = _shown(address)

    def get(self, path: str, query: Mapping[str, object] | None = None) -> dict[str, object]:
        """The answer to a question without a body."""
        return self._json("GET", path, query, None)

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """The answer to a search."""
        return self._json("POST", path, None, json.dumps(body).encode())

    def pages(
        self, path: str, question: Mapping[str, object], field: str, *, post: bool = True
    ) -> Iterator[dict[str, Any]]:
        """All entries of a search, page by page.

        Raises:
            Unavailable: the server gives the same page for ever.
        """
        token, seen = "", set[str]()
        while True:
            asked = {**question, **({"page_token": token} if token else {})}
            answer = self.post(path, asked) if post else self.get(path, asked)
            entries = answer.get(field) or []
            if not isinstance(entries, list):
                raise _odd(self.address, path)
            for entry in entries:
                if not isinstance(entry, dict):
                    raise _odd(self.address, path)
                yield entry
            token = str(answer.get("next_page_token") or "")
            if not token:
                return
            if token in seen:
                raise Unavailable("the server gives the same page again and again", where=f"{self.address}{path}")
            seen.add(token)

    def parts(self, path: str, query: Mapping[str, object]) -> Iterator[bytes]:
        """The bytes of a file, in parts.

        Raises:
            NotFound: the server has no such file.
            Unavailable: the answer breaks off; the caller asks again from the beginning.
        """
        answer = self._ask("GET", path, query, None)
        announced = answer.getheader("Content-Length")
        read = 0
        try:
            while part := answer.read(_PART_BYTES):
                read += len(part)
                yield part
        except (OSError, HTTPException) as error:
            self._drop()
            raise Unavailable(f"the answer breaks off: {error}", where=f"{self.address}{path}") from None
        if announced is not None and announced.isdigit() and read != int(announced):
            self._drop()
            raise Unavailable(f"the answer ended after {read} of {announced} bytes", where=f"{self.address}{path}")

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()

    def _json(
        self, method: str, path: str, query: Mapping[str, object] | None, body: bytes | None
    ) -> dict[str, object]:
        for tried in range(1, _TRIES + 1):
            answer = self._ask(method, path, query, body)
            try:
                text = answer.read(_LARGEST_ANSWER + 1)
            except (OSError, HTTPException) as error:
                self._drop()
                if tried == _TRIES:
                    raise Unavailable(f"the answer breaks off: {error}", where=f"{self.address}{path}") from None
                self._pause(_PAUSE_S * 2**tried)
                continue
            if len(text) > _LARGEST_ANSWER:
                self._drop()
                raise Unavailable("the answer is larger than any should be", where=f"{self.address}{path}")
            try:
                found = json.loads(text or b"{}")
            except ValueError:
                raise _odd(self.address, path) from None
            if not isinstance(found, dict):
                raise _odd(self.address, path)
            return found
        raise AssertionError("the last try answers or raises")

    def _ask(self, method: str, path: str, query: Mapping[str, object] | None, body: bytes | None) -> HTTPResponse:
        """An answer that says yes, its body unread."""
        target = f"{self._prefix}{quote(path, safe='/')}" + (f"?{urlencode(query)}" if query else "")
        headers = {**self._headers, **({"Content-Type": "application/json"} if body is not None else {})}
        for tried in range(1, _TRIES + 1):
            wait_s = min(_PAUSE_S * 2**tried, _LONGEST_PAUSE_S)
            try:
                connection = self._connection()
                connection.request(method, target, body=body, headers=headers)
                answer = connection.getresponse()
                if answer.status < 300:
                    return answer
                said = answer.read(4096)
            except (OSError, HTTPException) as error:
                self._drop()
                if tried == _TRIES:
                    raise Unavailable(
                        f"the server does not answer: {str(error) or type(error).__name__}",
                        where=self.address,
                        fix="Run the same command again when it does: it goes on where it stopped",
                    ) from None
            else:
                self._drop()
                if answer.status not in _AGAIN or tried == _TRIES:
                    raise self._refusal(answer.status, said, path)
                later = answer.getheader("Retry-After") or ""
                wait_s = min(float(later), _LONGEST_PAUSE_S) if later.isdigit() else wait_s
            self._pause(wait_s)
        raise AssertionError("the last try answers or raises")

    def _refusal(self, status: int, said: bytes, path: str) -> Exception:
        message = _message(said)
        where = f"{self.address}{path}"
        if status in {401, 403}:
            return Refused(
                f"the server answers {status}: {message}",
                where=where,
                fix="Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
            )
        if status == 404:
            return NotFound("answer", path, where=self.address)
        if 300 <= status < 400:
            return Unavailable(f"the server answers {status}: it sends elsewhere", where=where)
        if status < 500 and status not in _AGAIN:
            return BadInput(f"the server answers {status}: {message}", where=where)
        return Unavailable(
            f"the server answers {status}: {message}",
            where=where,
            fix="Run the same command again later: it goes on where it stopped",
        )

    def _connection(self) -> HTTPConnection:
        found: HTTPConnection | None = getattr(self._local, "connection", None)
        if found is None:
            kind = HTTPSConnection if self._secure else HTTPConnection
            found = self._local.connection = kind(self._host, self._port, timeout=_PATIENCE_S)
            with self._lock:
                self._open.append(found)
        return found

    def _drop(self) -> None:
        found: HTTPConnection | None = getattr(self._local, "connection", None)
        if found is not None:
            found.close()
            self._local.connection = None
            with self._lock:
                self._open.remove(found)


def _authorization(user: str | None, password: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    token = environ.get("MLFLOW_TRACKING_TOKEN")
    if user is None:
        user, password = environ.get("MLFLOW_TRACKING_USERNAME"), environ.get("MLFLOW_TRACKING_PASSWORD")
    else:
        user, password = unquote(user), unquote(password or "")
    if user:
        both = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
        return {"Authorization": f"Basic {both}"}
    if token and (token.strip() != token or not token.isascii() or not token.isprintable()):
        raise BadInput("MLFLOW_TRACKING_TOKEN holds what no header can carry")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _shown(address: str) -> str:
    """An address without its credentials."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")


def _message(said: bytes) -> str:
    try:
        found = json.loads(said)
        text = str(found.get("message") or found.get("error_code") or "") if isinstance(found, dict) else ""
    except ValueError:
        text = ""
    return "".join(letter if letter.isprintable() else " " for letter in text[:300]) or "without a word"


def _odd(address: str, path: str) -> BadInput:
    return BadInput(
        "the answer is not what a tracking server gives",
        where=f"{address}{path}",
        expected="the address of an MLflow tracking server",
    )

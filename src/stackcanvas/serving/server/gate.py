"""Who may ask for predictions, where other machines can: tokens whose digests a file in the server's folder names.

The stack writes `tokens.json` and the server looks at it as it looks at its routes, so that it needs no database to
know who asks, and a token that is revoked is refused as soon as the file says so.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

import msgspec

from stackcanvas.clock import Clock, to_us
from stackcanvas.errors import StackCanvasError, Unavailable
from stackcanvas.serving.server.documents import decode
from stackcanvas.serving.server.limits import Limit
from stackcanvas.serving.server.talk import say

TOKENS = "tokens.json"
_OPEN = (["health"], ["health", "ready"], ["v2", "health", "live"], ["v2", "health", "ready"])
_CHANGING = frozenset({"push", "write-to-online-store", "materialize", "materialize-incremental"})
_READER, _ADMIN = "reader", "admin"
_WRONG_AT_ONCE, _WRONG_PER_S = 20, 0.2


class TokenSpec(msgspec.Struct, frozen=True):
    """Whose token it is, what it may do, and until when it counts."""

    name: str
    role: str
    expires_us: int | None = None


class TokensSpec(msgspec.Struct, frozen=True):
    """`tokens.json`: the tokens that count, by the SHA-256 of their text."""

    tokens: dict[str, TokenSpec] = {}


class NotAdmitted(StackCanvasError):
    """Nobody knows who asks."""

    status = 401
    headers = ((b"www-authenticate", b'Bearer realm="stackcanvas"'),)


class NotAllowed(StackCanvasError):
    """Whoever asks may not do this."""

    status = 403


class TooOften(StackCanvasError):
    """Wrong tokens came from there again and again.

    Args:
        wait_s: when to ask again.
    """

    status = 429

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self.headers = ((b"retry-after", str(math.ceil(wait_s)).encode()),)
        super().__init__("That is too often", fix="Wait as long as Retry-After says, then ask again")


class Gate:
    """Lets those through whose token counts.

    Args:
        folder: holds `tokens.json`.
        clock: what time it is, for tokens that expire.
        above: the gate of the project, where this is one of a workspace. The project's administrators enter here, too;
            others are not even told whether there is something.
    """

    def __init__(self, folder: Path, *, clock: Clock, above: Gate | None = None) -> None:
        self._path = folder / TOKENS
        self._clock = clock
        self._above = above
        self._seen: tuple[int, int] | None = None
        self._tokens: dict[str, TokenSpec] = {}
        own = Limit(burst=_WRONG_AT_ONCE, per_s=_WRONG_PER_S)
        self._wrong: Limit = own if above is None else above._wrong  # noqa: SLF001 - of its own class
        self.refresh()

    def __bool__(self) -> bool:
        """Whether anybody could get in."""
        return bool(self._tokens)

    def refresh(self) -> None:
        """Take in what the file says now; one that cannot be read changes nothing, one that is gone admits nobody."""
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if stamp == self._seen:
                return
            self._seen = stamp
            self._tokens = decode(self._path.read_bytes(), TokensSpec, where=self._path).tokens
        except FileNotFoundError:
            self._tokens, self._seen = {}, None
        except (OSError, StackCanvasError) as error:
            fault = error if isinstance(error, StackCanvasError) else Unavailable(str(error), where=str(self._path))
            say(f"tokens: {fault.sentence()}")

    def admit(self, path: list[str], headers: Mapping[bytes, bytes], sender: str) -> None:
        """Let a request through.

        Args:
            path: its segments.
            sender: the address that it comes from.

        Raises:
            NotAdmitted: it has no token, or one that does not count.
            NotAllowed: its token may only ask.
            TooOften: too many wrong tokens came from that address.
        """
        if path in _OPEN and self._above is None:
            return
        text = _given(headers)
        if text is None:
            raise NotAdmitted("This server asks for a token", fix="Send it as: Authorization: Bearer TOKEN")
        digest = hashlib.sha256(text).hexdigest()
        found = self._counting(digest)
        if found is None and self._above is not None:
            found = self._above._counting(digest)  # noqa: SLF001 - of its own class
            found = found if found is not None and found.role == _ADMIN else None
        if found is None:
            wait_s = self._wrong.wait_s(sender, take=True)
            if wait_s:
                raise TooOften(wait_s)
            raise NotAdmitted("This token is unknown, expired or revoked", fix="An administrator makes another one")
        if found.role == _READER and (path[0] in _CHANGING or path[1:2] == ["repository"]) and path[-1] != "index":
            raise NotAllowed(f"{found.name} is a reader, and this needs a writer")

    def _counting(self, digest: str) -> TokenSpec | None:
        found = self._tokens.get(digest)
        expired = found is not None and found.expires_us is not None and to_us(self._clock.now()) >= found.expires_us
        return None if expired else found


def _given(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The text of the token that came with a request."""
    kind, _, value = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() == b"bearer":
        return value.strip()
    if kind.lower() == b"basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return None

"""The tokens of one stack as its server checks them, and where a request carries one."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from stackcanvas.metadata.tokens import Token, Tokens

COOKIE = "stackcanvas_token"
_REMEMBERED_S = 2.0
_MOST_COOKIES = 4


class Keys:
    """Checks the tokens of one stack.

    Args:
        tokens: of the stack.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._known: dict[str, tuple[float, Token]] = {}

    def knows(self, text: str) -> bool:
        """Whether it was a token a moment ago."""
        return text in self._known

    async def check(self, text: str) -> Token | None:
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

    async def first(self, texts: list[str]) -> Token | None:
        """The first token of a request that counts."""
        for text in texts:
            found = await self.check(text)
            if found is not None:
                return found
        return None


def given(headers: Mapping[str, str]) -> list[str]:
    """The texts that came with a request in the place of a token.

    There may be several cookies: one for each path, as a browser that is signed in to a project and to one of its
    workspaces sends them.
    """
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return [value.strip()]
    if kind.lower() == "basic":
        try:
            return [base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]]
        except (binascii.Error, ValueError):
            return [""]
    cookies = headers.get("cookie")
    found = [_cookie(part) for part in cookies.split(";")] if cookies else []
    return [text for text in found if text][:_MOST_COOKIES]


def _cookie(part: str) -> str | None:
    try:
        found = SimpleCookie(part.strip()).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None else None

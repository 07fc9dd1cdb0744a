"""Tokens: who may ask a server, and for what. Only digests are kept."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from stackcanvas.errors import BadInput, Conflict, NotFound, nearest
from stackcanvas.metadata.refs import Ref
from stackcanvas.metadata.spine import Spine
from stackcanvas.metadata.tables import token

READER, WRITER, APPROVER, ADMIN = "reader", "writer", "approver", "admin"
ROLES = (READER, WRITER, APPROVER, ADMIN)
"""Each may do what the ones before it may."""

PREFIX = "sc_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_SECRET_BYTES = 32
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret.

    Args:
        name: of the person or program; it stands as the actor in every record.
        role: `reader`, `writer`, `approver` or `admin`.
        creator: who made it.
        expires: from when it counts no more; None for never.
        used: when it was last used, to the minute.
        revoked: since when it counts no more.
    """

    name: str
    role: str
    created: datetime
    creator: str
    expires: datetime | None
    used: datetime | None
    revoked: datetime | None

    def may(self, role: str) -> bool:
        """Whether it may do what needs a role."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def counts(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class Tokens:
    """Makes, checks and revokes tokens.

    Args:
        spine: whose database holds them.
        entropy: gives random bytes.
    """

    def __init__(self, spine: Spine, *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._spine = spine
        self._entropy = entropy

    def add(self, name: str, *, role: str, lasts: timedelta | None = None) -> str:
        """Make a token and give its text, which is shown this once and kept nowhere.

        Args:
            name: of the person or program.
            role: what it may do.
            lasts: how long it counts; for ever by default.

        Raises:
            BadInput: the name or the role cannot be one.
            Conflict: the name has a token, revoked ones included: a name in old records must not change its person.
        """
        if not _NAME.fullmatch(name):
            raise BadInput(f"{name!r} cannot name a token", expected="letters, digits and . _ @ + -, 100 at most")
        if role not in ROLES:
            near = nearest(role, ROLES)
            fix = f"Perhaps {near}" if near else None
            raise BadInput(f"{role!r} is no role", expected=", ".join(ROLES), fix=fix)
        text = PREFIX + base64.urlsafe_b64encode(self._entropy(_SECRET_BYTES)).decode().rstrip("=")
        now = self._spine.clock.now()
        facts = {"name": name, "role": role, "created": now, "creator": self._spine.actor.name}
        asked = {"name": name, "role": role}
        with self._spine.record("metadata.token", parameters=asked) as work, self._spine.write() as tx:
            if tx.execute(select(token.c.name).where(token.c.name == name)).first():
                raise Conflict(f"{name} has a token already", fix="Choose another name, such as one with a number")
            expires = None if lasts is None else now + lasts
            tx.execute(token.insert().values(**facts, digest=_digest(text), expires=expires))
            self._spine.audit.add(tx, "token.made", Ref("execution", work.id), asked)
            work.finish(tx)
        return text

    def check(self, text: str) -> Token | None:
        """The token of a text; None when there is none, or it is revoked or expired."""
        with self._spine.read() as connection:
            row = connection.execute(select(token).where(token.c.digest == _digest(text))).one_or_none()
        found = None if row is None else _token(row)
        now = self._spine.clock.now()
        if found is None or not found.counts(now):
            return None
        if found.used is None or now - found.used >= _NOTED_EVERY:
            with self._spine.database.write(durable=False) as tx:
                tx.execute(update(token).where(token.c.name == found.name).values(used=now))
        return found

    def ls(self) -> list[Token]:
        """All tokens by name, those that count no more among them."""
        with self._spine.read() as connection:
            return [_token(row) for row in connection.execute(select(token).order_by(token.c.name))]

    def digests(self) -> dict[str, Token]:
        """The tokens that count now by the digest of their text, for a server that has no database."""
        with self._spine.read() as connection:
            found = {row.digest: _token(row) for row in connection.execute(select(token))}
        now = self._spine.clock.now()
        return {digest: one for digest, one in found.items() if one.counts(now)}

    def revoke(self, name: str) -> Token:
        """Make a token count no more, at once.

        Raises:
            NotFound: there is none of this name.
        """
        known = {one.name: one for one in self.ls()}
        if name not in known:
            raise NotFound("token", name, known=list(known))
        asked = {"name": name, "revoked": True}
        with self._spine.record("metadata.token", parameters=asked) as work, self._spine.write() as tx:
            now = self._spine.clock.now()
            tx.execute(update(token).where(token.c.name == name, token.c.revoked.is_(None)).values(revoked=now))
            self._spine.audit.add(tx, "token.revoked", Ref("execution", work.id), {"name": name})
            work.finish(tx)
        return next(one for one in self.ls() if one.name == name)


def _digest(text: str) -> str:
    # The text is 256 random bits: nothing is gained by a slow digest.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: Any) -> Token:
    return Token(row.name, row.role, row.created, row.creator, row.expires, row.used, row.revoked)

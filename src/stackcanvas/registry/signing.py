"""Signatures of versions: ed25519 over the digest, so that whoever holds the public key can tell who vouches for it.

The private key comes from a file or an environment variable that the caller names; it is never stored.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from stackcanvas.errors import BadInput, Corrupt, MissingExtra, NotFound
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry.tables import model_signature
from stackcanvas.registry.versions import ModelVersion

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
except ModuleNotFoundError as missing:
    raise MissingExtra("signing models", "signing") from missing

_PREFIX = b"stackcanvas model version\0"


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """A signature of a version, and whether it holds.

    Args:
        key: the public key, in base64.
        holds: whether it is of this version, and the files are those that were registered.
        trusted: whether the key is one of those that were given; None when none were.
    """

    ref: Ref
    key: str
    holds: bool
    trusted: bool | None
    time: datetime
    actor: str

    @property
    def ok(self) -> bool:
        """Whether it holds, by a key that is trusted where keys were given."""
        return self.holds and self.trusted is not False


def new_key() -> tuple[str, str]:
    """A new private key as PEM, and its public key in base64.

    Example:
        >>> private, public = new_key()
        >>> private.startswith("-----BEGIN PRIVATE KEY-----"), len(public)
        (True, 44)
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), _public(key.public_key())


def sign(spine: Spine, version: ModelVersion, private: str) -> str:
    """Sign a version; gives the public key.

    Args:
        private: the private key as PEM.

    Raises:
        BadInput: the key cannot be read, or is of another kind.
    """
    try:
        key = serialization.load_pem_private_key(private.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Whatever the library says may hold parts of the key.
        raise BadInput("the private key cannot be read", expected="an ed25519 key as PEM, without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput("the private key is of another kind", expected="an ed25519 key")
    public = _public(key.public_key())
    signed = base64.b64encode(key.sign(_message(version))).decode()
    facts = {"digest": version.digest, "signature": signed, "time": spine.clock.now(), "actor": spine.actor.name}
    new = spine.database.insert(model_signature).values(name=version.name, number=version.number, key=public, **facts)
    kept = new.on_conflict_do_update(index_elements=list(model_signature.primary_key.columns), set_=facts)
    with spine.write() as tx:
        tx.execute(kept)
        spine.audit.add(tx, "model.signed", version.ref, {"digest": version.digest, "key": public})
    return public


def signatures(spine: Spine, version: ModelVersion, *, trusted: list[str] | None = None) -> list[SignatureCheck]:
    """Every signature of a version, checked.

    Args:
        trusted: public keys in base64; without any, whose key it is remains the caller's to judge.

    Raises:
        NotFound: it is not signed.
    """
    chosen = select(model_signature).where(
        model_signature.c.name == version.name, model_signature.c.number == version.number
    )
    with spine.read() as connection:
        rows = connection.execute(chosen.order_by(model_signature.c.time)).all()
    if not rows:
        raise NotFound("signature of", str(version.ref), fix="`stackcanvas models sign` makes one")
    return [
        SignatureCheck(
            version.ref,
            row.key,
            row.digest == version.digest and _holds(row.key, row.signature, version),
            row.key in trusted if trusted else None,
            row.time,
            row.actor,
        )
        for row in rows
    ]


def _holds(key: str, signed: str, version: ModelVersion) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signed, validate=True), _message(version))
    except InvalidSignature:
        return False
    except (ValueError, binascii.Error) as error:
        raise Corrupt("a stored signature cannot be read", where=str(version.ref)) from error
    return True


def _message(version: ModelVersion) -> bytes:
    """What is signed: name and number too, so that a signature cannot be moved to another version of the same bytes."""
    return _PREFIX + f"{version.name}\0{version.number}\0{version.digest}".encode()


def _public(key: Ed25519PublicKey) -> str:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode()

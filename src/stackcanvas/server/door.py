"""How a server is reached: on this machine alone, or by others with TLS and tokens."""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stackcanvas.errors import BadInput, Refused
from stackcanvas.server.child import is_loopback


@dataclass(frozen=True, slots=True)
class Door:
    """How the server is reached.

    Args:
        tokens: whether every request needs a token.
        certificate: a file with the TLS certificate chain; None for plain HTTP.
        key: the file with its private key.
        requests_per_s: how many requests one token may send in a second, as a mean; None for any number.
    """

    tokens: bool = False
    certificate: Path | None = None
    key: Path | None = None
    requests_per_s: float | None = None


OPEN = Door()
"""On this machine alone, asking nobody."""


def add_door_options(parser: argparse.ArgumentParser) -> None:
    """The options on who may ask and how."""
    parser.add_argument("--tokens", action="store_true", help="ask for a token on this machine as well")
    parser.add_argument("--tls-certificate", type=Path, default=None, help="a file with the certificate chain")
    parser.add_argument("--tls-key", type=Path, default=None, help="the file with its private key")
    parser.add_argument("--tls-by-proxy", action="store_true", help="a proxy in front speaks TLS")
    parser.add_argument(
        "--requests-per-second", type=float, default=500, help="of one token, as a mean; 0 for any number"
    )


def door_of(given: argparse.Namespace, *, may_enter: Callable[[], bool], role: str) -> Door:
    """How the server is reached, once it is sure that nobody gets in whom the team does not know.

    Args:
        given: the options.
        may_enter: whether there is a token that counts for the one who is needed most.
        role: who that is: `admin`, or whoever may ask.

    Raises:
        Refused: other machines can reach it, and there is no TLS or no token.
        BadInput: the files of TLS do not fit.
    """
    certificate, key = given.tls_certificate, given.tls_key
    if (certificate is None) != (key is None):
        raise BadInput("TLS needs both files", expected="--tls-certificate FILE --tls-key FILE")
    if certificate is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise BadInput(f"the files of TLS cannot be used ({error})", where=str(certificate)) from error
    open_to_others = not is_loopback(given.host)
    if open_to_others and certificate is None and not given.tls_by_proxy:
        raise Refused(
            f"{given.host} can be reached from other machines, and tokens must not travel in the clear",
            fix="Give --tls-certificate FILE --tls-key FILE, or --tls-by-proxy where a proxy in front speaks TLS",
        )
    wanted = open_to_others or given.tokens
    if wanted and not may_enter():
        whose = "of an administrator" if role == "admin" else "that this server knows"
        raise Refused(
            f"nobody could get in: there is no token {whose}",
            fix=f"Make one: stackcanvas tokens add NAME --role {role}",
        )
    return Door(wanted, certificate, key, given.requests_per_second or None)

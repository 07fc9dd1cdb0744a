"""What needs an optional package: signatures and bills of materials, whose code is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackcanvas.metadata import Spine
    from stackcanvas.registry.signing import SignatureCheck
    from stackcanvas.registry.versions import ModelVersion

_SIGNING = "stackcanvas.registry.signing"
_BOM = "stackcanvas.registry.bom"


def new_key() -> tuple[str, str]:
    """A new private key as PEM, and its public key in base64.

    Raises:
        MissingExtra: the package for signing is not installed.
    """
    pair: tuple[str, str] = _late(_SIGNING).new_key()
    return pair


def sign(spine: Spine, version: ModelVersion, private: str) -> str:
    """Sign a version with a private key as PEM; gives the public key in base64.

    Raises:
        MissingExtra: the package for signing is not installed.
        BadInput: the key cannot be read.
    """
    public: str = _late(_SIGNING).sign(spine, version, private)
    return public


def signatures(spine: Spine, version: ModelVersion, *, trusted: list[str] | None = None) -> list[SignatureCheck]:
    """Every signature of a version, checked; with public keys, also whether it is by one of them.

    Raises:
        MissingExtra: the package for signing is not installed.
        NotFound: it is not signed.
    """
    found: list[SignatureCheck] = _late(_SIGNING).signatures(spine, version, trusted=trusted)
    return found


def bill(version: ModelVersion) -> str:
    """The bill of materials of a version, as CycloneDX JSON.

    Raises:
        MissingExtra: the package for it is not installed.
    """
    text: str = _late(_BOM).bill(version)
    return text


def _late(module: str) -> Any:
    return importlib.import_module(module)

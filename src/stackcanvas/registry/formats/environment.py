"""What a kept model needs to be loaded: the Python it was made with, and packages with their versions."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any

_PACKAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "onnx": ("onnxruntime", "numpy"),
        "lightgbm": ("lightgbm", "numpy"),
        "xgboost": ("xgboost", "xgboost-cpu", "numpy"),
        "skops": ("skops", "scikit-learn", "numpy"),
        "sklearn": ("scikit-learn", "numpy"),
        "python": ("stackcanvas", "polars", "numpy"),
    }
)


def needed(format: str) -> dict[str, Any]:  # noqa: A002 - the word of the canvas
    """Python and the packages that load a format, as they are installed here.

    Example:
        >>> sorted(needed("onnx"))
        ['python', 'requirements']
    """
    return {"python": platform.python_version(), "requirements": [_pinned(name) for name in _installed(format)]}


def _installed(format: str) -> list[str]:  # noqa: A002 - as above
    return [name for name in _PACKAGES.get(format, ()) if _version(name) is not None]


def _pinned(name: str) -> str:
    return f"{name}=={_version(name)}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

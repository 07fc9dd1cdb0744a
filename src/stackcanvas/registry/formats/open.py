"""From the name of a format to its code, which is imported when it is used: converters and runtimes are heavy."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from stackcanvas.errors import NotFound
from stackcanvas.registry.formats.base import Exporter, Loader

_FOLDER = "stackcanvas.registry.formats"
EXPORTERS: Mapping[str, str] = MappingProxyType(
    {
        "onnx": f"{_FOLDER}.onnx:export",
        "lightgbm": f"{_FOLDER}.trees:export_lightgbm",
        "xgboost": f"{_FOLDER}.trees:export_xgboost",
        "skops": f"{_FOLDER}.skops:export",
        "sklearn": f"{_FOLDER}.estimators:export_sklearn",
        "python": f"{_FOLDER}.function:export",
    }
)
LOADERS: Mapping[str, str] = MappingProxyType(
    {
        "onnx": f"{_FOLDER}.onnx_runtime:load",
        "lightgbm": f"{_FOLDER}.loaded:load_lightgbm",
        "xgboost": f"{_FOLDER}.loaded:load_xgboost",
        "skops": f"{_FOLDER}.loaded:load_skops",
        "sklearn": f"{_FOLDER}.loaded:load_sklearn",
        "python": f"{_FOLDER}.loaded:load_python",
    }
)
RUNS_PYTHON = frozenset({"sklearn", "python"})
"""The formats that run whatever code was put into them: in a process of their own, and only when somebody agreed."""


def exporter(name: str) -> Exporter:
    """What turns a model into files of the format.

    Raises:
        NotFound: there is no such format.
    """
    return cast("Exporter", _found(EXPORTERS, name))


def loader(name: str) -> Loader:
    """What makes a model that can predict from files of the format.

    Raises:
        NotFound: there is no such format.
    """
    return cast("Loader", _found(LOADERS, name))


def _found(table: Mapping[str, str], name: str) -> object:
    if name not in table:
        raise NotFound("model format", name, known=table)
    module, _, function = table[name].partition(":")
    return getattr(importlib.import_module(module), function)

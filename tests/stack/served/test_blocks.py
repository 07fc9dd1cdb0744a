"""What the blocks are held to where they are, they are held to from afar, too: their own tests, over a server."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.data import Data
from stackcanvas.experiments import Experiments
from stackcanvas.stack import Stack

_TESTS = Path(__file__).parents[2]
# Fixtures that a served stack gives, and those that any test may have beside them.
_GIVEN = {"experiments", "data", "registry", "tmp_path", "monkeypatch"}


def _borrowed(block: str, name: str, *, without: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """The tests of a file that need nothing but the block."""
    place = _TESTS / block / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"served_{block}_{name}", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    left_out = {f"test_{one}" for one in without.split()}
    for test, function in vars(module).items():
        marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
        shown = {one.strip() for mark in marks for one in _names(mark.args[0])}
        if (
            test.startswith("test_")
            and test not in left_out
            and set(inspect.signature(function).parameters) - shown <= _GIVEN
            and {"experiments", "data", "registry"} & set(inspect.signature(function).parameters)
        ):
            yield f"{test}_{block}_{name.removeprefix('test_')}", function


def _names(given: Any) -> list[str]:
    return given.split(",") if isinstance(given, str) else list(given)


@pytest.fixture
def experiments(served: Stack) -> Experiments:
    """The block as a writer has it from afar."""
    return served.experiments


@pytest.fixture
def data(served: Stack) -> Data:
    """The block as a writer has it from afar."""
    return served.data


vars().update(_borrowed("experiments", "test_run"))
vars().update(_borrowed("experiments", "test_experiments", without="files_are_kept_in_folders"))  # nothing is deleted
vars().update(_borrowed("data", "test_read"))
vars().update(_borrowed("data", "test_diff"))
vars().update(_borrowed("data", "test_tag"))
vars().update(_borrowed("data", "test_commit"))
vars().update(_borrowed("data", "test_checkout"))

"""The public names: complete, sorted, and free until they are used."""

from __future__ import annotations

import subprocess
import sys

import stackcanvas

HEAVY = ("sqlalchemy", "polars", "numpy", "pandas", "pyarrow", "pydantic", "sklearn", "fastapi", "rich", "click")


def test_the_list_of_public_names_is_sorted_and_each_is_there() -> None:
    """What is listed can be used."""
    assert stackcanvas.__all__ == sorted(stackcanvas.__all__)
    for name in stackcanvas.__all__:
        assert getattr(stackcanvas, name) is not None


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import stackcanvas` costs no more than the interpreter."""
    code = f"import sys, stackcanvas; print([name for name in {HEAVY} if name in sys.modules])"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    assert not hasattr(stackcanvas, "nothing")

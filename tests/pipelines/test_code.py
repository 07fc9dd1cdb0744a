from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stackcanvas.pipelines.code import CodeDigests
from stackcanvas.pipelines.load import Definitions

BASE = """
import math
from helpers import clean

LIMIT = 3
NAMES = {"a", "b", "c"}

class Model:
    def predict(self, x):
        return x + LIMIT

def inner(x):
    return clean(x) * LIMIT

def make(factor):
    def scaled(x):
        return x * factor
    return scaled

twice = make(2)

def step(x, y=1):
    '''Says what it does.'''
    # and why
    z = inner(x) + y
    return Model().predict(z), twice(z), x in NAMES, math.sqrt(4), x.fit()

def fit():
    return 1
"""
HELPERS = "def clean(x):\n    return x.strip()\n"


@pytest.fixture
def digest(tmp_path: Path) -> Any:
    """The digest of `step` in a project with this code."""
    number = 0
    loaded: list[Definitions] = []

    def of(code: str = BASE, helpers: str = HELPERS, *, name: str = "step") -> str:
        nonlocal number
        number += 1
        root = tmp_path / str(number)
        root.mkdir()
        (root / "pipelines.py").write_text(code)
        (root / "helpers.py").write_text(helpers)
        project = Definitions(root)
        loaded.append(project)
        module = project.module("pipelines")
        assert isinstance(module, ModuleType)
        found: Callable[..., Any] = vars(module)[name]
        digested = CodeDigests().of(found)
        project.forget()
        sys.path.remove(str(root))
        return digested

    return of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# and why", "# and why not\n"),
        ("'''Says what it does.'''", "'''Says something else.'''"),
        (
            "z = inner(x) + y\n    return Model().predict(z), twice(z)",
            "w = inner(x) + y\n    return Model().predict(w), twice(w)",
        ),
        ("def step(x, y=1):", "def step(x: 'int', y: int = 1) -> tuple:"),
        ("def fit():\n    return 1", "def fit():\n    return 2"),
        ('{"a", "b", "c"}', '{"c", "a", "b"}'),
        ("def step(x, y=1):", "def step(x, y=2):"),
    ],
)
def test_what_does_not_change_the_result_does_not_change_the_digest(digest: Any, old: str, new: str) -> None:
    """Comments, documentation, local names, annotations, an unused function of a method's name, the order of a set.

    A default of the step itself is among its arguments.
    """
    assert old in BASE
    assert digest(BASE.replace(old, new)) == digest()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("z = inner(x) + y", "z = inner(x) - y"),
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("return x + LIMIT", "return x - LIMIT"),
        ("return clean(x) * LIMIT", "return clean(x) ** LIMIT"),
        ("make(2)", "make(3)"),
        ("return x * factor", "return x / factor"),
        ('{"a", "b", "c"}', '{"a", "b"}'),
        ("def step(x, y=1):", "def step(x, *, y=1):"),
        ("math.sqrt(4)", "math.sqrt(9)"),
    ],
)
def test_what_can_change_the_result_changes_the_digest(digest: Any, old: str, new: str) -> None:
    """Code, constants, values of the module, classes, closures, functions that are called, at any depth."""
    assert old in BASE
    assert digest(BASE.replace(old, new)) != digest()


def test_a_function_of_another_module_of_the_project_counts(digest: Any) -> None:
    """Imported by name, as a module, or only when it is called."""
    other = "def clean(x):\n    return x.lower()\n"
    by_module = "import helpers\ndef step(x):\n    return helpers.clean(x)\n"
    inside = "def step(x):\n    from helpers import clean\n    return clean(x)\n"

    for code in (BASE, by_module, inside):
        assert digest(code, other) != digest(code)
        assert digest(code, HELPERS + "\n# more\ndef unused():\n    pass\n") == digest(code)


def test_functions_that_refer_to_each_other_have_a_digest(digest: Any) -> None:
    """Cycles end, and each part still counts."""
    code = "def step(x):\n    return x and other(x - 1)\ndef other(x):\n    return step(x) + 1\n"

    assert digest(code) == digest(code)
    assert digest(code.replace("+ 1", "+ 2")) != digest(code)


def test_a_value_that_cannot_be_pickled_counts_by_its_type(digest: Any) -> None:
    """A lock or an open file at module level is no reason to refuse a step."""
    code = "import threading\nLOCK = threading.Lock()\ndef step(x):\n    with LOCK:\n        return x\n"

    assert digest(code) == digest(code)


def test_lambdas_and_wrapped_functions_have_a_digest_of_their_own(digest: Any) -> None:
    """Where source text would not tell them apart."""
    code = "import functools\nstep, other = (lambda x: x + 1), (lambda x: x + 2)\n"
    wrapped = (
        "import functools\n@functools.lru_cache\ndef inner(x):\n    return x + 1\ndef step(x):\n    return inner(x)\n"
    )

    assert digest(code) != digest(code, name="other")
    assert digest(wrapped) != digest(wrapped.replace("x + 1", "x + 2"))


def test_the_digest_is_the_same_in_every_process(tmp_path: Path) -> None:
    """Whatever the seed of the hashes of text, and from a compiled file as well."""
    (tmp_path / "pipelines.py").write_text(BASE)
    (tmp_path / "helpers.py").write_text(HELPERS)
    script = textwrap.dedent(f"""
        from pathlib import Path
        from stackcanvas.pipelines.code import CodeDigests
        from stackcanvas.pipelines.load import Definitions
        print(CodeDigests().of(Definitions(Path({str(tmp_path)!r})).module("pipelines").step))
    """)
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONDONTWRITEBYTECODE": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }

    assert len(digests) == 1

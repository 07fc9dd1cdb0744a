from __future__ import annotations

import importlib
import pickle
from dataclasses import replace
from typing import Any

import pytest

from stackcanvas.errors import Conflict, Usage
from stackcanvas.pipelines import Address
from stackcanvas.pipelines.bench import Bench

CODE = """
@sc.step
def double(number):
    return 2 * number

@sc.pipeline
def train(twice: bool = False):
    return double(double(1)) if twice else double(1)
"""


def test_a_bench_is_opened_anew_where_it_is_sent(project: Any) -> None:
    """From the address of the project."""
    project.write(CODE)
    bench: Bench = project.open().pipelines.bench

    other: Bench = pickle.loads(pickle.dumps(bench))  # noqa: S301 - made here

    assert other is not bench
    assert other.definitions.root == bench.definitions.root
    other.spine.database.close()


def test_without_an_address_it_stays(project: Any) -> None:
    """The sentence says why."""
    bench = replace(project.open().pipelines.bench, address=None)
    with pytest.raises(Usage, match="another process"):
        pickle.dumps(bench)


def test_a_step_is_found_by_its_place_in_the_graph(project: Any) -> None:
    """With the parameters of the run."""
    project.write(CODE)
    bench: Bench = project.open().pipelines.bench

    assert bench.definition("train", {"twice": True}, "double#2").name == "double"
    with pytest.raises(Conflict, match="double#2"):
        bench.definition("train", {"twice": False}, "double#2")


def test_an_address_carries_the_environment(project: Any) -> None:
    """Where one was asked for."""
    given: dict[str, object] = {}

    def opener(root: str, **options: object) -> None:
        given.update(root=root, **options)

    vars(importlib.import_module("opened_project"))["opener"] = opener
    Address("opened_project:opener", "here", environment="production").open()

    assert given == {"root": "here", "environment": "production"}

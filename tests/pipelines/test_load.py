from __future__ import annotations

import pickle
import sys
from typing import Any

import pytest

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.pipelines import Definitions, Pipeline


def test_pipelines_are_found_in_a_file_or_a_package(make_project: Any) -> None:
    """With neighbours that they import."""
    one, two, none = make_project("one"), make_project("two"), make_project("none")
    one.write("from steps_of_one import double\n@sc.pipeline\ndef train():\n    return double(2)\n")
    one.write("@sc.step\ndef double(number):\n    return 2 * number\n", file="steps_of_one.py")
    two.write("from .deep import train\n", file="pipelines/__init__.py")
    two.write("@sc.pipeline(name='daily')\ndef train():\n    return 1\n", file="pipelines/deep.py")

    found = [sorted(Definitions(project.root).pipelines()) for project in (one, two, none)]

    assert found == [["train"], ["daily"], []]


def test_two_projects_of_one_process_do_not_mix(make_project: Any) -> None:
    """Each has its own module."""
    one, two = make_project("one"), make_project("two")
    one.write("@sc.pipeline\ndef train():\n    return 'one'\n")
    two.write("@sc.pipeline\ndef train():\n    return 'two'\n")
    first, second = Definitions(one.root), Definitions(two.root)

    assert (first.pipeline("train")(), second.pipeline("train")()) == ("one", "two")
    assert first.package != second.package
    assert "pipelines" not in sys.modules


def test_a_changed_file_is_read_again(project: Any) -> None:
    """Its neighbours too."""
    project.write("from helpers_of_a_change import word\n@sc.pipeline\ndef train():\n    return word\n")
    project.write("word = 'old'\n", file="helpers_of_a_change.py")
    definitions = Definitions(project.root)
    before = definitions.pipeline("train")

    assert definitions.pipeline("train") is before
    project.write("word = 'new'\n", file="helpers_of_a_change.py")

    assert Definitions(project.root).pipeline("train")() == "new"
    assert before() == "old"
    assert definitions.pipeline("train")() == "new"


def test_other_rooms_are_searched_by_type(project: Any) -> None:
    """Each thing once, in the order of the file."""
    project.write("two = 2\none = 1\nuno = one\n", file="features.py")

    assert Definitions(project.root).find("features", int) == [2, 1]
    assert Definitions(project.root).find("nothing", int) == []


@pytest.mark.parametrize(
    ("code", "place", "said"),
    [
        ("def train(:\n    pass\n", "pipelines.py:10:11", "no valid Python"),
        ("import nothing_of_that_name\n", "pipelines.py:10", "No module named 'nothing_of_that_name'"),
        ("from helpers_that_fail import x\n", "helpers_that_fail.py:10", "ZeroDivisionError"),
        ("@sc.step(retries=-1)\ndef f():\n    pass\n", "pipelines.py:10", "negative"),
    ],
)
def test_code_that_cannot_be_loaded_is_named_with_file_and_line(project: Any, code: str, place: str, said: str) -> None:
    """And it can be mended without a new process."""
    project.write(code)
    project.write("x = 1 / 0\n", file="helpers_that_fail.py")
    definitions = Definitions(project.root)

    with pytest.raises(BadInput, match=said) as refused:
        definitions.pipelines()
    assert str(refused.value.where).startswith(place)
    (frames,) = refused.value.__notes__
    assert "stackcanvas/pipelines/load.py" not in frames

    project.write("@sc.pipeline\ndef train():\n    return 1\n")
    assert list(definitions.pipelines()) == ["train"]


def test_two_pipelines_of_one_name_are_refused(project: Any) -> None:
    """Both places are named; one pipeline under two names is one."""
    project.write("@sc.pipeline\ndef a():\n    pass\nalias = a\n@sc.pipeline(name='a')\ndef b():\n    pass\n")

    with pytest.raises(BadInput, match="two pipelines are called 'a'") as refused:
        Definitions(project.root).pipelines()
    assert str(refused.value.where).endswith("pipelines.py:14")


def test_an_unknown_pipeline_is_not_found(project: Any) -> None:
    """The nearest one is offered; without any, where to write one."""
    definitions = Definitions(project.root)
    with pytest.raises(NotFound, match=r"pipelines\.py"):
        definitions.pipeline("train")
    project.write("@sc.pipeline\ndef train():\n    pass\n")
    with pytest.raises(NotFound, match="'train'"):
        definitions.pipeline("trian")
    assert isinstance(definitions.pipeline("train"), Pipeline)


def test_an_object_pickled_in_one_folder_is_read_in_another(make_project: Any) -> None:
    """The module of a class carries the project, whose folder may have moved."""
    code = "class Model:\n    def __init__(self):\n        self.depth = 3\n"
    old, new = make_project("old"), make_project("new")
    old.write(code)
    new.write(code)
    data = pickle.dumps(Definitions(old.root).module("pipelines").Model())  # type: ignore[union-attr]
    moved = Definitions(new.root)

    named = f"{Definitions(old.root).package}.pipelines"
    assert moved.rename(named) == f"{moved.package}.pipelines"
    assert moved.rename("collections.abc") == "collections.abc"
    assert named.encode() in data
    assert Definitions(new.root, identity=old.root).package == Definitions(old.root).package


def test_threads_of_the_users_libraries_wait_without_spinning(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set before their code imports such a library; what they have set themselves stays."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    project.write("import os\nfound = os.environ['OMP_WAIT_POLICY']\n", file="features.py")

    assert Definitions(project.root).find("features", str)[-1:] == ["passive"]

    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    project.write("import os\nfound = os.environ['OMP_WAIT_POLICY']  # again\n", file="features.py")

    assert Definitions(project.root).find("features", str)[-1:] == ["active"]
